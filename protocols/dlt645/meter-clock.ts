/** The clock of a meter of DL/T 645: a date (YYMMDDWW) and a time (hhmmss), each an item of its own. */
import { digitsFromBytes } from '../bcd.ts';
import { bcdBytesOf, pairs, plainTime } from '../meter-time.ts';
import type { Dlt645Version } from './read-data.ts';

/** The same two items in both versions, under other names. */
export const clockItems: Record<Dlt645Version, { date: string; time: string }> = {
  2007: { date: '04000101', time: '04000102' },
  1997: { date: 'C010', time: 'C011' },
};

/** @param date WW DD MM YY @param time ss mm hh; null when they are no time */
export function parseMeterClock(date: Uint8Array, time: Uint8Array): Temporal.PlainDateTime | null {
  const digits = digitsFromBytes(date) + digitsFromBytes(time);
  if (date.length !== 4 || time.length !== 3 || !/^\d{14}$/.test(digits)) return null;
  const [year = 0, month = 0, day = 0, , hour = 0, minute = 0, second = 0] = pairs(digits);
  return plainTime({ year: 2000 + year, month, day, hour, minute, second });
}

/** The bytes that a meter answers with: Sunday is 00. */
export function meterClockBytes(now: Temporal.PlainDateTime): { date: Uint8Array; time: Uint8Array } {
  return {
    date: bcdBytesOf([now.dayOfWeek % 7, now.day, now.month, now.year % 100]),
    time: bcdBytesOf([now.second, now.minute, now.hour]),
  };
}
