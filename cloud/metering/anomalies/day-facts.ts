/** What the detectors remember of one meter's day: a few figures instead of its intervals. */
import { approximate } from '../approximate.ts';
import type { DerivedInterval } from '../derive-intervals.ts';
import type { SiteGrid } from '../site-grid.ts';

/** A stretch without readings to go by. */
export interface Hole {
  startMs: number;
  endMs: number;
  /** `gap`, or the code of the bad registers there. */
  reason: string;
}

/** What of an interval a day's facts are made from. */
export type FactInterval = Pick<DerivedInterval, 'startMs' | 'endMs' | 'quantity' | 'quality' | 'reason'>;

/** Quantities in kWh or m3. */
export interface DayFacts {
  startMs: number;
  endMs: number;
  weekend: boolean;
  /** Null where any of the day is missing. */
  quantity: number | null;
  /** Share of the day's intervals that were measured. */
  measured: number;
  /** By local hour of the day; null where any of the hour was not measured. */
  hours: readonly (number | null)[];
  /** Flow from 02:00 to 05:00, per interval, in units per hour; null where it was not measured. */
  night: readonly (number | null)[];
  /** Intervals in an hour. */
  perHour: number;
  holes: readonly Hole[];
}

const NIGHT = { fromHour: 2, toHour: 5 };

/**
 * @param day the grid of exactly one site-local day
 * @param intervals of one meter, ascending; those outside the day are passed over
 */
export function dayFacts(day: SiteGrid, intervals: readonly FactInterval[]): DayFacts {
  const byStart = new Map(intervals.map((interval) => [interval.startMs, interval]));
  const perHour = 60 / day.minutes;
  const hours = new Array<number | null | undefined>(24).fill(undefined);
  const night: (number | null)[] = [];
  const holes: Hole[] = [];
  let total: number | null = 0;
  let measured = 0;
  for (let k = 0; k < day.slots.length; k += 1) {
    const interval = byStart.get(day.boundaries[k] ?? 0);
    const quantity = typeof interval?.quantity === 'bigint' ? approximate(interval.quantity) : null;
    const actual = interval?.quality === 'actual' ? quantity : null;
    total = total === null || quantity === null ? null : total + quantity;
    if (actual !== null) measured += 1;
    else if (interval !== undefined && interval.reason !== 'no_reading') addHole(holes, interval);
    const hour = Math.floor((day.slots[k] ?? 0) / perHour);
    const before = hours[hour];
    hours[hour] = before === null || actual === null ? null : (before ?? 0) + actual;
    if (hour >= NIGHT.fromHour && hour < NIGHT.toHour) night.push(actual === null ? null : actual * perHour);
  }
  return {
    startMs: day.boundaries[0] ?? 0,
    endMs: day.boundaries.at(-1) ?? 0,
    weekend: day.weekend[0] === 1,
    quantity: total,
    measured: measured / Math.max(day.slots.length, 1),
    hours: hours.map((hour) => hour ?? null),
    night,
    perHour,
    holes,
  };
}

function addHole(holes: Hole[], { startMs, endMs, reason }: FactInterval): void {
  const last = holes.at(-1);
  if (last !== undefined && last.endMs === startMs) last.endMs = endMs;
  else holes.push({ startMs, endMs, reason });
}
