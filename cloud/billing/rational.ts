/**
 * Exact fractions of bigints: what stands between a decimal that came in and the one rounding that goes out.
 * Always in lowest terms with a positive denominator, so that equal values are equal field by field.
 */
import { decimalPattern, formatDecimal, parseDecimal } from '../../protocols/decimal.ts';

export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** The fraction digits a `Decimal` may have: parsed at this scale, none is ever refused. */
const DECIMAL_SCALE = 12;
const DECIMAL_UNITS = 10n ** BigInt(DECIMAL_SCALE);

/** @throws RangeError when the denominator is zero */
export function rational(n: bigint, d = 1n): Rational {
  if (d === 0n) throw new RangeError('division by zero');
  const divisor = gcd(n < 0n ? -n : n, d < 0n ? -d : d);
  const sign = d < 0n ? -1n : 1n;
  return { n: (sign * n) / divisor, d: (sign * d) / divisor };
}

function gcd(a: bigint, b: bigint): bigint {
  let [high, low] = [a, b];
  while (low !== 0n) [high, low] = [low, high % low];
  return high;
}

export const ZERO = rational(0n);
export const ONE = rational(1n);

/** `"12.5"` is 25/2. @throws RangeError when the text is no plain decimal */
export const fromDecimal = (text: string): Rational =>
  rational(parseDecimal(text, DECIMAL_SCALE), DECIMAL_UNITS);

/** Beyond this a text is no share but an attack. */
const MOST_DIGITS = 450;
const WHOLE = new RegExp(`^-?\\d{1,${MOST_DIGITS}}$`);

/** `"29/30"` or `"0.5"`; null when the text is neither, or its denominator is zero. */
export function parseFraction(text: string): Rational | null {
  const [top = '', bottom = '1', ...rest] = text.split('/');
  if (rest.length === 0 && WHOLE.test(top) && WHOLE.test(bottom))
    return BigInt(bottom) === 0n ? null : rational(BigInt(top), BigInt(bottom));
  if (rest.length > 0 || !decimalPattern.test(top) || !decimalPattern.test(bottom)) return null;
  const divisor = fromDecimal(bottom);
  return divisor.n === 0n ? null : divide(fromDecimal(top), divisor);
}

/** `"29/30"`, or `"2"` for a whole number. */
export const formatFraction = ({ n, d }: Rational): string => (d === 1n ? `${n}` : `${n}/${d}`);

export const add = (a: Rational, b: Rational): Rational => rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const subtract = (a: Rational, b: Rational): Rational => rational(a.n * b.d - b.n * a.d, a.d * b.d);
export const multiply = (a: Rational, b: Rational): Rational => rational(a.n * b.n, a.d * b.d);
/** @throws RangeError when `b` is zero */
export const divide = (a: Rational, b: Rational): Rational => rational(a.n * b.d, a.d * b.n);
export const sum = (values: Iterable<Rational>): Rational => {
  let total = ZERO;
  for (const value of values) total = add(total, value);
  return total;
};

/** Negative, zero or positive, as `a - b` is. */
export function compare(a: Rational, b: Rational): -1 | 0 | 1 {
  const left = a.n * b.d;
  const right = b.n * a.d;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
export const smaller = (a: Rational, b: Rational): Rational => (compare(a, b) <= 0 ? a : b);
export const isNegative = ({ n }: Rational): boolean => n < 0n;
export const isZero = ({ n }: Rational): boolean => n === 0n;
export const absolute = ({ n, d }: Rational): Rational => ({ n: n < 0n ? -n : n, d });

/**
 * The decimal text of a fraction that has one, `3/8` is `"0.375"`.
 * @throws RangeError when it has none within twelve digits (round it first)
 */
export function toDecimal({ n, d }: Rational): string {
  if (DECIMAL_UNITS % d !== 0n) throw new RangeError(`${n}/${d} is no decimal of ${DECIMAL_SCALE} digits`);
  return formatDecimal((n * DECIMAL_UNITS) / d, DECIMAL_SCALE);
}
