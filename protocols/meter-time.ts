/** A meter's own time: local, as its clock shows it, from BCD or binary fields. */
import { digitsFromBytes } from './bcd.ts';

export interface TimeFields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute?: number;
  second?: number;
}

/** Null when there is no such time. */
export function plainTime(fields: TimeFields): Temporal.PlainDateTime | null {
  try {
    return Temporal.PlainDateTime.from(fields, { overflow: 'reject' });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * BCD, low first, as DL/T 645 and CJ/T 188 stamp what they tell: five bytes mm hh DD MM YY, six with the seconds before
 * them, seven with the century behind. A year of two digits counts from 2000.
 * @returns null for an illegal digit, no such time, or all FF
 */
export function bcdTime(bytes: Uint8Array): Temporal.PlainDateTime | null {
  const digits = digitsFromBytes(bytes);
  if (!/^\d{10}(\d\d){0,2}$/.test(digits)) return null;
  const [century = 20, year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] =
    bytes.length === 7 ? pairs(digits) : [20, ...pairs(digits)];
  return plainTime({ year: century * 100 + year, month, day, hour, minute, second });
}

/** The reverse of `bcdTime` for five bytes. */
export function bcdMinuteBytes({ year, month, day, hour, minute }: Temporal.PlainDateTime): Uint8Array {
  return bcdBytesOf([minute, hour, day, month, year % 100]);
}

/** Two decimal digits a byte, in the order given. */
export const bcdBytesOf = (values: readonly number[]): Uint8Array =>
  Uint8Array.from(values, (value) => Math.trunc(value / 10) * 16 + (value % 10));

/** `"260901"` is [26, 9, 1]. */
export const pairs = (digits: string): number[] => (digits.match(/../g) ?? []).map((pair) => +pair);
