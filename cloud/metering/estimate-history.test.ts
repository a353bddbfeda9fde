import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateHistory, type HistoryInterval, type MeterHistory } from './estimate-history.ts';

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 2, 23);
const history = (
  points: readonly (readonly [ms: number, value: bigint])[],
  over: Partial<MeterHistory> = {},
): MeterHistory => ({
  timeZone: 'Europe/Madrid',
  kind: 'register',
  digits: null,
  maxRate: null,
  scale: 3,
  ms: Float64Array.from(points, ([ms]) => ms),
  units: BigInt64Array.from(points, ([, value]) => value),
  ...over,
});
const intervalsOf = (made: MeterHistory): HistoryInterval[] => estimateHistory(made)?.intervals ?? [];
const sum = (intervals: readonly HistoryInterval[]): bigint =>
  intervals.reduce((total, { quantity }) => total + (quantity ?? 0n), 0n);
const isContiguous = (intervals: readonly HistoryInterval[]): boolean =>
  intervals.every(
    ({ startMs, endMs }, i) => startMs < endMs && (i === 0 || intervals[i - 1]?.endMs === startMs),
  );

/** A register that truly counts, with readings lost, late, and what befalls meters. */
const meters = fc.record({
  steps: fc.array(fc.integer({ min: 0, max: 9_000 }), { minLength: 240, maxLength: 400 }),
  start: fc.integer({ min: 100_000, max: 90_000_000 }),
  late: fc.integer({ min: 0, max: 3_000_000 }),
  lost: fc.array(fc.record({ from: fc.nat(400), hours: fc.nat(60) }), { maxLength: 3 }),
});

describe('over random registers', () => {
  test('intervals are contiguous on the local grid and add up to the registers at the ends, exactly', () => {
    fc.assert(
      fc.property(meters, ({ steps, start, late, lost }) => {
        let value = BigInt(start);
        const points = steps.flatMap((step, h) => {
          value += BigInt(step);
          const isLost =
            h > 0 && h < steps.length - 1 && lost.some(({ from, hours }) => h >= from && h < from + hours);
          return isLost ? [] : [[START_MS + h * HOUR_MS + late, value] as const];
        });
        const intervals = intervalsOf(history(points));
        expect(isContiguous(intervals)).toBe(true);
        expect(intervals.every(({ quantity }) => quantity !== null && quantity >= 0n)).toBe(true);
        expect(sum(intervals)).toBe(((points.at(-1)?.[1] ?? 0n) - (points[0]?.[1] ?? 0n)) * 1000n);
      }),
      { seed: 20260323, numRuns: 120 },
    );
  });

  test('500 rollovers, resets, exchanges and changes of scale: nothing negative, nothing inflated', () => {
    const cases = fc.tuple(
      meters,
      fc.constantFrom('rollover', 'reset', 'exchange', 'scale'),
      fc.integer({ min: 60, max: 200 }),
    );
    let count = 0;
    fc.assert(
      fc.property(cases, ([{ steps, start }, kind, at]) => {
        count += 1;
        const counts: bigint[] = [];
        let value = BigInt(start);
        for (const step of steps) {
          value += BigInt(step + 100);
          counts.push(value);
        }
        const there = counts[at] ?? 0n;
        const modulus = 10n ** 9n;
        const shown = counts.map((own, h) => {
          if (kind === 'rollover') return (own + modulus - there + 50n) % modulus;
          if (h < at) return own;
          if (kind === 'reset') return own - there;
          return kind === 'scale' ? own * 10n : own + 700_000_000n;
        });
        const points = shown.map((own, h) => [START_MS + h * HOUR_MS, own] as const);
        const intervals = intervalsOf(history(points, { digits: kind === 'rollover' ? 6 : null }));
        const truth = ((counts.at(-1) ?? 0n) - (counts[0] ?? 0n)) * 1000n;
        expect(isContiguous(intervals)).toBe(true);
        expect(intervals.every(({ quantity }) => quantity === null || quantity >= 0n)).toBe(true);
        const most = 100n * 9_100n * 1000n;
        if (kind === 'rollover' || kind === 'scale') expect(sum(intervals)).toBe(truth);
        else expect(sum(intervals) <= truth + most).toBe(true);
      }),
      { seed: 20260324, numRuns: 500 },
    );
    expect(count).toBe(500);
  });
});

describe('a history', () => {
  const steady = (hours: number, lost: (h: number) => boolean = () => false) =>
    Array.from(
      { length: hours },
      (_, h) => [START_MS + h * HOUR_MS, BigInt(1_000_000 + h * 1000)] as const,
    ).filter((_, h) => !lost(h));
  const kinds = (made: MeterHistory): Set<string> =>
    new Set(intervalsOf(made).map(({ quality, method, reason }) => `${quality} ${method} ${reason}`));

  test('without gaps is actual, over the change of the clock as well', () => {
    expect(kinds(history(steady(24 * 14)))).toEqual(new Set(['actual difference ']));
  });
  test('with a gap of two hours is a straight line, beyond it has the shape of like days', () => {
    expect(kinds(history(steady(400, (h) => h === 300)))).toContain('estimated linear gap');
    expect(kinds(history(steady(400, (h) => h > 300 && h < 310)))).toContain('estimated profile_scaled gap');
  });
  test('of a register that stood still and caught up is no single huge interval', () => {
    const stuck = steady(400).map(([ms, value], h) => [ms, h > 300 && h < 350 ? 1_300_000n : value] as const);
    const intervals = intervalsOf(history(stuck));
    expect(intervals.every(({ quantity }) => (quantity ?? 0n) < 3_000_000n)).toBe(true);
    expect(sum(intervals)).toBe(399_000_000n);
    expect(intervals.some(({ reason }) => reason === 'stuck')).toBe(true);
  });
  test('of intervals with some missing is estimated there and says how', () => {
    const hours = Array.from(
      { length: 500 },
      (_, h) => [START_MS + h * HOUR_MS, BigInt(h % 24 === 12 ? 5000 : 1000)] as const,
    );
    const made = history(
      hours.filter((_, h) => h !== 200 && (h < 300 || h >= 312)),
      { kind: 'interval' },
    );
    expect(kinds(made)).toEqual(
      new Set(['actual difference ', 'estimated linear gap', 'estimated like_day gap']),
    );
    expect(isContiguous(intervalsOf(made))).toBe(true);
  });
  test('of nothing has no intervals', () => {
    expect(estimateHistory(history([]))).toBeNull();
  });
});
