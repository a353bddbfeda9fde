/**
 * The data of a record (EN 13757-3, data types A to J), low byte first: numbers as mantissa and power of ten, exactly; dates
 * in the meter's own time, which names no zone.
 */
import { digitsFromBytes } from '../bcd.ts';
import { shortestDecimal } from '../modbus/registers.ts';
import type { ReadingCode } from '../reading.ts';

export type MbusValue =
  | { kind: 'number'; mantissa: bigint; exponent: number }
  | { kind: 'text'; text: string }
  /** `2026-09-01` or `2026-09-01T00:15`. */
  | { kind: 'date'; text: string }
  /** Bits and structures, as they are. */
  | { kind: 'bytes' }
  | { kind: 'none'; code: ReadingCode };

const NOT_AVAILABLE: MbusValue = { kind: 'none', code: 'not_available' };
/** The lowest exponent of a normal 32-bit float. */
const SMALLEST_NORMAL = 2 ** -126;

const whole = (mantissa: bigint): MbusValue => ({ kind: 'number', mantissa, exponent: 0 });

/** Type B: two's complement; the lowest number says "no value". */
export function integerValue(bytes: Uint8Array): MbusValue {
  const bits = bytes.length * 8;
  const value = BigInt.asIntN(bits, unsignedOf(bytes));
  return value === -(1n << BigInt(bits - 1)) ? NOT_AVAILABLE : whole(value);
}

/** Type A: BCD, in which an F in front is a minus. */
export function bcdValue(bytes: Uint8Array): MbusValue {
  if (bytes.every((byte) => byte === 0xff)) return NOT_AVAILABLE;
  const text = digitsFromBytes(bytes);
  const digits = text.replace(/^F/, '0');
  if (!/^\d+$/.test(digits)) return { kind: 'none', code: 'illegal_digit' };
  return whole(text.startsWith('F') ? -BigInt(digits) : BigInt(digits));
}

/** Type H: a float is taken as the shortest decimal that reads back as the same float, as a face would show it. */
export function realValue(bytes: Uint8Array): MbusValue {
  const float = new DataView(Uint8Array.from(bytes).buffer).getFloat32(0, true);
  if (!Number.isFinite(float)) return NOT_AVAILABLE;
  // No meter writes a subnormal float: it is something else.
  if (float !== 0 && Math.abs(float) < SMALLEST_NORMAL) return { kind: 'none', code: 'out_of_range' };
  const [mantissa, exponent] = shortestDecimal(float, 'f32');
  return { kind: 'number', mantissa, exponent };
}

/** Text goes last character first. */
export const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes.toReversed());

/** Types G (2 bytes, a date), F (4, to the minute) and I (6, to the second). */
export function dateValue(bytes: Uint8Array): MbusValue {
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = bytes;
  switch (bytes.length) {
    case 2:
      return dated(first, second, 0);
    case 4:
      return (first & 0x80) !== 0
        ? NOT_AVAILABLE
        : dated(third, fourth, (second >>> 5) & 3, [second & 0x1f, first & 0x3f]);
    case 6:
      return (second & 0x80) !== 0
        ? NOT_AVAILABLE
        : dated(fourth, fifth, 0, [third & 0x1f, second & 0x3f, first & 0x3f]);
    default:
      return { kind: 'bytes' };
  }
}

/** Years up to 80 without a century are of this one, as the standard has it. */
const LAST_YEAR_OF_CENTURY = 80;
const timeLimits = [23, 59, 59];

/** Day and the low bits of the year in one byte, month and its high bits in the other. */
function dated(dayByte: number, monthByte: number, hundreds: number, time: number[] = []): MbusValue {
  const day = dayByte & 0x1f;
  const month = monthByte & 0x0f;
  const yearOfCentury = (dayByte >>> 5) | ((monthByte & 0xf0) >>> 1);
  const isDate = day >= 1 && month >= 1 && month <= 12 && yearOfCentury <= 99;
  if (!isDate || time.some((part, at) => part > (timeLimits[at] ?? 0))) return NOT_AVAILABLE;
  const isPast = yearOfCentury > LAST_YEAR_OF_CENTURY || hundreds > 0;
  const year = yearOfCentury + (isPast ? 1900 + 100 * hundreds : 2000);
  const two = (part: number): string => String(part).padStart(2, '0');
  const date = `${year}-${two(month)}-${two(day)}`;
  return { kind: 'date', text: time.length === 0 ? date : `${date}T${time.map(two).join(':')}` };
}

/** A value whose length stands before it, in the byte `length`; null for a length that is reserved. */
export function variableLength(
  length: number,
): { bytes: number; as: 'text' | 'bcd' | 'minus' | 'integer' } | null {
  if (length < 0xc0) return { bytes: length, as: 'text' };
  if (length < 0xca) return { bytes: length - 0xc0, as: 'bcd' };
  if (length >= 0xd0 && length < 0xda) return { bytes: length - 0xd0, as: 'minus' };
  if (length >= 0xe0 && length < 0xf0) return { bytes: length - 0xe0, as: 'integer' };
  return length >= 0xf0 && length <= 0xf4 ? { bytes: 4 * (length - 0xec), as: 'integer' } : null;
}

/** @param bytes those behind the byte that says how many they are */
export function variableValue(as: 'text' | 'bcd' | 'minus' | 'integer', bytes: Uint8Array): MbusValue {
  if (as === 'text') return { kind: 'text', text: textOf(bytes) };
  if (bytes.length === 0) return NOT_AVAILABLE;
  if (as === 'integer') return integerValue(bytes);
  const value = bcdValue(bytes);
  return as === 'minus' && value.kind === 'number' ? { ...value, mantissa: -value.mantissa } : value;
}

function unsignedOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  return value;
}
