/**
 * Register words <-> exact values in millionths of the register's unit. Integers and BCD never pass through a float.
 * A float register is taken as the shortest decimal that reads back as the same float (what its face would show),
 * times the scale, rounded half away from zero to six decimals.
 */
import { formatDecimal, parseDecimal } from '../decimal.ts';
import type { RegisterType, WordOrder } from '../profile.ts';
import type { ReadingCode } from '../reading.ts';
import { formatMicro, MICRO_SCALE } from '../units.ts';

/** The part of a profile's register that says how its words are to be read. */
export interface RegisterFormat {
  type: RegisterType;
  order: WordOrder;
  /** Engineering value = raw x scale. */
  scale: string;
  /** A counter that is billed is never -1, so that all ones is no value of a signed one either. */
  billing?: boolean;
}

/** Millionths of the unit, or null with the reason why there is no value. */
export type Decoded = { value: bigint; code?: never } | { value: null; code: ReadingCode };

/** The value as the decimal that travels, or null with the reason why there is none. */
export type DecodedText = { value: string; code?: never } | { value: null; code: ReadingCode };

const SCALE_DIGITS = 12;
/** raw x scale (10^-12) is brought to millionths by this divisor. */
const TO_MICRO = 10n ** BigInt(SCALE_DIGITS - MICRO_SCALE);
/** A decimal on a wire has at most 30 digits before the point. */
const LIMIT = 10n ** BigInt(30 + MICRO_SCALE);

const byteLengths: Record<RegisterType, number> = {
  u16: 2,
  i16: 2,
  u8high: 2,
  u8low: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bcd32: 4,
  u64: 8,
  i64: 8,
  f64: 8,
};

const SMALLEST_NORMAL = { f32: 2 ** -126, f64: 2 ** -1022 };

/** How many bits of its words a type is made of. */
const valueBits = (type: RegisterType): number => (type.startsWith('u8') ? 8 : byteLengths[type] * 8);

/** How many registers (words) a type takes. */
export const registerWords = (type: RegisterType): number => byteLengths[type] / 2;

/** A decoder of `format`: takes bytes as on the wire and the offset of the register's first byte. */
export function registerDecoder(format: RegisterFormat): (data: Uint8Array, offset: number) => Decoded {
  const { type, billing = false } = format;
  const scale = parseDecimal(format.scale, SCALE_DIGITS);
  // Most scales are a whole number of millionths: then nothing is left over, whatever the register holds.
  const microScale = scale % TO_MICRO === 0n ? scale / TO_MICRO : null;
  const viewOf = registerView(format);
  return (data, offset) => {
    const view = viewOf(data, offset);
    if (type === 'f32' || type === 'f64') return fromFloat(view, type, scale);
    const raw = fromInteger(view, type);
    if (typeof raw === 'string') return { value: null, code: raw };
    if (billing && raw === -1n) return { value: null, code: 'not_available' };
    if (microScale !== null) return bounded(raw * microScale);
    const scaled = raw * scale;
    return scaled % TO_MICRO === 0n ? bounded(scaled / TO_MICRO) : { value: null, code: 'out_of_range' };
  };
}

/**
 * As `registerDecoder`, but to the decimal itself. A register of up to 32 bits with a scale of few digits, as nearly all
 * are, comes to a safe integer of its last decimal: it needs no millionths.
 */
export function registerTextDecoder(
  format: RegisterFormat,
): (data: Uint8Array, offset: number) => DecodedText {
  const { type, billing = false } = format;
  const decode = registerDecoder(format);
  const scale = shortScale(format.scale);
  const viewOf = registerView(format);
  return (data, offset) => {
    if (scale !== null && isShort(type)) {
      const raw = fromShort(viewOf(data, offset), type);
      if (typeof raw === 'string') return { value: null, code: raw };
      if (billing && raw === -1) return { value: null, code: 'not_available' };
      return { value: formatDecimal(raw * scale.units, scale.decimals) };
    }
    const decoded = decode(data, offset);
    return decoded.value === null ? decoded : { value: formatMicro(decoded.value) };
  };
}

/** 32 bits times a number of so many digits is a safe integer. */
const LONGEST_SHORT_SCALE = 6;

/** The scale as `units` of its last decimal; null when it has more digits than would do. */
function shortScale(scale: string): { units: number; decimals: number } | null {
  const fraction = scale.split('.')[1] ?? '';
  const units = parseDecimal(scale, fraction.length).toString();
  const isLong = units.length > LONGEST_SHORT_SCALE || fraction.length > MICRO_SCALE;
  return isLong ? null : { units: +units, decimals: fraction.length };
}

/** Puts the bytes of a register into the order of its value. The view is good until the next call. */
function registerView({ type, order }: RegisterFormat): (data: Uint8Array, offset: number) => DataView {
  const length = byteLengths[type];
  const positions = Array.from({ length }, (_, i) => valuePosition(order, length, i));
  const view = new DataView(new ArrayBuffer(length));
  return (data, offset) => {
    for (let i = 0; i < length; i++) view.setUint8(positions[i] ?? 0, data[offset + i] ?? 0);
    return view;
  };
}

/**
 * The bytes that a meter would hold: `value` (millionths of the unit) cut down to the register's resolution, as a
 * counter's face does; null is the meter's "no value" pattern. The other byte of a `u8high` or `u8low` is 0.
 * @throws RangeError when the value does not fit the type
 */
export function encodeRegister(format: RegisterFormat, value: bigint | null): Uint8Array {
  const { type } = format;
  const length = byteLengths[type];
  const view = new DataView(new ArrayBuffer(length));
  const scale = parseDecimal(format.scale, SCALE_DIGITS);
  if (type === 'f32' || type === 'f64') {
    const raw = value === null ? NaN : ratio(value * TO_MICRO, scale);
    if (type === 'f32') view.setFloat32(0, raw);
    else view.setFloat64(0, raw);
  } else {
    const raw = value === null ? notAvailable(type) : (value * TO_MICRO) / scale;
    putInteger(view, type, raw);
  }
  return Uint8Array.from({ length }, (_, i) => view.getUint8(valuePosition(format.order, length, i)));
}

/** Where byte `i` of the wire belongs in the big-endian value; its own inverse. */
function valuePosition(order: WordOrder, length: number, i: number): number {
  switch (order) {
    case 'ABCD':
      return i;
    case 'CDAB':
      return length - 2 - (i & ~1) + (i & 1);
    case 'BADC':
      return i ^ 1;
    case 'DCBA':
      return length - 1 - i;
  }
}

type IntegerType = Exclude<RegisterType, 'f32' | 'f64' | 'bcd32'>;
type ShortType = Exclude<IntegerType, 'u64' | 'i64'> | 'bcd32';

const isShort = (type: RegisterType): type is ShortType =>
  type !== 'f32' && type !== 'f64' && type !== 'u64' && type !== 'i64';

/**
 * "No value": all ones for unsigned, the largest and the smallest for signed. Meters keep counts in either kind of 32 or 64
 * bits and fill both alike, so a u32 or u64 has the signed patterns too: a count passes each of them once in its life and is
 * read again one count later. They are values of a u16, which holds ratios, states and powers that may stay there; all
 * ones is -1 in a signed register, such as -0.01 A, unless that one is billed.
 */
function fromInteger(view: DataView, type: IntegerType | 'bcd32'): bigint | ReadingCode {
  if (type === 'u64') {
    const raw = view.getBigUint64(0);
    const isNone = raw === (1n << 64n) - 1n || raw === LARGEST_I64 || raw === LARGEST_I64 + 1n;
    return isNone ? 'not_available' : raw;
  }
  if (type === 'i64') {
    const raw = view.getBigInt64(0);
    return raw === -LARGEST_I64 - 1n || raw === LARGEST_I64 ? 'not_available' : raw;
  }
  const raw = fromShort(view, type);
  return typeof raw === 'string' ? raw : BigInt(raw);
}

function fromShort(view: DataView, type: ShortType): number | ReadingCode {
  switch (type) {
    case 'u16':
      return counted(view.getUint16(0), 0xffff);
    case 'u32':
      return counted32(view.getUint32(0));
    case 'i16':
      return signed(view.getInt16(0), 0x7fff);
    case 'u8high':
      return counted(view.getUint8(0), 0xff);
    case 'u8low':
      return counted(view.getUint8(1), 0xff);
    case 'i32':
      return signed(view.getInt32(0), 0x7fff_ffff);
    case 'bcd32':
      return fromBcd(view.getUint32(0));
  }
}

const LARGEST_I64 = (1n << 63n) - 1n;
const counted = (raw: number, allOnes: number): number | ReadingCode =>
  raw === allOnes ? 'not_available' : raw;
const counted32 = (raw: number): number | ReadingCode =>
  raw === 0x7fff_ffff || raw === 0x8000_0000 ? 'not_available' : counted(raw, 0xffff_ffff);
const signed = (raw: number, largest: number): number | ReadingCode =>
  raw === largest || raw === -largest - 1 ? 'not_available' : raw;

function fromBcd(bits: number): number | ReadingCode {
  if (bits === 0xffff_ffff) return 'not_available';
  let value = 0;
  for (let shift = 28; shift >= 0; shift -= 4) {
    const digit = (bits >>> shift) & 0xf;
    if (digit > 9) return 'illegal_digit';
    value = value * 10 + digit;
  }
  return value;
}

function fromFloat(view: DataView, type: 'f32' | 'f64', scale: bigint): Decoded {
  const float = type === 'f32' ? view.getFloat32(0) : view.getFloat64(0);
  if (!Number.isFinite(float)) return { value: null, code: 'not_available' };
  // No meter writes a subnormal float: it is something else, such as a float with its words swapped.
  if (float !== 0 && Math.abs(float) < SMALLEST_NORMAL[type]) return { value: null, code: 'out_of_range' };
  const [digits, exponent] = shortestDecimal(float, type);
  if (exponent > 30) return { value: null, code: 'out_of_range' };
  // digits x 10^exponent x scale x 10^-12, in millionths: below 10^-40 nothing is left of it.
  const power = exponent - (SCALE_DIGITS - MICRO_SCALE);
  if (power >= 0) return bounded(digits * scale * 10n ** BigInt(power));
  return bounded(power < -60 ? 0n : roundedQuotient(digits * scale, 10n ** BigInt(-power)));
}

/** The shortest decimal that reads back as `float`, as integer digits and a power of ten. */
export function shortestDecimal(float: number, type: 'f32' | 'f64'): [bigint, number] {
  let text = String(float);
  if (type === 'f32') {
    // Six digits survive a trip through an f32 and nine always identify it.
    for (let precision = 6; precision <= 9; precision++) {
      text = float.toPrecision(precision);
      if (Math.fround(+text) === float) break;
    }
  }
  const [mantissa = '0', power = '0'] = text.split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return [BigInt(whole + fraction), +power - fraction.length];
}

function roundedQuotient(value: bigint, divisor: bigint): bigint {
  const half = divisor / 2n;
  return value < 0n ? -((-value + half) / divisor) : (value + half) / divisor;
}

function bounded(value: bigint): Decoded {
  return value < LIMIT && value > -LIMIT ? { value } : { value: null, code: 'out_of_range' };
}

function notAvailable(type: IntegerType | 'bcd32'): bigint {
  const bits = BigInt(valueBits(type));
  return type === 'bcd32' || type.startsWith('u') ? (1n << bits) - 1n : (1n << (bits - 1n)) - 1n;
}

function putInteger(view: DataView, type: IntegerType | 'bcd32', raw: bigint): void {
  const bits = valueBits(type);
  let pattern = raw;
  if (type === 'bcd32' && raw !== notAvailable(type)) {
    if (raw < 0n || raw > 99_999_999n) throw new RangeError(`${raw} does not fit bcd32`);
    pattern = BigInt(`0x${raw}`);
  } else if (type.startsWith('i') ? BigInt.asIntN(bits, raw) !== raw : BigInt.asUintN(bits, raw) !== raw) {
    throw new RangeError(`${raw} does not fit ${type}`);
  }
  if (type === 'u8high') pattern <<= 8n;
  for (let at = view.byteLength - 1; at >= 0; at--) {
    view.setUint8(at, byteOf(pattern));
    pattern >>= 8n;
  }
}

/** The low byte of a bigint. */
const byteOf = (value: bigint): number => +BigInt.asUintN(8, value).toString();

/** value / divisor as the nearest float of 30 decimals: exact enough that an f32 or f64 is the right one. */
function ratio(value: bigint, divisor: bigint): number {
  const digits = 30;
  return +`${(value * 10n ** BigInt(digits)) / divisor}e-${digits}`;
}
