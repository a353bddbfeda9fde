/**
 * A span of dates cut into segments of one site-local date and one TOU period each: a table by which millions of intervals
 * are classified without asking the calendar again. Days of 23 and 25 hours come out right, because a day is first cut at
 * the change of offset, and within a piece the clock runs evenly.
 */
import type { TouCalendar } from '../../protocols/park.ts';
import { dateStartMs } from './billing-period.ts';
import { edgesOn, touPeriodAt } from './tou-calendar.ts';

export interface TouSegment {
  readonly startMs: number;
  readonly endMs: number;
  readonly date: string;
  /** Null where the utility has no time of use. */
  readonly touPeriod: string | null;
}

const MINUTE_MS = 60_000;

/** Ascending, without holes, over the dates `[from, to)`. */
export function touSegments(
  calendar: TouCalendar | null,
  { from, to, timeZone }: { from: string; to: string; timeZone: string },
): TouSegment[] {
  const segments: TouSegment[] = [];
  for (let date = Temporal.PlainDate.from(from); `${date}` < to; date = date.add({ days: 1 }))
    for (const segment of daySegments(calendar, date, timeZone)) {
      const last = segments.at(-1);
      if (last !== undefined && last.date === segment.date && last.touPeriod === segment.touPeriod)
        segments[segments.length - 1] = { ...last, endMs: segment.endMs };
      else segments.push(segment);
    }
  return segments;
}

function daySegments(calendar: TouCalendar | null, date: Temporal.PlainDate, timeZone: string): TouSegment[] {
  const day = `${date}`;
  const endMs = dateStartMs(`${date.add({ days: 1 })}`, timeZone);
  if (calendar === null) return [{ startMs: dateStartMs(day, timeZone), endMs, date: day, touPeriod: null }];
  const edges = edgesOn(calendar, date);
  const starts = offsetPieces(date, timeZone, endMs).flatMap((piece) => [
    piece.startMs,
    ...edges
      .map((edge) => piece.startMs + edge * MINUTE_MS - piece.clockMs)
      .filter((ms) => piece.startMs < ms && ms < piece.endMs)
      .sort((a, b) => a - b),
  ]);
  return starts.map((startMs, index) => ({
    startMs,
    endMs: starts[index + 1] ?? endMs,
    date: day,
    touPeriod: touPeriodAt(calendar, localAt(startMs, timeZone).toPlainDateTime()),
  }));
}

/** The pieces of a day with one UTC offset each; `clockMs` is what the clock shows at the start, from midnight. */
function offsetPieces(
  date: Temporal.PlainDate,
  timeZone: string,
  endMs: number,
): { startMs: number; endMs: number; clockMs: number }[] {
  const pieces: { startMs: number; endMs: number; clockMs: number }[] = [];
  let at = date.toZonedDateTime(timeZone);
  while (at.epochMilliseconds < endMs) {
    const next = at.getTimeZoneTransition('next');
    const pieceEndMs = next === null ? endMs : Math.min(next.epochMilliseconds, endMs);
    const clockMs = Temporal.PlainTime.from('00:00').until(at.toPlainTime()).total('milliseconds');
    pieces.push({ startMs: at.epochMilliseconds, endMs: pieceEndMs, clockMs });
    at = localAt(pieceEndMs, timeZone);
  }
  return pieces;
}

const localAt = (ms: number, timeZone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
