import { describe, expect, test } from 'vitest';
import type { Alarm, AlarmKind } from './exchange.ts';
import { ModbusRtu } from './modbus-rtu.ts';
import { against, type Behaviour, concat, type Kind, TIMEOUT_MS, whenAnswered } from './test-line.ts';

describe('who else speaks on a line', () => {
  const request = { unit: 9, functionCode: 3, address: 0, count: 1 } as const;
  const other = Uint8Array.of(3, 2, 0x12, 0x34);
  // A busy machine makes no answer late here.
  const patient = { timeoutMilliseconds: 5_000, worstReplyMilliseconds: TIMEOUT_MS };
  const cases: [string, Kind[], Behaviour, string, AlarmKind][] = [
    [
      'a second slave that answers at once',
      ['tcp', 'rtu-over-tcp'],
      ({ frame, send }) => send(concat(frame(), frame({ pdu: other }))),
      'not_alone',
      'second_slave',
    ],
    [
      'an answer that comes twice',
      ['tcp', 'rtu-over-tcp'],
      ({ frame, send }) => send(concat(frame(), frame())),
      'not_alone',
      'duplicate',
    ],
    ['the echo of the request', ['rtu-over-tcp'], ({ sent, send }) => send(sent), 'bad_crc', 'echo'],
  ];
  const each = cases.flatMap(([title, kinds, ...rest]) =>
    kinds.map((kind) => [title, kind, ...rest] as const),
  );
  test.each(each)('%s (%s) fails the request and is told', async (_title, kind, behaviour, code, alarm) => {
    const heard: Alarm[] = [];
    await against(
      kind,
      () => behaviour,
      async (line) => {
        await expect(line.read(request)).rejects.toMatchObject({ code });
        expect(line.alarms()).toEqual([{ unit: 9, echo: 0, duplicate: 0, second_slave: 0, [alarm]: 1 }]);
      },
      { ...patient, onAlarm: (one) => heard.push(one) },
    );
    expect(heard).toEqual([{ unit: 9, kind: alarm }]);
  });

  /** A first slave that answers, and what the second one does when it is its turn. */
  const slaves = (): { first: Behaviour; second(): void } => {
    let second = (): void => undefined;
    const first: Behaviour = ({ frame, send }) => {
      second = () => send(frame({ pdu: other }));
      send(frame());
    };
    return { first, second: () => second() };
  };

  test('a second slave in the silence that follows (rtu-over-tcp) fails the request and is told', async () => {
    const heard: Alarm[] = [];
    const { first, second } = slaves();
    await against(
      'rtu-over-tcp',
      () => first,
      async (line) => {
        const exchange = whenAnswered(new ModbusRtu().exchange(request), second);
        await expect(line.ask(exchange)).rejects.toMatchObject({ code: 'not_alone' });
        expect(line.alarms()).toEqual([{ unit: 9, echo: 0, duplicate: 0, second_slave: 1 }]);
      },
      { ...patient, onAlarm: (one) => heard.push(one) },
    );
    expect(heard).toEqual([{ unit: 9, kind: 'second_slave' }]);
  });

  test.each<Kind>(['tcp', 'rtu-over-tcp'])(
    'a second slave (%s) that is later than the first one is told of',
    async (kind) => {
      const told = Promise.withResolvers<Alarm>();
      const { first, second } = slaves();
      await against(
        kind,
        () => first,
        async (line) => {
          expect(await line.read(request)).toMatchObject({ ok: true });
          second();
          expect(await told.promise).toEqual({ unit: 9, kind: 'second_slave' });
        },
        { ...patient, onAlarm: told.resolve },
      );
    },
  );
});
