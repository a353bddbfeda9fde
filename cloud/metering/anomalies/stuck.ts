/** Registers that stand still through hours in which, by their own history, they always move. */

import { localTime } from '../detectors/alarm.ts';
import { type CheckInput, type Finding, settledDays, type WatchedMeter } from './check-input.ts';
import type { DayFacts } from './day-facts.ts';

const HOURS_TO_RAISE = 24;
const DAYS_TO_LEARN = 28;
/** An hour of the week's kind (weekday or weekend) is known after so many of them. */
const SAMPLES = 5;
const ALWAYS = 0.95;
const HOUR_MS = 3_600_000;

/** The register has not moved since `sinceMs`, and should have in `expected` of the hours. */
export interface Standstill {
  sinceMs: number;
  expected: number;
}

export function stuck(input: CheckInput): Finding[] {
  return input.meters.flatMap((meter) => {
    const still = standstill(input, meter);
    if (still === null || still.expected < HOURS_TO_RAISE) return [];
    return [
      {
        kind: 'stuck' as const,
        meter: meter.id,
        startMs: still.sinceMs,
        endMs: null,
        severity: 'warning' as const,
        evidence: {
          'zh-CN':
            `读数自 ${localTime(still.sinceMs, input.timeZone)} 起没有变化。` +
            `其间 ${still.expected} 小时，在以往的同类日里至少 ${ALWAYS * 100} % 都在走字。`,
          en:
            `The register has not moved since ${localTime(still.sinceMs, input.timeZone)}. ` +
            `In ${still.expected} of the hours since, it moved on at least ${ALWAYS * 100} % of like days before.`,
        },
      },
    ];
  });
}

/** Null when the register moved in the last hour that was measured, or never did. */
export function standstill(input: CheckInput, meter: WatchedMeter): Standstill | null {
  const days = settledDays(input, meter);
  const hours = days.flatMap((day, index) =>
    day.hours.flatMap((quantity, hour) => (quantity === null ? [] : [{ day, index, hour, quantity }])),
  );
  const still = hours.slice(hours.findLastIndex(({ quantity }) => quantity > 0) + 1);
  const [start] = still;
  if (start === undefined) return null;
  const before = days.slice(Math.max(start.index - DAYS_TO_LEARN, 0), start.index);
  const expected = still.filter(({ day, hour }) => alwaysMoves(before, day.weekend, hour)).length;
  return { sinceMs: start.day.startMs + start.hour * HOUR_MS, expected };
}

function alwaysMoves(days: readonly DayFacts[], weekend: boolean, hour: number): boolean {
  const known = days
    .filter((day) => day.weekend === weekend)
    .map((day) => day.hours[hour] ?? null)
    .filter((quantity) => quantity !== null);
  return known.length >= SAMPLES && known.filter((quantity) => quantity > 0).length >= ALWAYS * known.length;
}
