/** Spans of a chart: the site-local day, week or month around a day, and the steps to its neighbours. Dates are `2026-09-01`. */
export type SpanKind = 'day' | 'week' | 'month';

export interface Span {
  /** Site-local dates, half-open. */
  from: string;
  to: string;
}

const shift = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

function monthStart(date: string, months = 0): string {
  const at = new Date(`${date.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + months);
  return at.toISOString().slice(0, 10);
}

/** The span of a kind that holds the date; weeks begin on Monday. */
export function spanAround(date: string, kind: SpanKind): Span {
  if (kind === 'day') return { from: date, to: shift(date, 1) };
  if (kind === 'month') return { from: monthStart(date), to: monthStart(date, 1) };
  const weekday = (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
  return { from: shift(date, -weekday), to: shift(date, 7 - weekday) };
}

/** A date in the neighbouring span. */
export function stepped(date: string, kind: SpanKind, direction: 1 | -1): string {
  if (kind === 'month') return monthStart(date, direction);
  return shift(date, (kind === 'day' ? 1 : 7) * direction);
}

/** The instant at which a site-local date begins, as RFC 3339. */
export function dayStart(date: string, timeZone: string): string {
  // The zone's offset at the guess is its offset at the answer but for a change of clocks in between: once more is enough.
  const wanted = Date.parse(`${date}T00:00:00Z`);
  let guess = wanted;
  for (let round = 0; round < 2; round += 1) guess = wanted - offsetMs(guess, timeZone);
  return new Date(guess).toISOString();
}

function offsetMs(atMs: number, timeZone: string): number {
  const text = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(
    atMs,
  );
  return Date.parse(`${text.replace(' ', 'T')}Z`) - Math.floor(atMs / 1000) * 1000;
}

/** The site-local date of an instant. */
export const dateOf = (instant: string, timeZone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(new Date(instant));
