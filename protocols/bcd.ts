/**
 * BCD registers as DL/T 645 and CJ/T 188 send them, low byte first, <-> exact values in millionths of the register's
 * unit. `XXXXXX.XX` is four bytes with two decimals; of a signed one the highest bit is the sign.
 */
import { z } from 'zod';
import { Decimal, parseDecimal } from './decimal.ts';
import type { Decoded } from './modbus/registers.ts';
import { MICRO_SCALE } from './units.ts';

/** How the bytes of a register are to be read. */
export const BcdFormat = z.strictObject({
  format: z
    .string()
    .regex(/^(?=(?:\.?X\.?X)+$)X+(\.X+)?$/, 'not a format such as "XXXXXX.XX", of an even number of digits')
    .max(17),
  signed: z.boolean().default(false),
  /** Engineering value = number shown x scale, in the register's unit. */
  scale: Decimal.default('1'),
});
export type BcdFormat = z.infer<typeof BcdFormat>;

const SCALE_DIGITS = 12;
const SIGN = 0x80;

const digitsOf = ({ format }: BcdFormat): number => format.replace('.', '').length;
const decimalsOf = ({ format }: BcdFormat): number =>
  format.includes('.') ? format.length - format.indexOf('.') - 1 : 0;
/** raw x scale (10^-12) is brought to millionths by this divisor. */
const toMicro = (format: BcdFormat): bigint => 10n ** BigInt(SCALE_DIGITS - MICRO_SCALE + decimalsOf(format));

/** How many bytes a format takes. */
export const bcdBytes = (format: BcdFormat): number => digitsOf(format) / 2;

/** @param bytes those of the register alone, low byte first */
export function decodeBcd(format: BcdFormat, bytes: Uint8Array): Decoded {
  if (bytes.every((byte) => byte === 0xff)) return { value: null, code: 'not_available' };
  const highFirst = bytes.toReversed();
  const negative = format.signed && (highFirst[0] ?? 0) >= SIGN;
  if (negative) highFirst[0] = (highFirst[0] ?? 0) - SIGN;
  const digits = Array.from(highFirst, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (/[a-f]/.test(digits)) return { value: null, code: 'illegal_digit' };
  const scaled = BigInt(digits) * parseDecimal(format.scale, SCALE_DIGITS);
  const divisor = toMicro(format);
  if (scaled % divisor !== 0n) return { value: null, code: 'out_of_range' };
  return { value: negative ? -scaled / divisor : scaled / divisor };
}

/**
 * The bytes that a meter would send: `value` (millionths of the unit) cut down to the register's resolution; null is
 * the meter's "no value".
 * @throws RangeError when the value does not fit the format
 */
export function encodeBcd(format: BcdFormat, value: bigint | null): Uint8Array {
  const length = bcdBytes(format);
  if (value === null) return new Uint8Array(length).fill(0xff);
  const magnitude =
    ((value < 0n ? -value : value) * toMicro(format)) / parseDecimal(format.scale, SCALE_DIGITS);
  const digits = magnitude.toString().padStart(length * 2, '0');
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const signBit = (bytes[0] ?? 0) >= SIGN;
  if (digits.length > length * 2 || (value < 0n && !format.signed) || (format.signed && signBit))
    throw new RangeError(`${value} millionths do not fit ${format.format}`);
  if (value < 0n) bytes[0] = (bytes[0] ?? 0) | SIGN;
  return bytes.reverse();
}

/** `[0x01, 0x00]` is `"0001"`: digits are printed high byte first, and `A` stands for any. */
export const digitsFromBytes = (bytes: Uint8Array): string =>
  Array.from(bytes.toReversed(), (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();

/** The reverse of `digitsFromBytes`. */
export const bytesFromDigits = (digits: string): Uint8Array =>
  Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)).reverse();

/** Whether the address asked for, in which the digit `A` stands for any, is the one that answered. */
export const isAddressed = (asked: string, answering: string): boolean =>
  asked.length === answering.length &&
  [...asked].every((digit, at) => digit === 'A' || digit === answering[at]);
