/** A process that stands still, as one with much to do does, and what comes to its line meanwhile. */
import { describe, expect, test } from 'vitest';
import type { Exchange } from './exchange.ts';
import { ModbusRtu } from './modbus-rtu.ts';
import { against, type Behaviour, registersAt, TIMEOUT_MS, whenAnswered } from './test-line.ts';

const WORST_REPLY_MS = 400;
/** Longer than the silence that ends a frame, and not so long that it would be noticed. */
const STALL_MS = 7;
const TURNAROUND_MS = 20;
/** So long TCP holds back what follows an answer at most, when that is not acknowledged (Linux: TCP_DELACK_MAX). */
const HELD_BACK_MS = 200;

const clean: Behaviour = ({ frame, send }) => send(frame());
const slow: Behaviour = ({ frame, send }) => void setTimeout(() => send(frame()), TURNAROUND_MS);

function standStill(untilMs: number): void {
  while (performance.now() < untilMs);
}

/** Does `act` so many turns of the event loop later, before what is begun after this. */
function turnsLater(turns: number, act: () => void): void {
  if (turns === 0) act();
  else setImmediate(() => turnsLater(turns - 1, act));
}

const options = { timeoutMilliseconds: 5_000, worstReplyMilliseconds: TIMEOUT_MS };

describe('while the process stands still', () => {
  test('a second answer comes: it is heard before the first one is taken', async () => {
    const asked = { unit: 9, functionCode: 3, address: 0, count: 1 } as const;
    let second = (): void => undefined;
    const twice: Behaviour = ({ frame, send }) => {
      send(frame());
      second = () => send(frame({ pdu: Uint8Array.of(3, 2, 0x12, 0x34) }));
    };
    await against(
      'rtu-over-tcp',
      () => twice,
      async (line) => {
        const exchange = whenAnswered(new ModbusRtu().exchange(asked), () => {
          second();
          standStill(performance.now() + STALL_MS);
        });
        await expect(line.ask(exchange)).rejects.toMatchObject({ code: 'not_alone' });
      },
      options,
    );
  });

  test.each([0, 1, 2, 3])(
    'a late reply comes, at the end of its unit’s rest and %i turns after another answer: it is not taken',
    async (turns) => {
      const first = { unit: 1, functionCode: 3, address: 10, count: 2 } as const;
      const second = { ...first, address: 300 };
      let late = (): void => undefined;
      const never: Behaviour = ({ frame, send }) => {
        late = () => send(frame());
      };
      await against(
        'rtu-over-tcp',
        (n) => [never, clean][n] ?? slow,
        async (line) => {
          let restsUntil = 0;
          const given: Exchange<unknown> = {
            ...new ModbusRtu().exchange(first),
            giveUp() {
              restsUntil = performance.now() + WORST_REPLY_MS;
              return false;
            },
          };
          const impatient = { timeoutMilliseconds: TIMEOUT_MS, worstReplyMilliseconds: WORST_REPLY_MS };
          await expect(line.ask(given, impatient)).rejects.toMatchObject({ code: 'timeout' });
          const other = whenAnswered(new ModbusRtu().exchange({ ...first, unit: 2 }), () => {
            turnsLater(turns, () => {
              if (performance.now() < restsUntil) late();
              standStill(restsUntil + 1);
            });
            standStill(restsUntil - STALL_MS);
          });
          const [, answer] = await Promise.allSettled([line.ask(other), line.read(second)]);
          const data = Buffer.from(registersAt(second.unit, second.address, second.count));
          expect(answer).toMatchObject({ status: 'fulfilled', value: { ok: true, data } });
        },
        options,
      );
    },
  );
});

test('a second answer that TCP holds back until the next request acknowledges the first is not taken', async () => {
  const first = { unit: 1, functionCode: 3, address: 10, count: 2 } as const;
  const second = { ...first, address: 300 };
  let heldBack = (): void => undefined;
  let heldUntil = 0;
  const release = (): void => {
    // Not when this process stood still: the converter does not.
    if (performance.now() < heldUntil + TIMEOUT_MS) heldBack();
    heldUntil = 0;
  };
  const twice: Behaviour = ({ frame, send }) => {
    send(frame());
    heldBack = () => send(frame());
    heldUntil = performance.now() + HELD_BACK_MS;
    setTimeout(release, HELD_BACK_MS);
  };
  const releasing: Behaviour = (exchange) => (performance.now() < heldUntil ? release() : clean(exchange));
  await against(
    'rtu-over-tcp',
    (n) => (n === 0 ? twice : releasing),
    async (line) => {
      expect(await line.read(first)).toMatchObject({ ok: true });
      const data = Buffer.from(registersAt(second.unit, second.address, second.count));
      expect(await line.read(second)).toEqual({ ok: true, data });
    },
    options,
  );
});
