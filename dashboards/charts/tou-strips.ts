/** A time-of-use calendar as strips of 24 hours: one for each season and kind of day that differ. */
import type { TouCalendar } from '../../protocols/park.ts';

export interface TouStrip {
  season: string;
  /** 1 is Monday. */
  weekdays: number[];
  holiday: boolean;
  /** From midnight to midnight without a hole, `HH:MM`, the last up to `24:00`. */
  parts: { from: string; to: string; period: string }[];
}

const WEEK = [1, 2, 3, 4, 5, 6, 7];
const MIDNIGHT = '24:00';

export function touStrips(calendar: TouCalendar): TouStrip[] {
  const strips: TouStrip[] = [];
  const hasHolidays = calendar.windows.some(({ holidays }) => holidays !== undefined);
  for (const season of new Set([...calendar.seasons.map(({ name }) => name), calendar.otherSeason]))
    for (const holiday of hasHolidays ? [false, true] : [false])
      for (const weekday of WEEK) {
        const parts = partsOf(calendar, { season, weekday, holiday });
        const alike = strips.find(
          (one) => one.season === season && one.holiday === holiday && sameParts(one.parts, parts),
        );
        if (alike === undefined) strips.push({ season, holiday, weekdays: [weekday], parts });
        else alike.weekdays.push(weekday);
      }
  return strips;
}

const sameParts = (one: TouStrip['parts'], other: TouStrip['parts']): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

function partsOf(
  { windows, otherPeriod }: TouCalendar,
  day: { season: string; weekday: number; holiday: boolean },
): TouStrip['parts'] {
  const own = windows
    .filter(
      ({ season, weekdays, holidays }) =>
        (season === undefined || season === day.season) &&
        (weekdays === undefined || weekdays.includes(day.weekday)) &&
        (holidays === undefined || (holidays === 'only') === day.holiday),
    )
    .toSorted((one, other) => (one.from < other.from ? -1 : 1));
  const parts: TouStrip['parts'] = [];
  const add = (from: string, to: string, period: string): void => {
    const last = parts.at(-1);
    if (from >= to) return;
    if (last?.period === period) last.to = to;
    else parts.push({ from, to, period });
  };
  let at = '00:00';
  for (const { from, to, period } of own) {
    add(at, from, otherPeriod);
    add(from, to, period);
    at = to;
  }
  add(at, MIDNIGHT, otherPeriod);
  return parts;
}

/** Hours from midnight, for the place on a strip. */
export const hourOf = (clock: string): number => Number(clock.slice(0, 2)) + Number(clock.slice(3)) / 60;
