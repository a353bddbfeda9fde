/** Words that the routes' query strings share. Everything in a query is text: nothing is coerced. */
import { z } from 'zod';
import { InstantText } from '../../protocols/reading.ts';
import { Refused } from '../errors.ts';

/** A count between 1 and `max`, as digits. */
export const limitText = (max: number, preset: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,5}$/, `not a count between 1 and ${max}`)
    .transform((text) => Number.parseInt(text, 10))
    .refine((count) => count <= max, `more than ${max}`)
    .default(preset);

export const spanText = { from: InstantText, to: InstantText };

const widestMs = 100 * 86_400_000;

export const msOf = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;

/** RFC 3339 with `Z`, without needless fractions: `2026-09-01T00:15:00Z`. */
export const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

/** @throws Refused when nothing lies between the two, or more than 100 days */
export function spanOf({ from, to }: { from: string; to: string }): { fromMs: number; toMs: number } {
  const span = { fromMs: msOf(from), toMs: msOf(to) };
  if (span.toMs <= span.fromMs) throw new Refused('empty_range', '`to` must be later than `from`');
  if (span.toMs - span.fromMs > widestMs) throw new Refused('range_too_wide', 'at most 100 days at once');
  return span;
}

/** First instant of a site-local date. */
export const dayStartMs = (date: string, timeZone: string): number =>
  Temporal.PlainDate.from(date).toZonedDateTime(timeZone).epochMilliseconds;

/** The site-local day that holds an instant, as `[startMs, endMs)`. */
export function dayAround(ms: number, timeZone: string): { startMs: number; endMs: number } {
  const start = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).startOfDay();
  return { startMs: start.epochMilliseconds, endMs: start.add({ days: 1 }).epochMilliseconds };
}
