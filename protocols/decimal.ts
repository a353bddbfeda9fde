/**
 * Exact decimals. Registers, quantities and money cross every wire as decimal strings and live in memory as
 * bigints counted in a smallest unit; no float stands between the two.
 */
import { z } from 'zod';

/** `-?digits[.digits]`, no exponent, no leading `+`, no grouping; at most 30 digits before and 12 after the point. */
export const decimalPattern = /^-?(0|[1-9]\d{0,29})(\.\d{1,12})?$/;

/** A decimal string such as `"1234.56"`. */
export const Decimal = z.string().regex(decimalPattern, 'not a plain decimal such as "1234.56"');
export type Decimal = z.infer<typeof Decimal>;

/**
 * `parseDecimal('12.34', 6)` is `12340000n`: the count of units of 10^-scale.
 * @throws RangeError when the text is no plain decimal or has more than `scale` significant fraction digits
 */
export function parseDecimal(text: string, scale: number): bigint {
  if (!decimalPattern.test(text)) throw new RangeError(`"${text}" is not a plain decimal`);
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > scale) throw new RangeError(`"${text}" has more than ${scale} fraction digits`);
  const units = BigInt(whole + kept.padEnd(scale, '0'));
  return negative ? -units : units;
}

/**
 * `formatDecimal(12340000n, 6)` is `'12.34'`; with `minimumFraction` 4 it is `'12.3400'`. Never an exponent, never `-0`.
 * @param units a safe integer where it is a number
 */
export function formatDecimal(units: bigint | number, scale: number, minimumFraction = 0): string {
  if (scale === 0) return units.toString();
  const sign = units < 0 ? '-' : '';
  const digits = (units < 0 ? -units : units).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  let end = digits.length;
  while (end > point + minimumFraction && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  const whole = sign + digits.slice(0, point);
  return end === point ? whole : `${whole}.${digits.slice(point, end)}`;
}

const ZERO = 48;
