/** A meter's local time <-> Unix milliseconds, in the site's time zone. */

/** Null where the time zone skips or repeats it: then nobody knows which instant the meter meant. */
export function instantMs(local: Temporal.PlainDateTime, timeZone: string): number | null {
  try {
    return local.toZonedDateTime(timeZone, { disambiguation: 'reject' }).epochMilliseconds;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export const localTime = (ms: number, timeZone: string): Temporal.PlainDateTime =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDateTime();
