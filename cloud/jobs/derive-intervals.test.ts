import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatMicro, micro } from '../../protocols/units.ts';
import type { IntervalRow } from '../store/port/intervals.ts';
import { openStore, type Store } from '../store/store.ts';
import { deriveDirtyIntervals, settleEstimates } from './derive-intervals.ts';
import { at, counting, gatewayInto, meter, type Point, park, QUARTER_MS } from './fixture-site.ts';

const E1 = meter('E-1', { multiplier: '2' });
const site = park([E1]);
const start = at('2026-09-01T00:00');
/** Busier by day than by night. */
const load = (atMs: number): bigint => ((atMs - start) % 86_400_000 < 43_200_000 ? 100_000n : 400_000n);

let store: Store;
beforeEach(async () => {
  store = await openStore({ file: ':memory:' });
});
afterEach(() => store.close());

const context = () => ({ store, park: site, intervalMinutes: 15 });
const rows = (fromText: string, toText: string): Promise<IntervalRow[]> =>
  store.intervals({ meters: ['E-1'], fromMs: at(fromText), toMs: at(toText) });
const total = (intervals: readonly IntervalRow[]): string =>
  formatMicro(intervals.reduce((sum, { quantity }) => sum + (quantity ?? 0n), 0n));
const qualities = (intervals: readonly IntervalRow[]): string =>
  [...Map.groupBy(intervals, ({ quality, reason }) => `${quality}${reason && ` ${reason}`}`)]
    .map(([told, of]) => `${of.length} ${told}`)
    .join(', ');
const month = counting(start, at('2026-09-10T00:00'), load);
const between = (fromText: string, toText: string): Point[] =>
  month.filter(({ atMs }) => atMs >= at(fromText) && atMs <= at(toText));

describe('a day', () => {
  test('is derived when its readings have arrived, and is then clean', async () => {
    await gatewayInto(store)(E1, between('2026-09-01T00:00', '2026-09-02T00:00'));
    await deriveDirtyIntervals(context(), at('2026-09-02T00:00'));
    const day = await rows('2026-09-01T00:00', '2026-09-02T00:00');
    expect(qualities(day)).toBe('96 actual');
    expect(total(day)).toBe('48');
    expect(await store.dirtyDays()).toEqual([]);
    expect(await deriveDirtyIntervals(context(), at('2026-09-02T00:00'))).toEqual([]);
  });

  test('is derived up to its end, and beyond it as far as there are readings', async () => {
    await gatewayInto(store)(E1, between('2026-09-01T00:00', '2026-09-02T00:30'));
    await deriveDirtyIntervals(context(), at('2026-09-02T00:00'));
    expect(qualities(await rows('2026-09-01T00:00', '2026-09-03T00:00'))).toBe('98 actual');
  });

  test('has no intervals of a meter that was never read', async () => {
    expect(await deriveDirtyIntervals(context(), at('2026-09-02T00:00'))).toEqual([]);
    expect(await rows('2026-09-01T00:00', '2026-09-03T00:00')).toEqual([]);
  });
});

describe('a gap of days', () => {
  const nights = ['2026-09-03T00:00', '2026-09-04T00:00', '2026-09-05T00:00', '2026-09-06T00:00'];
  test('is missing while it lasts and estimated when a reading ends it, with the total of the registers', async () => {
    const send = gatewayInto(store);
    await send(E1, between('2026-09-01T00:00', '2026-09-02T18:00'));
    for (const night of nights.slice(0, 2)) await deriveDirtyIntervals(context(), at(night));
    expect(qualities(await rows('2026-09-02T00:00', '2026-09-04T00:00'))).toBe('72 actual, 120 missing gap');
    await send(E1, between('2026-09-04T20:00', '2026-09-06T00:00'));
    for (const night of nights.slice(2)) await deriveDirtyIntervals(context(), at(night));
    const days = await rows('2026-09-01T00:00', '2026-09-06T00:00');
    expect(qualities(days)).toBe('280 actual, 200 estimated gap');
    expect(days.slice(1).every(({ startMs }, i) => startMs === days[i]?.endMs)).toBe(true);
    expect(total(days)).toBe('240');
    // Like days were measured: the shape is the meter's own.
    expect(days.filter(({ method }) => method === 'profile_scaled').map(({ quantity }) => quantity)).toEqual(
      days.filter(({ quality }) => quality === 'estimated').map(({ startMs }) => 2n * load(startMs)),
    );
  });

  test('is filled by the readings themselves when they come late', async () => {
    const send = gatewayInto(store);
    await send(E1, between('2026-09-01T00:00', '2026-09-02T18:00'));
    await deriveDirtyIntervals(context(), at('2026-09-04T00:00'));
    await send(E1, between('2026-09-02T18:15', '2026-09-04T00:00'));
    await deriveDirtyIntervals(context(), at('2026-09-04T00:00'));
    expect(qualities(await rows('2026-09-01T00:00', '2026-09-04T00:00'))).toBe('288 actual');
  });
});

test('a dip over several nights is missing until it recovers, then estimated', async () => {
  const send = gatewayInto(store);
  const dips = between('2026-09-01T00:00', '2026-09-05T00:00').map((point) =>
    point.atMs > at('2026-09-02T12:00') && point.atMs < at('2026-09-04T06:00')
      ? { ...point, value: point.value / 10n }
      : point,
  );
  for (const day of ['02', '03', '04', '05']) {
    const toMs = at(`2026-09-${day}T00:00`);
    await send(
      E1,
      dips.filter(({ atMs }) => atMs <= toMs && (atMs > toMs - 86_400_000 || atMs === start)),
    );
    await deriveDirtyIntervals(context(), toMs);
    if (day === '04')
      expect(qualities(await rows('2026-09-02T00:00', '2026-09-04T00:00'))).toBe(
        '48 actual, 144 missing backward',
      );
  }
  const days = await rows('2026-09-01T00:00', '2026-09-05T00:00');
  expect(qualities(days)).toBe('216 actual, 168 estimated dip');
  expect(total(days)).toBe('192');
});

test('an exchange that is stated afterwards explains the registers that looked wrong', async () => {
  const send = gatewayInto(store);
  const swapMs = at('2026-09-02T12:00');
  const old = counting(start, swapMs, load, 900_000_000n);
  const final = (old.at(-1)?.value ?? 0n) + 10_000n;
  await send(E1, old);
  await send(E1, counting(swapMs + QUARTER_MS, at('2026-09-03T00:00'), load, 400_000n));
  await deriveDirtyIntervals(context(), at('2026-09-03T00:00'));
  const span = { fromMs: start, toMs: at('2026-09-03T00:00') };
  expect(qualities(await store.intervals({ meters: null, ...span }))).toBe('144 actual, 48 missing backward');
  const exchange = {
    meter: 'E-1',
    at: Temporal.Instant.fromEpochMilliseconds(swapMs + 60_000).toString(),
    finalOld: formatMicro(final),
    initialNew: '0',
    newSerial: 'S-2',
    newDigits: 6,
    newMultiplier: '4',
  };
  await settleEstimates({ ...context(), park: { ...site, exchanges: [exchange] } }, span);
  const days = await store.intervals({ meters: null, ...span });
  expect(qualities(days)).toBe('192 actual');
  expect(days[144]?.quantity).toBe(2n * 10_000n + 4n * 400_000n);
});

test('a gap that an exchange on the grid begins stays estimated when it is settled', async () => {
  const swapMs = at('2026-09-02T12:00');
  const old = counting(start, swapMs, load, 900_000_000n);
  const send = gatewayInto(store);
  await send(
    E1,
    old.filter(({ atMs }) => atMs < swapMs),
  );
  const fresh = counting(swapMs, at('2026-09-03T00:00'), load, 7_000_000n);
  await send(
    E1,
    fresh.filter(({ atMs }) => atMs >= swapMs + 14 * QUARTER_MS),
  );
  const exchange = {
    meter: 'E-1',
    at: Temporal.Instant.fromEpochMilliseconds(swapMs).toString(),
    finalOld: formatMicro(old.at(-1)?.value ?? 0n),
    initialNew: '7',
    newSerial: 'S-2',
    newDigits: 6,
    newMultiplier: '2',
  };
  const swapped = { ...context(), park: { ...site, exchanges: [exchange] } };
  const span = { fromMs: start, toMs: at('2026-09-03T00:00') };
  await deriveDirtyIntervals(swapped, span.toMs);
  const derived = await rows('2026-09-01T00:00', '2026-09-03T00:00');
  expect(qualities(derived)).toBe('178 actual, 14 estimated gap');
  await settleEstimates(swapped, span);
  expect(await rows('2026-09-01T00:00', '2026-09-03T00:00')).toEqual(derived);
});

test('in whatever order and pieces readings arrive, settled intervals are the same', async () => {
  const read = between('2026-09-01T00:00', '2026-09-08T00:00').filter(
    ({ atMs }) =>
      atMs < at('2026-09-03T05:00') || (atMs > at('2026-09-04T02:00') && atMs % (7 * QUARTER_MS) !== 0),
  );
  const span = { fromMs: start, toMs: at('2026-09-08T00:00') };
  const settled = async (pieces: Point[][]): Promise<IntervalRow[]> => {
    const fresh = await openStore({ file: ':memory:' });
    const send = gatewayInto(fresh);
    for (const piece of pieces) {
      await send(E1, piece);
      await deriveDirtyIntervals({ ...context(), store: fresh }, span.toMs);
    }
    await settleEstimates({ ...context(), store: fresh }, span);
    const intervals = await fresh.intervals({ meters: null, ...span });
    await fresh.close();
    return intervals;
  };
  const inOrder = await settled([read]);
  expect(total(inOrder)).toBe(formatMicro(2n * ((read.at(-1)?.value ?? 0n) - micro('1'))));
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(read, { minLength: read.length }), async (shuffled) => {
      const half = shuffled.length >> 1;
      expect(await settled([shuffled.slice(0, half), shuffled.slice(half)])).toEqual(inOrder);
    }),
    { seed: 20260901, numRuns: 6 },
  );
});
