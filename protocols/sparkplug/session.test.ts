import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataType, type Metric, type Payload } from './payload.ts';
import { type NodeSession, type SessionStep, stepSession } from './session.ts';
import {
  commandTopic,
  listeningNode,
  type MessageType,
  messageTopic,
  parseTopic,
  type SparkplugTopic,
} from './topics.ts';

const value = { kind: 'integer', raw: 5n } as const;
const metric = (name: string, alias: bigint): Metric => ({ name, alias, datatype: DataType.Int64, value });
const byAlias = (alias: bigint): Metric => ({ alias, value });
const birthDeath = (raw: bigint): Metric => ({ name: 'bdSeq', datatype: 8, value: { kind: 'integer', raw } });

/** One message: type, sequence, metrics; device types are of the device "D". */
type Message = [MessageType, number | null, ...Metric[]];
const topicOf = (type: MessageType): SparkplugTopic => ({
  type,
  node: 'G/N',
  device: type.startsWith('D') ? 'D' : '',
});
function play(messages: readonly Message[]): SessionStep {
  let session: NodeSession | null = null;
  let step: SessionStep = { session, metrics: [], refused: [], rebirth: false };
  for (const [type, sequence, ...metrics] of messages) {
    const payload: Payload = sequence === null ? { metrics } : { metrics, sequence };
    step = stepSession(session, topicOf(type), payload);
    session = step.session;
  }
  return step;
}
const born: Message = ['NBIRTH', 0, birthDeath(1n)];
const device: Message = ['DBIRTH', 1, metric('Energy', 1n), metric('Power', 2n)];

describe('a node that was born', () => {
  test('is understood by alias, by its births', () => {
    const step = play([born, device, ['DDATA', 2, byAlias(2n)]]);
    expect(step.metrics).toMatchObject([{ name: 'Power', datatype: DataType.Int64 }]);
    expect(step).toMatchObject({ refused: [], rebirth: false });
  });
  test('is understood by name without a datatype', () => {
    const step = play([born, device, ['DDATA', 2, { name: 'Energy', value }]]);
    expect(step.metrics).toMatchObject([{ name: 'Energy', datatype: DataType.Int64 }]);
  });
  test('speaks for itself and for devices, each with its own aliases', () => {
    const node: Message = ['NBIRTH', 0, birthDeath(1n), metric('Voltage', 1n)];
    expect(play([node, device, ['NDATA', 2, byAlias(1n)]]).metrics).toMatchObject([{ name: 'Voltage' }]);
    expect(play([node, device, ['DDATA', 2, byAlias(1n)]]).metrics).toMatchObject([{ name: 'Energy' }]);
  });
  test('its births are data too', () => {
    expect(play([born, device]).metrics.map(({ name }) => name)).toEqual(['Energy', 'Power']);
  });
  test('numbers go from 255 to 0', () => {
    expect(
      play([
        ['NBIRTH', 254],
        ['DBIRTH', 255, metric('E', 1n)],
        ['DDATA', 0, byAlias(1n)],
      ]),
    ).toMatchObject({
      metrics: [{ name: 'E' }],
      rebirth: false,
    });
  });
  test('a new birth replaces aliases', () => {
    const again: Message = ['DBIRTH', 2, metric('Power', 1n)];
    expect(play([born, device, again, ['DDATA', 3, byAlias(1n)]]).metrics).toMatchObject([{ name: 'Power' }]);
  });
});

describe('after a lost message an alias may mean something else: it is not taken, and the births are asked for', () => {
  test.each<[string, Message[], string]>([
    ['a gap', [born, device, ['DDATA', 3, byAlias(1n)]], 'no_birth'],
    ['a repeated number', [born, device, ['DDATA', 1, byAlias(1n)]], 'no_birth'],
    ['and further on', [born, device, ['DDATA', 3], ['DDATA', 4, byAlias(1n)]], 'no_birth'],
    ['never born', [['DDATA', 3, byAlias(1n)]], 'no_birth'],
    ['a device never born', [born, ['DDATA', 1, byAlias(1n)]], 'no_birth'],
    ['a device that died', [born, device, ['DDEATH', 2], ['DDATA', 3, byAlias(1n)]], 'no_birth'],
    ['an alias of no birth', [born, device, ['DDATA', 2, byAlias(9n)]], 'unknown_alias'],
    [
      'an alias of two metrics',
      [born, ['DBIRTH', 1, metric('A', 1n), metric('B', 1n)], ['DDATA', 2, byAlias(1n)]],
      'unknown_alias',
    ],
    ['no number', [born, device, ['DDATA', null, byAlias(1n)]], 'missing_sequence'],
    ['a birth without number', [['NBIRTH', null]], 'missing_sequence'],
  ])('%s', (_, messages, code) => {
    expect(play(messages)).toMatchObject({ metrics: [], refused: [{ code }], rebirth: true });
  });
  test('what names itself with its datatype is taken all the same', () => {
    const step = play([born, device, ['DDATA', 9, metric('Energy', 1n), byAlias(2n)]]);
    expect(step.metrics).toMatchObject([{ name: 'Energy' }]);
    expect(step.refused).toEqual([{ code: 'no_birth', detail: 'DDATA: alias 2', device: 'D' }]);
  });
  test('a device birth behind the gap counts again', () => {
    const again: Message = ['DBIRTH', 7, metric('Energy', 1n)];
    expect(play([born, device, again, ['DDATA', 8, byAlias(1n)]])).toMatchObject({
      metrics: [{ name: 'Energy' }],
      refused: [],
    });
  });
  test('many unknown metrics are one refusal', () => {
    const step = play([born, device, ['DDATA', 2, byAlias(7n), byAlias(8n), byAlias(9n)]]);
    expect(step.refused).toEqual([
      { code: 'unknown_alias', detail: 'DDATA: alias 7 and 2 more', device: 'D' },
    ]);
  });
});

test('whatever device births and data are lost, no alias gives the value of another metric', () => {
  const names = ['A', 'B', 'C', 'D'];
  const message = fc.record({
    lost: fc.boolean(),
    birth: fc.boolean(),
    /** Which metric has which alias from this birth on. */
    order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
  });
  let taken = 0;
  fc.assert(
    fc.property(fc.array(message, { minLength: 20, maxLength: 60 }), (messages) => {
      let { session } = play([born]);
      let order = [0, 1, 2, 3];
      for (const [index, { lost, birth, ...next }] of messages.entries()) {
        if (birth) order = next.order;
        // The value says which metric it is of.
        const metrics = order.map((alias, of): Metric => {
          const value = { kind: 'integer', raw: BigInt(of) } as const;
          const named = birth ? { name: names[of] ?? '', datatype: DataType.Int64 } : {};
          return { ...named, alias: BigInt(alias), value };
        });
        if (lost) continue;
        const payload = { metrics, sequence: (index + 1) % 256 };
        const step = stepSession(session, topicOf(birth ? 'DBIRTH' : 'DDATA'), payload);
        session = step.session;
        taken += step.metrics.length;
        for (const { name, value } of step.metrics)
          expect(value).toEqual({ kind: 'integer', raw: BigInt(names.indexOf(name)) });
      }
    }),
    { seed: 42, numRuns: 1000 },
  );
  expect(taken).toBeGreaterThan(10_000);
});

describe('a death', () => {
  test('of this session ends it', () => {
    expect(play([born, device, ['NDEATH', null, birthDeath(1n)]]).session).toBeNull();
  });
  test('of an earlier session is the will of its connection, and ends nothing', () => {
    const step = play([born, device, ['NDEATH', null, birthDeath(0n)], ['DDATA', 2, byAlias(1n)]]);
    expect(step.metrics).toMatchObject([{ name: 'Energy' }]);
    expect(play([born, ['NDEATH', null, birthDeath(0n)]]).refused).toMatchObject([{ code: 'stale_death' }]);
  });
});

describe('topics', () => {
  test.each<[string, SparkplugTopic | null]>([
    ['spBv1.0/G/NBIRTH/N', { type: 'NBIRTH', node: 'G/N', device: '' }],
    ['spBv1.0/G/DDATA/N/D', { type: 'DDATA', node: 'G/N', device: 'D' }],
    ['spBv1.0/G/NDATA/N/D', null],
    ['spBv1.0/G/DDATA/N', null],
    ['spBv1.0/G/DDATA/N/', null],
    ['spBv1.0/G/DDATA/N/D/E', null],
    ['spBv1.0/G/NCMD/N', null],
    ['spBv1.0/STATE/host', null],
    ['spAv1.0/G/NBIRTH/N', null],
    ['spBv1.0//NBIRTH/N', null],
    ['', null],
  ])('%s', (topic, expected) => {
    expect(parseTopic(topic)).toEqual(expected);
    if (expected !== null) expect(messageTopic(expected)).toBe(topic);
  });
  test.each<[string, string | null]>([
    [commandTopic('G/N'), 'G/N'],
    ['spBv1.0/G/NCMD/N/#', 'G/N'],
    ['spBv1.0/G/DCMD/N/+', 'G/N'],
    ['spBv1.0/G/DCMD/N/#', 'G/N'],
    ['spBv1.0/G/NDATA/N', null],
    ['spBv1.0/+/NCMD/N', null],
    ['spBv1.0/G/NCMD/#', null],
    ['#', null],
  ])('who listens to %s', (filter, node) => {
    expect(listeningNode(filter)).toBe(node);
  });
});
