/**
 * Leaks: water that runs through the night, for several nights, beyond what the meter's own nights were like. Each meter is
 * judged by the flow that none of its sub-meters accounts for: so the deepest meter that explains a leak is the one that
 * is named, and the meters above it are silent.
 */

import { localDate } from '../detectors/alarm.ts';
import { median, spread } from '../detectors/robust.ts';
import {
  type CheckInput,
  childrenOf,
  type Finding,
  figure,
  settledDays,
  type WatchedMeter,
} from './check-input.ts';
import type { DayFacts } from './day-facts.ts';
import { trailingRun } from './trailing-run.ts';

/** In m3/h: less is not told from a dripping tap. */
const FLOOR = 0.05;
const NIGHTS_TO_RAISE = 3;
const NIGHTS_TO_LEARN = 7;
/** In m3 a day. */
const CRITICAL = 10;
const HOUR_MS = 3_600_000;

interface Night {
  startMs: number;
  /** Least mean flow over an hour, in m3/h: of the meter less its sub-meters, and of the meter itself. */
  own: number;
  whole: number;
}

/** The nights since which more water runs than usual; it takes `NIGHTS_TO_RAISE` of them to raise. */
export interface NightRun {
  nights: readonly Night[];
  /** Median of the nights before, in m3/h, and how many they were. */
  usual: number;
  limit: number;
  learned: number;
}

export function nightFlow(input: CheckInput): Finding[] {
  return input.meters.flatMap((meter) => {
    const run = nightRun(input, meter);
    if (run === null || run.nights.length < NIGHTS_TO_RAISE) return [];
    return [leak(input, meter, run)];
  });
}

/** Null while the nights are as usual, or unknown. */
export function nightRun(input: CheckInput, meter: WatchedMeter): NightRun | null {
  if (meter.utility !== 'water') return null;
  const { run, normal } = trailingRun(nightsOf(input, meter), isHigh, NIGHTS_TO_RAISE - 1);
  if (run.length === 0) return null;
  const own = normal.map((night) => night.own);
  return { nights: run, usual: median(own), limit: limitOf(own), learned: normal.length };
}

function leak(input: CheckInput, meter: WatchedMeter, { nights, usual, limit, learned }: NightRun): Finding {
  const least = Math.min(...nights.map(({ own }) => own));
  const startMs = nights[0]?.startMs ?? input.day.startMs;
  const perDay = (least - usual) * 24;
  const hasChildren = childrenOf(input, meter).length > 0;
  return {
    kind: 'night_flow',
    meter: meter.id,
    startMs,
    endMs: null,
    severity: perDay >= CRITICAL ? 'critical' : 'warning',
    evidence: {
      'zh-CN':
        `自 ${localDate(startMs, input.timeZone)} 起已有 ${nights.length} 夜，02:00–05:00 ` +
        `${hasChildren ? '下级表之外的' : ''}流量始终不低于 ${figure(least)} m³/h；` +
        `平时为 ${figure(usual)} m³/h（此前 ${learned} 夜的中位数），限值 ${figure(limit)} m³/h。` +
        `每天约漏失 ${figure(perDay)} m³。`,
      en:
        `At least ${figure(least)} m³/h ${hasChildren ? 'that no sub-meter accounts for ' : ''}` +
        `ran from 02:00 to 05:00 on each of ${nights.length} nights since ${localDate(startMs, input.timeZone)}. ` +
        `Usual is ${figure(usual)} m³/h (median of ${learned} nights), the limit is ${figure(limit)} m³/h. ` +
        `About ${figure(perDay)} m³ a day are lost.`,
    },
  };
}

const limitOf = (own: readonly number[]): number => {
  const usual = median(own);
  return usual + Math.max(FLOOR, 6 * spread(own), 0.25 * usual);
};

/** What the sub-meters lack must also be in the meter itself: else one of them counts too little, and nothing leaks. */
function isHigh(night: Night, normal: readonly Night[]): boolean {
  if (normal.length < NIGHTS_TO_LEARN) return false;
  const own = normal.map((one) => one.own);
  if (night.own <= limitOf(own)) return false;
  const risen = night.whole - median(normal.map((one) => one.whole));
  return risen >= (night.own - median(own)) / 2;
}

function nightsOf(input: CheckInput, meter: WatchedMeter): Night[] {
  const below = childrenOf(input, meter).map(
    ({ id }) => new Map((input.history.get(id) ?? []).map((day) => [day.startMs, day])),
  );
  return settledDays(input, meter).flatMap((day) => {
    const children = below.map((days) => days.get(day.startMs)?.night);
    const rest = day.night.map((flow, i) =>
      children.reduce<number | null>((left, child) => {
        const taken = child?.[i] ?? null;
        return left === null || taken === null ? null : left - taken;
      }, flow),
    );
    const own = sustained(rest, day);
    const whole = sustained(day.night, day);
    return own === null || whole === null ? [] : [{ startMs: day.startMs + 2 * HOUR_MS, own, whole }];
  });
}

/** The least mean over any hour of the night; null when any of it is unknown. */
function sustained(flows: readonly (number | null)[], { perHour }: DayFacts): number | null {
  const known = flows.filter((flow) => flow !== null);
  if (known.length < flows.length || known.length < perHour) return null;
  let least = Number.POSITIVE_INFINITY;
  for (let from = 0; from + perHour <= known.length; from += 1) {
    const mean = known.slice(from, from + perHour).reduce((a, b) => a + b, 0) / perHour;
    least = Math.min(least, mean);
  }
  return least;
}
