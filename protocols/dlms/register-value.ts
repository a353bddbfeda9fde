/**
 * The value of a register in millionths of our unit: what the attribute holds, times ten to the power of its scaler, in the
 * unit that the meter names (IEC 62056-62, scaler_unit).
 */
import { type Decoded, registerDecoder } from '../modbus/registers.ts';
import { MICRO_SCALE, type Unit } from '../units.ts';
import { type CosemData, isInteger } from './data.ts';

/** Units of COSEM as ours, and the power of ten between them. */
const units: Record<number, { unit: Unit; power: number }> = {
  9: { unit: 'degC', power: 0 },
  13: { unit: 'm3', power: 0 },
  15: { unit: 'm3/h', power: 0 },
  27: { unit: 'W', power: 0 },
  28: { unit: 'VA', power: 0 },
  29: { unit: 'var', power: 0 },
  30: { unit: 'kWh', power: -3 },
  32: { unit: 'kvarh', power: -3 },
  33: { unit: 'A', power: 0 },
  35: { unit: 'V', power: 0 },
  44: { unit: 'Hz', power: 0 },
  255: { unit: '1', power: 0 },
};

/** What a value is counted in; `unit` null: none of ours. */
export interface Scale {
  unit: Unit | null;
  power: number;
}

/** No meter scales by more; a wider one is no scaler. */
const MAX_POWER = 9;

/** The scaler_unit of a register, or null for what is none. */
export function parseScale(data: CosemData): Scale | null {
  if (data.type !== 'structure' || data.items.length !== 2) return null;
  const [scaler, code] = data.items;
  if (scaler === undefined || scaler.type !== 'i8' || code?.type !== 'enum') return null;
  const scale = BigInt.asIntN(8, scaler.value);
  if (scale > MAX_POWER || scale < -MAX_POWER) return null;
  const known = units[code.value];
  return { unit: known?.unit ?? null, power: parseInt(scale.toString(), 10) + (known?.power ?? 0) };
}

/** The scale of an object that has none: its value is a count of `unit`. */
export const unscaled = (unit: Unit): Scale => ({ unit, power: 0 });

/** @param unit what the register is expected in */
export function decodeValue(data: CosemData, scale: Scale, unit: Unit): Decoded {
  if (data.type === 'null') return { value: null, code: 'not_available' };
  if (scale.unit !== unit) return { value: null, code: 'unknown_unit' };
  if (data.type === 'f32' || data.type === 'f64')
    return registerDecoder({ type: data.type, order: 'ABCD', scale: powerOfTen(scale.power) })(data.bytes, 0);
  if (!isInteger(data)) return { value: null, code: 'out_of_range' };
  if (isSentinel(data)) return { value: null, code: 'not_available' };
  const power = scale.power + MICRO_SCALE;
  if (power >= 0) return { value: data.value * 10n ** BigInt(power) };
  const divisor = 10n ** BigInt(-power);
  return data.value % divisor === 0n
    ? { value: data.value / divisor }
    : { value: null, code: 'out_of_range' };
}

const powerOfTen = (power: number): string =>
  power >= 0 ? `1${'0'.repeat(power)}` : `0.${'0'.repeat(-power - 1)}1`;

/** What makers fill a counter with that has no value; a short integer may well be full. */
const sentinels: Partial<Record<CosemData['type'], bigint[]>> = {
  u32: [0xffff_ffffn],
  i32: [0x7fff_ffffn, -0x8000_0000n],
  u64: [0xffff_ffff_ffff_ffffn],
  i64: [0x7fff_ffff_ffff_ffffn, -0x8000_0000_0000_0000n],
};

const isSentinel = ({ type, value }: CosemData & { value: bigint }): boolean =>
  sentinels[type]?.includes(value) ?? false;
