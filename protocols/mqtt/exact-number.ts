/** A number in a payload -> the exact decimal that a register shows. */
import { decimalPattern, formatDecimal } from '../decimal.ts';
import { MICRO_SCALE } from '../units.ts';
import { NumberText } from './payload-json.ts';

/** An exact decimal: digits x 10^exponent. */
interface Exact {
  digits: bigint;
  exponent: number;
}

/**
 * The value times `scale` as a decimal of at most six fraction digits. A number is taken in JSON's own grammar; a string
 * must be a plain decimal, without exponent.
 */
export function exactDecimal(
  found: unknown,
  scale: string,
): { ok: true; value: string } | { ok: false; code: 'not_a_number' | 'out_of_range' } {
  const text = found instanceof NumberText ? found.source : found;
  if (typeof text !== 'string') return { ok: false, code: 'not_a_number' };
  if (typeof found === 'string' && !decimalPattern.test(text)) return { ok: false, code: 'not_a_number' };
  const exact = parseNumber(text);
  const value = exact === null ? null : toMicro(exact, scale);
  return value === null ? { ok: false, code: 'out_of_range' } : { ok: true, value };
}

function parseNumber(text: string): Exact | null {
  const match = /^(-?\d{1,60})(?:\.(\d{1,60}))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) return null;
  const [, whole = '0', fraction = '', power = '0'] = match;
  return { digits: BigInt(whole + fraction), exponent: +power - fraction.length };
}

/** value x scale; null when it has more than six fraction digits, or is too large for a wire. */
function toMicro({ digits, exponent }: Exact, scale: string): string | null {
  const [whole = '0', fraction = ''] = scale.split('.');
  const product = digits * BigInt(whole + fraction);
  const power = exponent - fraction.length + MICRO_SCALE;
  const divisor = 10n ** BigInt(power < 0 ? -power : 0);
  if (product % divisor !== 0n) return null;
  const text = formatDecimal(power < 0 ? product / divisor : product * 10n ** BigInt(power), MICRO_SCALE);
  return decimalPattern.test(text) ? text : null;
}
