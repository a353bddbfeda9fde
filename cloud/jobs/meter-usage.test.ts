import { afterEach, beforeEach, expect, test } from 'vitest';
import { billingPeriod } from '../billing/billing-period.ts';
import { samplePark } from '../billing/sample-park.ts';
import { summarizeUsage } from '../billing/summarize-usage.ts';
import { touSegments } from '../billing/tou-segments.ts';
import type { IntervalRow } from '../store/port/intervals.ts';
import { openStore, type Store } from '../store/store.ts';
import { at, QUARTER_MS } from './fixture-site.ts';
import { usageOfMeters } from './meter-usage.ts';

let store: Store;
beforeEach(async () => {
  store = await openStore({ file: ':memory:' });
});
afterEach(() => store.close());

const [grid] = samplePark.tariffs;
const period = billingPeriod('2026-09', 'Asia/Shanghai');
if (grid?.kind !== 'pass_through' || period === null) throw new Error('no calendar');
const segments = touSegments(grid.calendar, period);
const [fromMs, toMs] = [at('2026-09-01T00:00'), at('2026-10-01T00:00')];

const quarters = (meter: string): IntervalRow[] =>
  Array.from({ length: (toMs - fromMs) / QUARTER_MS }, (_, k) => ({
    meter,
    startMs: fromMs + k * QUARTER_MS,
    endMs: fromMs + (k + 1) * QUARTER_MS,
    quantity: BigInt((k * 7_919) % 1_001),
    quality: 'actual',
    method: 'difference',
    reason: '',
  }));
const at8 = at('2026-09-05T08:00');

test.each<[string, (rows: IntervalRow[]) => IntervalRow[]]>([
  ['whole', (rows) => rows],
  ['without any interval', () => []],
  ['with a hole', (rows) => rows.filter(({ startMs }) => startMs !== at8)],
  [
    'with a hole at the edge of a TOU period',
    (rows) => rows.filter(({ startMs }) => startMs !== at8 - QUARTER_MS),
  ],
  [
    'with an estimate',
    (rows) =>
      rows.map((row) =>
        row.startMs === at8 ? { ...row, quality: 'estimated', method: 'profile', reason: 'x' } : row,
      ),
  ],
  [
    'with a quantity that is missing',
    (rows) => rows.map((row) => (row.startMs === at8 ? { ...row, quantity: null, quality: 'missing' } : row)),
  ],
  [
    'with an interval over the edge of a TOU period',
    (rows) =>
      rows
        .filter(({ startMs }) => startMs !== at8)
        .map((row) => (row.endMs === at8 ? { ...row, endMs: at8 + QUARTER_MS } : row)),
  ],
])('a meter %s: summed in the store it is what its intervals say', async (_, edit) => {
  const rows = edit(quarters('E-1'));
  await store.replaceIntervals('E-1', fromMs, toMs, rows);
  await store.replaceIntervals('E-2', fromMs, toMs, quarters('E-2'));
  const found = new Map<string, unknown>();
  for await (const { meter, usage } of usageOfMeters(store, ['E-2', 'E-1'], segments))
    found.set(meter, usage);
  expect([...found.keys()]).toEqual(['E-2', 'E-1']);
  expect(found.get('E-1')).toEqual(summarizeUsage('E-1', rows, segments));
});
