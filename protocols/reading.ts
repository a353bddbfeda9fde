/** A reading: the value of one register of one meter at one instant, as it crosses every wire. */
import { z } from 'zod';
import { Decimal } from './decimal.ts';
import { Obis } from './obis.ts';
import { Unit } from './units.ts';

/** Ids of gateways, meters, leases, pools: they stand in topics and addresses, so the alphabet is narrow. */
export const Id = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'not an id: letters, digits, _ . - (at most 64)');
export type Id = z.infer<typeof Id>;

/** RFC 3339 instant with `Z` or an offset, to the nanosecond: `Temporal` reads no finer one. */
export const InstantText = z.iso
  .datetime({ offset: true })
  .regex(/^[^.]+(\.\d{1,9}(Z|[+-].*))?$/, 'more than nine digits of a second');
/** A site-local calendar date, `2026-09-01`. */
export const DateText = z.iso.date();

/** Why a register gave no usable value. The reading is stored all the same: an absence is on record with its reason. */
export const ReadingCode = z.enum([
  'not_available', // the meter's own "no value" pattern (all-FF, 0x7FFF..., NaN)
  'illegal_digit', // BCD nibble above 9
  'out_of_range', // the value does not fit the unit's scale
  'unknown_unit', // the meter names a unit that is unknown, or not of this quantity
  'wrong_meter', // another meter answers at the address: `raw` keeps what it showed
  'clock_wrong', // the meter's own stamp is in the future, or before 2000: `raw` keeps what it sent
]);
export type ReadingCode = z.infer<typeof ReadingCode>;

/**
 * `value` is the register as the meter's face shows it (before PT x CT), in `unit`, at most 6 decimals; null with a
 * `code` when there is none. `raw` is the hex of the registers it was decoded from, so that a statement can be
 * replayed down to the wire; with `clock_wrong`, of the text of stamp and value. `sequence` is minted by the gateway
 * together with `epoch`: (gateway, epoch, sequence) is the idempotency key.
 */
export const Reading = z.strictObject({
  kind: z.literal('reading'),
  sequence: z.int().positive(),
  meter: Id,
  register: Obis,
  readAt: InstantText,
  value: Decimal.nullable(),
  unit: Unit,
  code: ReadingCode.optional(),
  raw: z
    .string()
    .regex(/^[0-9a-f]*$/)
    .max(512)
    .optional(),
  source: z.enum(['poll', 'push', 'frozen']),
});
export type Reading = z.infer<typeof Reading>;

/** An explicit hole: the gateway had to give up `count` accepted readings of the meter between two instants. */
export const GapMarker = z.strictObject({
  kind: z.literal('gap'),
  sequence: z.int().positive(),
  meter: Id,
  register: Obis,
  from: InstantText,
  to: InstantText,
  count: z.int().positive(),
  reason: z.enum(['buffer_full', 'buffer_age', 'corrupt', 'dead_letter']),
});
export type GapMarker = z.infer<typeof GapMarker>;
