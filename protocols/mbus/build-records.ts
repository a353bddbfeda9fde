/** The other side: how a meter names and sends a register, for simulated meters and tests. */
import { bytesFromDigits } from '../bcd.ts';
import { parseDecimal } from '../decimal.ts';
import { MICRO_SCALE, type Unit } from '../units.ts';
import { secondaryBytes } from './address.ts';
import { MBUS_FUNCTIONS } from './records.ts';
import type { MbusMatch } from './register.ts';
import { type MbusUnit, vifBytes } from './vif.ts';

interface BuiltRegister {
  match: MbusMatch;
  unit: Unit;
  scale: string;
}

const EXTENSION = 0x80;
const MANUFACTURER = 0x7f;
const NO_DATA_AVAILABLE = 0x15;
const BCD_12 = 0x0e;
const INT_32 = 0x04;
const NO_DATA = 0x00;
const BCD_DIGITS = 12;
const SCALE_DIGITS = 12;

/** In which unit and power of ten a meter counts what a register is read in: as most meters do. */
const usual: Record<Unit, readonly (readonly [MbusUnit, exponent: number])[]> = {
  kWh: [['Wh', 1]],
  kvarh: [
    ['varh', 3],
    ['Wh', 1],
  ],
  m3: [['m3', -3]],
  W: [['W', 0]],
  var: [
    ['var', 0],
    ['W', 0],
  ],
  VA: [
    ['VA', 0],
    ['W', 0],
  ],
  V: [['V', -1]],
  A: [['A', -3]],
  Hz: [['Hz', -2]],
  '1': [['1', 0]],
  'm3/h': [['m3/h', -3]],
  degC: [
    ['degC', -2],
    ['K', -2],
  ],
  '%': [],
  deg: [],
  'm/s': [],
  MPa: [],
};
const thousands: Partial<Record<Unit, number>> = { kWh: 3, kvarh: 3 };

/**
 * The record of a register that shows `value` (millionths of its unit), cut down to what the record can say; null is "no data
 * available". Counters go as 12 digits of BCD, all else as 32 bits.
 * @throws RangeError when no VIF names the quantity in this unit, or the value does not fit
 */
export function buildRecord({ match, unit, scale }: BuiltRegister, value: bigint | null): Uint8Array {
  const { vif, exponent } = valueInformation(match, unit);
  const factor = 10n ** BigInt(exponent - (thousands[unit] ?? 0) + MICRO_SCALE);
  const scaled = ((value ?? 0n) * 10n ** BigInt(SCALE_DIGITS)) / parseDecimal(scale, SCALE_DIGITS);
  const number = scaled / factor;
  const asDigits = (unit === 'kWh' || unit === 'kvarh' || unit === 'm3') && number >= 0n;
  const field = value === null ? NO_DATA : asDigits ? BCD_12 : INT_32;
  const vifes = value === null ? [...vif, NO_DATA_AVAILABLE] : vif;
  return Uint8Array.of(
    ...dataInformation(match, field),
    ...vifes.map((byte, at) => (at < vifes.length - 1 ? byte | EXTENSION : byte)),
    ...(value === null ? [] : asDigits ? digits(number) : integer(number)),
  );
}

/** @param secondary 16 hex digits; see `address.ts` */
export function buildHeader(
  secondary: string,
  { accessNumber, status = 0 }: { accessNumber: number; status?: number },
): Uint8Array {
  return Uint8Array.of(...secondaryBytes(secondary), accessNumber & 0xff, status, 0, 0);
}

function dataInformation({ storage, tariff, subunit, function: of }: MbusMatch, field: number): number[] {
  const bytes = [field | (MBUS_FUNCTIONS.indexOf(of) << 4) | ((storage & 1) << 6)];
  for (
    let [s, t, u] = [Math.floor(storage / 2), tariff, subunit];
    s > 0 || t > 0 || u > 0;
    s = Math.floor(s / 16), t >>= 2, u >>= 1
  )
    bytes.push((s % 16) | ((t & 3) << 4) | ((u & 1) << 6));
  return bytes.map((byte, at) => (at < bytes.length - 1 ? byte | EXTENSION : byte));
}

function valueInformation({ quantity, vife }: MbusMatch, unit: Unit): { vif: number[]; exponent: number } {
  const further = [...bytesFromDigits(vife).reverse()];
  // Numbers of these are the register's unit divided by its scale.
  const own = thousands[unit] ?? 0;
  if (quantity === 'manufacturer') return { vif: [MANUFACTURER, ...further], exponent: own };
  if (quantity === 'text') throw new RangeError('a simulated meter names no quantity in words');
  if (quantity === 'dimensionless') return { vif: [0x7d | EXTENSION, 0x3a, ...further], exponent: own };
  for (const [counted, exponent] of usual[unit]) {
    const vif = vifBytes({ quantity, unit: counted, exponent });
    if (vif !== null) return { vif: [...vif, ...further], exponent };
  }
  throw new RangeError(`no VIF for ${quantity} in ${unit}`);
}

function digits(number: bigint): Uint8Array {
  const text = number.toString().padStart(BCD_DIGITS, '0');
  if (text.length > BCD_DIGITS) throw new RangeError(`${number} has more than ${BCD_DIGITS} digits`);
  return bytesFromDigits(text);
}

function integer(number: bigint): Uint8Array {
  if (BigInt.asIntN(32, number) !== number) throw new RangeError(`${number} does not fit 32 bits`);
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, +number.toString(), true);
  return bytes;
}
