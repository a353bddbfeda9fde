/** The `value` of a row, exact: `68321.0`, `3.5625000000000004`, `1e-05`. */

/** The value is `units / 10^scale`. */
export interface ExactValue {
  units: bigint;
  scale: number;
}

const pattern = /^([+-]?)(\d{1,30})(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
const LONGEST = 18;

/** @returns what is wrong with it, as a person is told */
export function parseValue(text: string): ExactValue | string {
  const match = pattern.exec(text);
  if (match === null) return 'is no number such as 1234.56';
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const kept = fraction.replace(/0+$/, '');
  const scale = kept.length - Number.parseInt(exponent, 10);
  const digits = (whole + kept).replace(/^0+(?=\d)/, '') + '0'.repeat(Math.max(-scale, 0));
  if (digits.length > LONGEST || scale > LONGEST) return `has more than ${LONGEST} digits`;
  const units = BigInt(digits);
  return { units: sign === '-' ? -units : units, scale: Math.max(scale, 0) };
}
