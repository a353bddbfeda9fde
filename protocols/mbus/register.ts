/**
 * A register of a profile among the records of a meter: found by what the record says it is, never by its place. Two
 * records that say the same and show different values are none.
 */
import { z } from 'zod';
import { Decimal, parseDecimal } from '../decimal.ts';
import type { Decoded } from '../modbus/registers.ts';
import { MICRO_SCALE, type Unit } from '../units.ts';
import { MBUS_FUNCTIONS, type MbusRecord, type RecordName } from './records.ts';
import { MbusQuantity, type MbusUnit } from './vif.ts';

export const MbusMatch = z.strictObject({
  quantity: MbusQuantity.exclude(['unknown']),
  storage: z.int().min(0).default(0),
  tariff: z.int().min(0).default(0),
  subunit: z.int().min(0).default(0),
  function: z.enum(MBUS_FUNCTIONS).default('instantaneous'),
  /** Further VIFEs in hex, without extension bits: `7F01` is phase 1 of many makers. */
  vife: z
    .string()
    .regex(/^([0-7][0-9A-F])*$/, 'not VIFEs in hex without extension bits, such as "7F01"')
    .default(''),
});
export type MbusMatch = z.infer<typeof MbusMatch>;

export const MbusRegister = z.strictObject({
  match: MbusMatch,
  /** Of quantities that no standard scales (`manufacturer`, `text`, `dimensionless`): value = number x scale, in the register's unit. */
  scale: Decimal.default('1'),
});
type MatchedRegister = z.infer<typeof MbusRegister> & { unit: Unit };

const isMatch = (match: MbusMatch, record: RecordName): boolean =>
  record.quantity === match.quantity &&
  record.storage === match.storage &&
  record.tariff === match.tariff &&
  record.subunit === match.subunit &&
  record.function === match.function &&
  record.vife === match.vife;

/** The records of a register, and what they are worth; null when there is none, or when they contradict each other. */
export function readRegister(
  register: MatchedRegister,
  records: readonly MbusRecord[],
): { decoded: Decoded; bytes: Uint8Array } | null {
  const { match } = register;
  const named = records.filter((record) => isMatch(match, record));
  // In place of a value that it cannot measure a meter sends one that it calls an error.
  const failed = { ...match, function: 'error' as const };
  const [first, ...others] = named.length > 0 ? named : records.filter((record) => isMatch(failed, record));
  if (first === undefined) return null;
  if (named.length === 0) return { decoded: { value: null, code: 'not_available' }, bytes: first.bytes };
  const decoded = decodeRecord(register, first);
  const isSame = others.every((other) => decodeRecord(register, other).value === decoded.value);
  return isSame ? { decoded, bytes: first.bytes } : null;
}

/** Powers of ten by which a register's unit is larger than one that records are counted in; others are no unit of it. */
const unitExponents: Record<Unit, Partial<Record<MbusUnit, number>>> = {
  kWh: { Wh: 3 },
  // Many meters count reactive energy and power as active, in a subunit of its own.
  kvarh: { varh: 3, Wh: 3 },
  m3: { m3: 0 },
  W: { W: 0 },
  var: { var: 0, W: 0 },
  VA: { VA: 0, W: 0 },
  V: { V: 0 },
  A: { A: 0 },
  Hz: { Hz: 0 },
  '1': { '1': 0 },
  'm3/h': { 'm3/h': 0 },
  degC: { degC: 0 },
  '%': {},
  deg: {},
  'm/s': {},
  MPa: {},
};
const SCALE_DIGITS = 12;
/** A decimal on a wire has at most 30 digits before the point. */
const LIMIT = 10n ** BigInt(30 + MICRO_SCALE);
const MOST_DIGITS = 60;

function decodeRecord({ unit, scale, match }: MatchedRegister, record: MbusRecord): Decoded {
  const { value } = record;
  if (record.error !== null) return { value: null, code: 'not_available' };
  if (value.kind === 'none') return { value: null, code: value.code };
  const power = isScaledByProfile(match) ? 0 : unitExponents[unit][record.unit];
  if (power === undefined || value.kind !== 'number') return { value: null, code: 'unknown_unit' };
  const exponent = value.exponent - power + MICRO_SCALE - SCALE_DIGITS;
  return exact(value.mantissa * parseDecimal(scale, SCALE_DIGITS), exponent, record.isReal);
}

/** Whether the profile alone says what a number is worth. */
export const isScaledByProfile = ({ quantity }: Pick<MbusMatch, 'quantity'>): boolean =>
  quantity === 'manufacturer' || quantity === 'text' || quantity === 'dimensionless';

/** mantissa x 10^exponent as a whole number. What was a float is rounded, half away from zero. */
function exact(mantissa: bigint, exponent: number, isReal: boolean): Decoded {
  if (Math.abs(exponent) > MOST_DIGITS)
    return mantissa === 0n || (isReal && exponent < 0)
      ? { value: 0n }
      : { value: null, code: 'out_of_range' };
  const power = 10n ** BigInt(Math.abs(exponent));
  const half = isReal ? power / 2n : 0n;
  const value = exponent >= 0 ? mantissa * power : (mantissa + (mantissa < 0n ? -half : half)) / power;
  const isExact = exponent >= 0 || isReal || mantissa % power === 0n;
  const fits = value < LIMIT && value > -LIMIT;
  return isExact && fits ? { value } : { value: null, code: 'out_of_range' };
}
