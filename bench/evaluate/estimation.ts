/** A day of readings lost, the registers at both ends known: how far the estimate is off, beside the plain like day. */
import { estimateHistory } from '../../cloud/metering/estimate-history.ts';
import { chance } from './chance.ts';
import type { Series } from './shared-data.ts';

const MILLI = 1000;

export interface EstimationScore {
  /** Sum of absolute errors over the sum of the truth. */
  wape: number;
  /** Mean of the same hours of the same kind of day, two weeks on either side, scaled to the total. */
  baseline: number;
  gaps: number;
  /** Estimates whose sum is not the difference of the registers. */
  notConserved: number;
}

export function scoreEstimation(
  seed: number,
  list: readonly Series[],
  timeZone: string,
  gapsEach: number,
): EstimationScore {
  let off = 0;
  let offBaseline = 0;
  let truth = 0;
  let gaps = 0;
  let notConserved = 0;
  for (const series of list) {
    const random = chance(seed, `gap-${series.name}`);
    const perDay = 86_400_000 / series.stepMs;
    for (let tries = 0, made = 0; made < gapsEach && tries < 50 * gapsEach; tries += 1) {
      const at = random.whole(71 * perDay, series.values.length - 72 * perDay);
      if (series.values.slice(at - 2 * perDay, at + 3 * perDay).some(Number.isNaN)) continue;
      made += 1;
      gaps += 1;
      const window = { from: at - 70 * perDay, to: at + 71 * perDay };
      const { estimate, total } = estimated(series, window, at, perDay, timeZone);
      const plain = likeDay(series, window, at, perDay);
      if (estimate.reduce((sum, value) => sum + value, 0n) !== total) notConserved += 1;
      for (let i = 0; i < perDay; i += 1) {
        const real = Math.round((series.values[at + i] ?? 0) * MILLI) / MILLI;
        off += Math.abs(Number(estimate[i] ?? 0n) / 1_000_000 - real);
        offBaseline += Math.abs((plain[i] ?? 0) - real);
        truth += real;
      }
    }
  }
  return { wape: off / truth, baseline: offBaseline / truth, gaps, notConserved };
}

/** Runs the estimation on registers made of the series, without those inside the gap. */
function estimated(
  series: Series,
  { from, to }: { from: number; to: number },
  at: number,
  perDay: number,
  timeZone: string,
): { estimate: bigint[]; total: bigint } {
  const ms: number[] = [];
  const units: bigint[] = [];
  let value = 0;
  let before = 0n;
  let after = 0n;
  for (let i = from; i <= to; i += 1) {
    if (i === at) before = BigInt(value);
    if (i === at + perDay) after = BigInt(value);
    if (i <= at || i >= at + perDay) {
      ms.push(series.fromMs + i * series.stepMs);
      units.push(BigInt(value));
    }
    const step = series.values[i] ?? Number.NaN;
    value += Number.isNaN(step) ? 0 : Math.round(step * MILLI);
  }
  const history = { timeZone, kind: 'register', digits: null, maxRate: null, scale: 3 } as const;
  const made = estimateHistory({ ...history, ms: Float64Array.from(ms), units: BigInt64Array.from(units) });
  const start = series.fromMs + at * series.stepMs;
  const end = start + perDay * series.stepMs;
  const inside = (made?.intervals ?? []).filter(({ startMs }) => startMs >= start && startMs < end);
  return { estimate: inside.map(({ quantity }) => quantity ?? 0n), total: (after - before) * 1000n };
}

function likeDay(
  series: Series,
  { from, to }: { from: number; to: number },
  at: number,
  perDay: number,
): number[] {
  const isWeekend = (i: number): boolean => (Math.floor(i / perDay) + WEEKDAY_OF(series)) % 7 >= 5;
  const shape = Array.from({ length: perDay }, (_, slot) => {
    const same: number[] = [];
    for (let day = -14; day <= 14; day += 1) {
      const i = at + slot + day * perDay;
      const value = series.values[i] ?? Number.NaN;
      const isIn = i >= from && i < to && (i < at || i >= at + perDay);
      if (isIn && !Number.isNaN(value) && isWeekend(i) === isWeekend(at + slot)) same.push(value);
    }
    return same.reduce((a, b) => a + b, 0) / Math.max(same.length, 1);
  });
  const total = series.values.slice(at, at + perDay).reduce((a, b) => a + b, 0);
  const sum = shape.reduce((a, b) => a + b, 0);
  return shape.map((value) => (sum > 0 ? (value * total) / sum : total / perDay));
}

/** 0 is Monday: of the first day of the series. */
const WEEKDAY_OF = ({ fromMs }: Series): number =>
  (Math.floor((fromMs + 12 * 3_600_000) / 86_400_000) + 3) % 7;
