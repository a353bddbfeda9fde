/**
 * Days that take far more than any like day before. Only meters at the ends of the tree are judged: what surges in a branch
 * surges below it, or is an imbalance. Water that also runs at night is a leak, and `night_flow`'s to judge.
 */

import { localDate } from '../detectors/alarm.ts';
import { median, spread } from '../detectors/robust.ts';
import {
  type CheckInput,
  childrenOf,
  type Finding,
  figure,
  settledDays,
  UNIT,
  type WatchedMeter,
} from './check-input.ts';
import { nightRun } from './night-flow.ts';
import { trailingRun } from './trailing-run.ts';

/** In kWh and m3: how far above its usual day a meter must be at least. */
const FLOOR = { electricity: 20, water: 1 };
/** Water waits for the night after: only then is a leak told from a surge. */
const DAYS_TO_RAISE = { electricity: 1, water: 2 };
const LIKE_DAYS = 4;
const DAYS_TO_LEARN = 10;

interface Day {
  startMs: number;
  weekend: boolean;
  quantity: number;
}

export function surge(input: CheckInput): Finding[] {
  return input.meters
    .filter((meter) => childrenOf(input, meter).length === 0)
    .flatMap((meter) => {
      const days = settledDays(input, meter).flatMap(({ startMs, weekend, quantity }) =>
        quantity === null ? [] : [{ startMs, weekend, quantity }],
      );
      const high = (day: Day, normal: readonly Day[]) => day.quantity > limitOf(day, normal, meter.utility);
      const { run, normal } = trailingRun(days, high, 0);
      if (run.length < DAYS_TO_RAISE[meter.utility] || nightRun(input, meter) !== null) return [];
      return [surging(input, meter, run, normal)];
    });
}

/** Infinite until enough like days are known. A weekend day that is like a weekday is a working weekend, no surge. */
function limitOf(day: Day, normal: readonly Day[], utility: WatchedMeter['utility']): number {
  const like = normal.filter(({ weekend }) => weekend === day.weekend).map(({ quantity }) => quantity);
  if (normal.length < DAYS_TO_LEARN || like.length < LIKE_DAYS) return Number.POSITIVE_INFINITY;
  const usual = median(like);
  const most = Math.max(...normal.map(({ quantity }) => quantity));
  return Math.max(2 * usual, usual + 8 * spread(like), usual + FLOOR[utility], 1.5 * most);
}

function surging(
  input: CheckInput,
  meter: WatchedMeter,
  run: readonly Day[],
  normal: readonly Day[],
): Finding {
  const [first = { startMs: input.day.startMs, weekend: false, quantity: 0 }] = run;
  const last = run.at(-1) ?? first;
  const like = normal.filter(({ weekend }) => weekend === last.weekend).map(({ quantity }) => quantity);
  const unit = UNIT[meter.utility];
  const date = localDate(last.startMs, input.timeZone);
  const usual = figure(median(like));
  const limit = figure(limitOf(last, normal, meter.utility));
  return {
    kind: 'surge',
    meter: meter.id,
    startMs: first.startMs,
    endMs: null,
    severity: 'warning',
    evidence: {
      'zh-CN':
        `${date} 用了 ${figure(last.quantity)} ${unit}。` +
        `此前 ${like.length} 个同类日的中位数为 ${usual} ${unit}，限值 ${limit} ${unit}。`,
      en:
        `It took ${figure(last.quantity)} ${unit} on ${date}. ` +
        `The median of ${like.length} like days before is ${usual} ${unit}, the limit is ${limit} ${unit}.`,
    },
  };
}
