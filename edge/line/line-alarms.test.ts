import { describe, expect, test } from 'vitest';
import type { Alarm, AlarmKind } from './exchange.ts';
import { against, type Behaviour, concat, type Kind, late } from './test-line.ts';

describe('who else speaks on a line', () => {
  const request = { unit: 9, functionCode: 3, address: 0, count: 1 } as const;
  const other = Uint8Array.of(3, 2, 0x12, 0x34);
  const cases: [string, Kind[], Behaviour, string, AlarmKind][] = [
    [
      'a second slave that answers at once',
      ['tcp', 'rtu-over-tcp'],
      ({ frame, send }) => send(concat(frame(), frame({ pdu: other }))),
      'not_alone',
      'second_slave',
    ],
    [
      'a second slave in the silence that follows',
      ['rtu-over-tcp'],
      ({ frame, send }) => {
        send(frame());
        late(2, () => send(frame({ pdu: other })));
      },
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
      { onAlarm: (one) => heard.push(one) },
    );
    expect(heard).toEqual([{ unit: 9, kind: alarm }]);
  });

  test.each<Kind>(['tcp', 'rtu-over-tcp'])(
    'a second slave (%s) that is later than the first one is told of',
    async (kind) => {
      const told = Promise.withResolvers<Alarm>();
      const twice: Behaviour = ({ frame, send }) => {
        send(frame());
        late(12, () => send(frame({ pdu: other })));
      };
      await against(
        kind,
        () => twice,
        async (line) => {
          expect(await line.read(request)).toMatchObject({ ok: true });
          expect(await told.promise).toEqual({ unit: 9, kind: 'second_slave' });
        },
        { onAlarm: told.resolve },
      );
    },
  );
});
