/**
 * The fields of a CJ/T 188 answer. A quantity is BCD with a byte behind it that names its unit: what names no unit that
 * we know for the quantity is no value, for a factor of a thousand may hang on it. A state is some bits of a byte; a byte of
 * all ones is what a meter fills in that has no state to tell, not a broken valve with an empty battery.
 */
import { z } from 'zod';
import { BcdFormat, bcdBytes, decodeBcd, encodeBcd } from '../bcd.ts';
import type { Decoded } from '../modbus/registers.ts';
import { MICRO_SCALE, type Unit } from '../units.ts';

/** Where a field begins, counted from the byte behind the serial number. */
const at = z.int().min(0).max(96);

/** A number, with a byte behind it that names its unit, or in the register's unit as it is. */
export const Cjt188Quantity = z.strictObject({
  at,
  ...BcdFormat.omit({ scale: true }).shape,
  unitByte: z.boolean().default(false),
});
/** Some bits of one byte; bit 0 is the lowest. */
export const Cjt188State = z.strictObject({
  at,
  bits: z.strictObject({ from: z.int().min(0).max(7), count: z.int().min(1).max(8) }),
});
export const Cjt188Field = z.union([Cjt188Quantity, Cjt188State]);
export type Cjt188Field = z.infer<typeof Cjt188Field>;

/** The standard's codes for the units that we keep, the usual one first, and what one of each is worth. */
const unitCodes: ReadonlyMap<number, { unit: Unit; scale: string }> = new Map([
  [0x2c, { unit: 'm3', scale: '1' }],
  [0x29, { unit: 'm3', scale: '0.001' }],
  [0x05, { unit: 'kWh', scale: '1' }],
  [0x08, { unit: 'kWh', scale: '1000' }],
  [0x17, { unit: 'W', scale: '1000' }],
  [0x35, { unit: 'm3/h', scale: '1' }],
  [0x32, { unit: 'm3/h', scale: '0.001' }],
]);

const NO_STATE = 0xff;

export function fieldBytes(field: Cjt188Field): number {
  return 'bits' in field ? 1 : bcdBytes({ ...field, scale: '1' }) + (field.unitByte ? 1 : 0);
}

/** @param bytes those of the field alone, its unit byte included */
export function decodeField(field: Cjt188Field, unit: Unit, bytes: Uint8Array): Decoded {
  if ('bits' in field) {
    const { from, count } = field.bits;
    const byte = bytes[0] ?? NO_STATE;
    if (byte === NO_STATE) return { value: null, code: 'not_available' };
    return { value: BigInt((byte >>> from) & (2 ** count - 1)) * 10n ** BigInt(MICRO_SCALE) };
  }
  if (!field.unitByte) return decodeBcd({ ...field, scale: '1' }, bytes);
  const named = unitCodes.get(bytes.at(-1) ?? 0);
  if (named?.unit !== unit) return { value: null, code: 'unknown_unit' };
  return decodeBcd({ ...field, scale: named.scale }, bytes.subarray(0, -1));
}

/**
 * The bytes that a meter would send; null is "no value", but of a state, whose byte others share, 0.
 * @throws RangeError when the value does not fit, or no code names the unit
 */
export function encodeField(field: Cjt188Field, unit: Unit, value: bigint | null): Uint8Array {
  if ('bits' in field) {
    const state = BigInt.asUintN(field.bits.count, (value ?? 0n) / 10n ** BigInt(MICRO_SCALE));
    return Uint8Array.of(+state.toString() << field.bits.from);
  }
  if (!field.unitByte) return encodeBcd({ ...field, scale: '1' }, value);
  const usual = [...unitCodes].find(([, named]) => named.unit === unit);
  if (usual === undefined) throw new RangeError(`no unit code for ${unit}`);
  const [code, { scale }] = usual;
  return Uint8Array.of(...encodeBcd({ ...field, scale }, value), code);
}
