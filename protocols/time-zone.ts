/** An IANA time zone, as data files name it. */
import { z } from 'zod';

export function isTimeZone(name: string): boolean {
  try {
    return Temporal.PlainDateTime.from('2026-01-01').toZonedDateTime(name).timeZoneId !== '';
  } catch {
    return false;
  }
}

/** `Asia/Shanghai`. */
export const TimeZone = z.string().refine(isTimeZone, 'not a time zone such as "Asia/Shanghai"');
