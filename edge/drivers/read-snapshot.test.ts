import { describe, expect, test } from 'vitest';
import { type Line, LineFault } from '../line/line.ts';
import { readSnapshot } from './read-snapshot.ts';

type Read = Line['read'];
type Refusal = number | 'silent' | null;

/** A meter that holds its addresses as words, or refuses, or is silent, as `refuses` says of a request. */
function meter(refuses: (address: number, count: number) => Refusal): {
  read: Read;
  asked: [number, number][];
} {
  const asked: [number, number][] = [];
  const read: Read = ({ address, count }) => {
    asked.push([address, count]);
    const refusal = refuses(address, count);
    if (refusal === 'silent') return Promise.reject(new LineFault('timeout', 'no answer'));
    if (refusal !== null) return Promise.resolve({ ok: false, exception: refusal });
    const data = Buffer.alloc(count * 2);
    for (let i = 0; i < count; i++) data.writeUInt16BE(address + i, i * 2);
    return Promise.resolve({ ok: true, data });
  };
  return { read, asked };
}
const range = { unit: 1, functionCode: 3, from: 0, to: 255 } as const;
const addresses = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const touches = (address: number, count: number, from: number, to: number): boolean =>
  address <= to && address + count > from;

describe('reads all that a meter holds', () => {
  test('in few requests where it holds everything', async () => {
    const { read, asked } = meter(() => null);
    const { registers, requests, fault } = await readSnapshot({ read }, range);
    expect([...registers]).toEqual(addresses(0, 255).map((address) => [address, address]));
    expect([requests, asked.length, fault]).toEqual([8, 8, null]);
  });

  test.each([2, 4, 'silent'] as const)('around a hole that answers %s', async (refusal) => {
    const { read } = meter((address, count) => (touches(address, count, 40, 42) ? refusal : null));
    const { registers } = await readSnapshot({ read }, { ...range, to: 127 });
    expect([...registers.keys()].sort((a, b) => a - b)).toEqual([...addresses(0, 39), ...addresses(43, 127)]);
  });

  test('from an odd address to an even one, each half of a refused pair', async () => {
    const { read, asked } = meter((address, count) => (address < 67 || address + count > 73 ? 2 : null));
    const { registers } = await readSnapshot({ read }, { ...range, to: 127 });
    expect([...registers.keys()].sort((a, b) => a - b)).toEqual(addresses(67, 72));
    expect(asked.length).toBeLessThan(130);
  });

  test('a meter that answers short requests only is asked no long ones again', async () => {
    const { read, asked } = meter((_, count) => (count > 14 ? 3 : null));
    const { registers } = await readSnapshot({ read }, range);
    expect(registers.size).toBe(256);
    expect(asked.filter(([, count]) => count > 14)).toHaveLength(2);
  });

  test('to the last address that exists', async () => {
    const { read } = meter(() => null);
    const { registers } = await readSnapshot({ read }, { ...range, from: 65_530, to: 65_535 });
    expect([...registers.keys()]).toEqual(addresses(65_530, 65_535));
  });
});

describe('knows when to stop', () => {
  test('a function that the meter does not have is asked for once', async () => {
    const { read, asked } = meter(() => 1);
    expect((await readSnapshot({ read }, range)).registers.size).toBe(0);
    expect(asked).toHaveLength(1);
  });
  test('a meter that is silent from the start is given up', async () => {
    const { read, asked } = meter(() => 'silent');
    expect((await readSnapshot({ read }, range)).fault?.code).toBe('timeout');
    expect(asked).toHaveLength(3);
  });
  test('one that falls silent on the way as well', async () => {
    const { read, asked } = meter((address) => (address < 32 ? null : 'silent'));
    const { registers, fault } = await readSnapshot({ read }, range);
    expect([registers.size, fault?.code]).toEqual([32, 'timeout']);
    expect(asked.length).toBeLessThan(30);
  });
});
