/** The grid of intervals of a site: anchored in site-local days, so that days of 23 and 25 hours come out right. */

const MINUTE_MS = 60_000;

/** A site-local day as the half-open span of instants that it is. */
export interface SiteDay {
  date: Temporal.PlainDate;
  startMs: number;
  endMs: number;
}

/** Interval `k` is `[boundaries[k], boundaries[k + 1])`. */
export interface SiteGrid {
  timeZone: string;
  /** Length of an interval. */
  minutes: number;
  /** Ascending instants, one more than there are intervals. */
  boundaries: readonly number[];
  /** Per interval: the local time of day at its start, in intervals since midnight. */
  slots: Uint16Array;
  /** Per interval: 1 on a Saturday or Sunday. */
  weekend: Uint8Array;
}

const zoned = (ms: number, timeZone: string): Temporal.ZonedDateTime =>
  new Temporal.Instant(BigInt(ms) * 1_000_000n).toZonedDateTimeISO(timeZone);

const dayOf = (date: Temporal.PlainDate, timeZone: string): SiteDay => ({
  date,
  startMs: date.toZonedDateTime(timeZone).epochMilliseconds,
  endMs: date.add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds,
});

/** The site-local day that holds the instant. */
export const siteDay = (ms: number, timeZone: string): SiteDay =>
  dayOf(zoned(ms, timeZone).toPlainDate(), timeZone);

/** The days that meet `[fromMs, toMs)`, in order. */
export function siteDays(fromMs: number, toMs: number, timeZone: string): SiteDay[] {
  const days: SiteDay[] = [];
  for (
    let day = siteDay(fromMs, timeZone);
    day.startMs < toMs;
    day = dayOf(day.date.add({ days: 1 }), timeZone)
  )
    days.push(day);
  return days;
}

/** The grid over the whole site-local days that meet `[fromMs, toMs)`. */
export function siteGrid(span: {
  timeZone: string;
  fromMs: number;
  toMs: number;
  minutes: number;
}): SiteGrid {
  const { timeZone, minutes } = span;
  const stepMs = minutes * MINUTE_MS;
  const boundaries: number[] = [];
  const slots: number[] = [];
  const weekend: number[] = [];
  let endMs = span.fromMs;
  for (const day of siteDays(span.fromMs, Math.max(span.toMs, span.fromMs + 1), timeZone)) {
    const regular = day.endMs - day.startMs === 24 * 60 * MINUTE_MS;
    for (let ms = day.startMs; ms < day.endMs; ms += stepMs) {
      boundaries.push(ms);
      slots.push(regular ? (ms - day.startMs) / stepMs : localSlot(ms, timeZone, minutes));
      weekend.push(day.date.dayOfWeek >= 6 ? 1 : 0);
    }
    endMs = day.endMs;
  }
  boundaries.push(endMs);
  return { timeZone, minutes, boundaries, slots: Uint16Array.from(slots), weekend: Uint8Array.from(weekend) };
}

function localSlot(ms: number, timeZone: string, minutes: number): number {
  const { hour, minute } = zoned(ms, timeZone);
  return Math.floor((hour * 60 + minute) / minutes);
}

/** Index of the last boundary not after the instant; -1 before the grid. */
export function boundaryAtOrBefore({ boundaries, minutes }: SiteGrid, ms: number): number {
  const first = boundaries[0] ?? Number.POSITIVE_INFINITY;
  if (ms < first) return -1;
  // Steps are even but for days that change the clock, so the place is at most some steps from where it would be.
  let at = Math.min(Math.floor((ms - first) / (minutes * MINUTE_MS)), boundaries.length - 1);
  while ((boundaries[at] ?? 0) > ms) at -= 1;
  while ((boundaries[at + 1] ?? Number.POSITIVE_INFINITY) <= ms) at += 1;
  return at;
}
