/** A billing period: a calendar month of the site, half-open in dates and in instants. */

export interface BillingPeriod {
  /** `2026-09` */
  readonly id: string;
  readonly from: string;
  /** First date after the period. */
  readonly to: string;
  readonly days: number;
  readonly timeZone: string;
}

/** @returns null when the text is no month such as `2026-09` */
export function billingPeriod(id: string, timeZone: string): BillingPeriod | null {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(id)) return null;
  const first = Temporal.PlainDate.from(`${id}-01`);
  const { daysInMonth: days } = first;
  return { id, from: `${first}`, to: `${first.add({ days })}`, days, timeZone };
}

/** Start of a site-local date, Unix milliseconds. */
export const dateStartMs = (date: string, timeZone: string): number =>
  Temporal.PlainDate.from(date).toZonedDateTime(timeZone).epochMilliseconds;

export const instantText = (ms: number): string => new Temporal.Instant(BigInt(ms) * 1_000_000n).toString();

/** A dated row, `[from, to)` in site-local dates; `to: null` is open-ended. ISO dates compare as text. */
export interface DateSpan {
  readonly from: string;
  readonly to: string | null;
}

/** The part of a dated row that lies in `[from, to)`, or null. */
export function clip(
  row: DateSpan,
  { from, to }: { from: string; to: string },
): { from: string; to: string } | null {
  const start = row.from > from ? row.from : from;
  const end = row.to !== null && row.to < to ? row.to : to;
  return start < end ? { from: start, to: end } : null;
}

export const dayCount = ({ from, to }: { from: string; to: string }): number =>
  Temporal.PlainDate.from(from).until(to, { largestUnit: 'days' }).days;
