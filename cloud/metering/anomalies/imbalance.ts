/**
 * Branches whose sub-meters no longer add up: a bypass, a meter that counts too little or too much, a wrong multiplier. A
 * branch is measured against its own past, with its loss taken as a share of its quantity and as an amount: only what
 * neither explains counts. A leak of the branch itself is `night_flow`'s, a register that stands still is `stuck`'s.
 */
import { parseDecimal } from '../../../protocols/decimal.ts';
import { approximate } from '../approximate.ts';
import { localDate } from '../detectors/alarm.ts';
import { median, spread } from '../detectors/robust.ts';
import { type CheckInput, childrenOf, type Finding, figure, UNIT, type WatchedMeter } from './check-input.ts';
import { nightRun } from './night-flow.ts';
import { standstill } from './stuck.ts';
import { trailingRun } from './trailing-run.ts';

/** In kWh and m3 a day. */
const FLOOR = { electricity: 10, water: 0.5 };
const SHARE_FLOOR = 0.02;
const DAYS_TO_RAISE = 3;
const DAYS_TO_LEARN = 7;
/** Days of which less was measured say nothing about a residual. */
const LEAST_MEASURED = 0.95;
/** A register that has stood still through so many hours is on its way to be found stuck. */
const SUSPECT_HOURS = 6;

interface Day {
  startMs: number;
  quantity: number;
  residual: number;
  tolerance: number;
}

export function imbalance(input: CheckInput): Finding[] {
  return input.meters.flatMap((meter) => {
    const children = childrenOf(input, meter);
    if (children.length === 0) return [];
    const high = (day: Day, normal: readonly Day[]) => isHigh(day, normal, FLOOR[meter.utility]);
    const { run, normal } = trailingRun(daysOf(input, meter, children), high, DAYS_TO_RAISE - 1);
    if (run.length < DAYS_TO_RAISE || nightRun(input, meter) !== null) return [];
    const still = [meter, ...children].some(
      (one) => (standstill(input, one)?.expected ?? 0) >= SUSPECT_HOURS,
    );
    return still ? [] : [unbalanced(input, meter, run, normal)];
  });
}

function daysOf(input: CheckInput, meter: WatchedMeter, children: readonly WatchedMeter[]): Day[] {
  const percent = (one: WatchedMeter): number => approximate(parseDecimal(one.accuracyPercent, 6)) / 100;
  const below = children.map((child) => ({
    accuracy: percent(child),
    days: new Map((input.history.get(child.id) ?? []).map((day) => [day.startMs, day])),
  }));
  return (input.history.get(meter.id) ?? []).flatMap(({ startMs, quantity, measured }) => {
    if (quantity === null || measured < LEAST_MEASURED) return [];
    let residual = quantity;
    let tolerance = percent(meter) * quantity;
    for (const { accuracy, days } of below) {
      const child = days.get(startMs);
      if (child === undefined || child.quantity === null || child.measured < LEAST_MEASURED) return [];
      residual -= child.quantity;
      tolerance += accuracy * child.quantity;
    }
    return [{ startMs, quantity, residual, tolerance: Math.max(tolerance, 0) }];
  });
}

const ratio = ({ residual, quantity }: Day): number => (quantity > 0 ? residual / quantity : 0);

/** How far the residual lies outside of what the past would have it, signed. */
function excess(day: Day, normal: readonly Day[]): number {
  const share = median(normal.map(ratio)) * day.quantity;
  const amount = median(normal.map(({ residual }) => residual));
  if (day.residual > Math.max(share, amount)) return day.residual - Math.max(share, amount);
  return Math.min(day.residual - Math.min(share, amount), 0);
}

function isHigh(day: Day, normal: readonly Day[], least: number): boolean {
  if (normal.length < DAYS_TO_LEARN || Math.abs(day.residual) <= day.tolerance) return false;
  const usualSpread = Math.min(
    spread(normal.map(ratio)) * day.quantity,
    spread(normal.map(({ residual }) => residual)),
  );
  const floor = Math.max(least, SHARE_FLOOR * day.quantity, 6 * usualSpread);
  return Math.abs(excess(day, normal)) > floor;
}

function unbalanced(
  input: CheckInput,
  meter: WatchedMeter,
  run: readonly Day[],
  normal: readonly Day[],
): Finding {
  const [first = { startMs: input.day.startMs, quantity: 0, residual: 0, tolerance: 0 }] = run;
  const last = run.at(-1) ?? first;
  const unit = UNIT[meter.utility];
  const over = last.residual < 0;
  const date = localDate(first.startMs, input.timeZone);
  const residual = `${figure(last.residual)} ${unit}`;
  const share = `${figure(100 * ratio(last))} %`;
  const usual = `${figure(100 * median(normal.map(ratio)))} %`;
  return {
    kind: 'imbalance',
    meter: meter.id,
    startMs: first.startMs,
    endMs: null,
    severity: over ? 'critical' : 'warning',
    evidence: {
      'zh-CN':
        `自 ${date} 起已有 ${run.length} 天，下级表合计${over ? '多于本表' : '明显少于本表'}。` +
        `最近一天差额 ${residual}，占本表 ${figure(last.quantity)} ${unit} 的 ${share}；` +
        `平时为 ${usual}，准确度等级允许 ±${figure(last.tolerance)} ${unit}。`,
      en:
        `On each of ${run.length} days since ${date} the sub-meters together counted ` +
        `${over ? 'more' : 'clearly less'} than this meter. ` +
        `The last residual is ${residual} of ${figure(last.quantity)} ${unit} (${share}); ` +
        `usual is ${usual}, the accuracy classes allow ±${figure(last.tolerance)} ${unit}.`,
    },
  };
}
