import { expect, test } from 'vitest';
import { type Line, LineFault } from '../line/line.ts';
import { RememberedUnit } from './remembered-unit.ts';

type Request = Parameters<Line['read']>[0];
type Answer = Awaited<ReturnType<Line['read']>>;

/** A line that answers as told, and counts what it is asked. */
function lineOf(answer: (request: Request) => Answer | LineFault): Pick<Line, 'read'> & { asked: number } {
  const line = {
    asked: 0,
    read(request: Request): Promise<Answer> {
      line.asked += 1;
      const answered = answer(request);
      return answered instanceof LineFault ? Promise.reject(answered) : Promise.resolve(answered);
    },
  };
  return line;
}
const request = (address: number, count: number, functionCode: 3 | 4 = 3): Request => ({
  unit: 1,
  functionCode,
  address,
  count,
});

test('registers that are known are not asked for again, in whatever pieces', async () => {
  const line = lineOf(({ address, count }) => ({
    ok: true,
    data: Uint8Array.from({ length: count * 2 }, (_, i) => address + (i >> 1)),
  }));
  const unit = new RememberedUnit(line);
  await unit.read(request(10, 4));
  expect(await unit.read(request(11, 2))).toEqual({ ok: true, data: Uint8Array.of(11, 11, 12, 12) });
  expect(line.asked).toBe(1);
  await unit.read(request(11, 2, 4));
  await unit.read(request(12, 3));
  expect(line.asked).toBe(3);
});

test.each([2, 3])(
  'what was refused by %i is refused within a longer range, and asked within a shorter one',
  async (exception) => {
    const line = lineOf(() => ({ ok: false, exception }));
    const unit = new RememberedUnit(line);
    await unit.read(request(10, 4));
    expect(await unit.read(request(8, 8))).toEqual({ ok: false, exception });
    expect(line.asked).toBe(1);
    await unit.read(request(10, 2));
    await unit.read(request(10, 4, 4));
    expect(line.asked).toBe(3);
  },
);

test('a function that the meter does not have is asked for once', async () => {
  const line = lineOf(() => ({ ok: false, exception: 1 }));
  const unit = new RememberedUnit(line);
  for (const address of [0, 500, 9000]) await unit.read(request(address, 2));
  expect(line.asked).toBe(1);
});

test('a busy meter is asked again', async () => {
  const line = lineOf(() => ({ ok: false, exception: 6 }));
  const unit = new RememberedUnit(line);
  await unit.read(request(0, 2));
  await unit.read(request(0, 2));
  expect(line.asked).toBe(2);
});

test('a range that was silent stays so; other faults are tried again', async () => {
  for (const [code, asked] of [
    ['timeout', 1],
    ['bad_crc', 2],
  ] as const) {
    const line = lineOf(() => new LineFault(code, code));
    const unit = new RememberedUnit(line);
    await expect(unit.read(request(0, 2))).rejects.toThrow(code);
    await expect(unit.read(request(0, 2))).rejects.toThrow(code);
    expect(line.asked).toBe(asked);
  }
});
