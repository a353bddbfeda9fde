/** Figures as people write them in lists: exact decimals, transformer ratios. */
import { formatDecimal, parseDecimal } from '../decimal.ts';

export type NumberText =
  | { ok: true; decimal: string }
  | { ok: false; code: 'not_a_number' | 'not_positive' | 'decimal_comma' };

const SCALE = 6;

/** Full-width letters, digits and spaces as plain ones. Not NFKC: that makes a figure of the ² in m². */
export const narrow = (text: string): string =>
  text
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replaceAll('\u3000', ' ');

/**
 * `"1.50"` is `"1.5"`, with `decimalComma` `"1,50"` is. A comma that was not declared is refused: it may be either.
 * At most six decimals, since registers and multipliers are counted in millionths; never an exponent.
 */
export function readNumber(text: string, decimalComma: boolean): NumberText {
  const plain = narrow(text).replaceAll(' ', '');
  const hasComma = plain.includes(',');
  if (hasComma && (!decimalComma || plain.includes('.'))) return { ok: false, code: 'decimal_comma' };
  const match = /^\+?(\d{1,15})(?:\.(\d{1,6})0*)?$/.exec(plain.replace(',', '.'));
  if (match === null)
    return { ok: false, code: /^-\d+([.,]\d+)?$/.test(plain) ? 'not_positive' : 'not_a_number' };
  const whole = BigInt(match[1] ?? '0');
  const decimal = formatDecimal(parseDecimal(`${whole}.${match[2] ?? '0'}`, SCALE), SCALE);
  return { ok: true, decimal };
}

/** A transformer's ratio: `"40"`, `"200/5"`, `"200A/5A"`, `"10kV/100V"`; null when it is none, or no decimal of six places. */
export function readRatio(text: string): string | null {
  const plain = narrow(text).replaceAll(' ', '');
  const match = /^(\d{1,9}(?:\.\d{1,6})?)(k?)[va]?(?:[/:](\d{1,9}(?:\.\d{1,6})?)(k?)[va]?)?$/i.exec(plain);
  if (match === null) return null;
  const [, first = '', firstKilo, second = '1', secondKilo] = match;
  const primary = scaled(first) * (firstKilo ? 1000n : 1n);
  const secondary = scaled(second) * (secondKilo ? 1000n : 1n);
  if (secondary === 0n || primary === 0n || (primary * ONE) % secondary !== 0n) return null;
  return formatDecimal((primary * ONE) / secondary, SCALE);
}

const ONE = 10n ** BigInt(SCALE);
/** Leading zeros are no part of a plain decimal. */
const scaled = (text: string): bigint => parseDecimal(text.replace(/^0+(?=\d)/, ''), SCALE);

/** PT x CT, exact; null when it has more than six decimals. */
export function multiply(a: string, b: string): string | null {
  const product = parseDecimal(a, SCALE) * parseDecimal(b, SCALE);
  return product % ONE === 0n ? formatDecimal(product / ONE, SCALE) : null;
}
