import { describe, expect, test } from 'vitest';
import { type BenchReport, formatReport, run } from './bench.ts';
import { deliveryDrain, deliveryRate, deliveryRestart } from './delivery-rows.ts';
import { outboxAppend } from './edge-rows.ts';
import { ingestStore } from './ingest-store.ts';
import { benchRow, interleave, median } from './measure.ts';
import { rtuUtilisation } from './rtu-utilisation.ts';
import { thousandMeters } from './thousand-meters.ts';

const report: BenchReport = {
  machine: { cpu: 'C1', cores: 2, memoryGiB: 8, os: 'linux 6 x64', node: 'v26.0.0', disk: '/tmp (ext4)' },
  rows: [
    { name: 'polls', value: 33220, unit: 'requests/s', limit: 41980, ratio: 0.7913, note: 'limit: a socket' },
    {
      name: 'cpu',
      value: 16.17,
      unit: 'us',
      limit: 20,
      ratio: 0.8085,
      peer: 'other 1.2.3',
      note: 'limit: a peer',
    },
  ],
};

describe('the report', () => {
  test('is a table whose columns are aligned, with the limit of each row stated', () => {
    expect(formatReport(report).split('\n')).toEqual([
      '2 x C1, 8 GiB, linux 6 x64, Node v26.0.0, databases in /tmp (ext4)',
      '',
      '        value   limit   ratio  unit        limit is',
      'polls  33,220  41,980  0.7913  requests/s  stated below',
      'cpu     16.17      20  0.8085  us          other 1.2.3',
      '',
      'polls: limit: a socket',
      'cpu: limit: a peer',
      '',
    ]);
  });

  test.each([[['--jsn']], [['no_such_benchmark']]])('%j is refused as usage', async (args) => {
    expect(await run(args)).toBe(2);
  });
});

describe('samples', () => {
  test('each contender runs once a round, in turn first, and the warm-up round is not counted', async () => {
    const order: string[] = [];
    const samples = await interleave(2, {
      a: () => order.push('a'),
      b: async () => order.push('b'),
    });
    expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
    expect(samples).toEqual({ a: [4, 5], b: [3, 6] });
  });

  test.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2],
    [[7], 7],
  ])('the median of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });

  test('a row is the ratio of the medians that it shows', () => {
    const words = { name: 'n', unit: 'x/s', note: 'limit: l' };
    expect(benchRow(words, { value: [10, 30, 20], limit: [40, 80, 60] })).toEqual({
      ...words,
      value: 20,
      limit: 60,
      ratio: 0.3333,
    });
  });
});

test.each([
  ['outbox_append', () => outboxAppend({ rounds: 1, batches: 2 })],
  ['tiny_ingest', () => ingestStore({ name: 'tiny_ingest', rounds: 1, batches: 2, items: 3 })],
])('%s measures its work and its limit', async (name, measure) => {
  const [row] = await measure();
  expect(row).toMatchObject({ name, unit: 'readings/s' });
  expect(row?.value).toBeGreaterThan(0);
  expect(row?.limit).toBeGreaterThan(0);
});

test('over mutual TLS all of an outbox arrives, a backlog beside live readings, and after a restart', async () => {
  const rows = [
    ...(await deliveryRate({ rounds: 1, readings: 1_000 })),
    ...(await deliveryDrain({ backlog: 2_000 })),
    ...(await deliveryRestart({ readings: 2_000 })),
  ];
  expect(rows.map(({ name }) => name)).toEqual([
    'delivery_rate',
    'delivery_rate_least',
    'delivery_drain',
    'delivery_live_p99',
    'delivery_restart',
  ]);
  for (const { value } of rows) expect(value).toBeGreaterThan(0);
}, 60_000);

test.skipIf(process.platform === 'win32')(
  'a bus of two meters keeps near the pace of its line, and is faster than register by register',
  async () => {
    const [best, single] = await rtuUtilisation([{ baudRate: 19_200, rounds: 1 }], 2);
    expect(best).toMatchObject({ name: 'rtu_utilisation_19200', unit: 'ms a cycle' });
    expect(best?.ratio).toBeGreaterThanOrEqual(1);
    expect(single?.ratio).toBeLessThan(1);
  },
);

test('meters that are read every second are all read', async () => {
  const [cpu, library, slowest] = await thousandMeters({
    meters: 10,
    seconds: 1,
    warmUpSeconds: 0,
    settleSeconds: 0.5,
  });
  expect(cpu?.value).toBeGreaterThan(0);
  expect(library?.limit).toBeGreaterThan(0);
  expect(slowest?.note).toContain('0 reads missed');
}, 60_000);
