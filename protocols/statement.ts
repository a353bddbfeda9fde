/**
 * A statement: what one lease owes for one billing period, with everything needed to recompute it offline. The file is
 * canonical JSON (RFC 8785), so that one byte of difference is a difference. Each part has its own digest, and the
 * signature covers the digests: a changed byte is pinned to the part, and in the lines to the line.
 */
import { z } from 'zod';
import { Decimal } from './decimal.ts';
import { Obis } from './obis.ts';
import { DateText, Id, InstantText } from './reading.ts';
import { Unit, Utility } from './units.ts';

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** The opening and closing register of a meter over the span in which the lease held it. */
export const RegisterSpan = z.strictObject({
  meter: Id,
  name: z.string(),
  serial: z.string(),
  register: Obis,
  unit: Unit,
  multiplier: Decimal,
  from: InstantText,
  to: InstantText,
  opening: Decimal,
  closing: Decimal,
  /** Raw registers of the two readings as they came off the wire, where the meter was polled. */
  openingRaw: z.string().nullable(),
  closingRaw: z.string().nullable(),
  /** Consumption: differences x multiplier with rollover and exchanges taken in; `quantity` is their sum. */
  quantity: Decimal,
  /** What of `quantity` was estimated. */
  estimated: Decimal,
  events: z.array(
    z.strictObject({ kind: z.enum(['rollover', 'exchange']), at: InstantText, note: z.string() }),
  ),
});
export type RegisterSpan = z.infer<typeof RegisterSpan>;

/**
 * One priced line. `basis` replays the quantity: `own` is the lease's own meters; `pool` is weight / totalWeight of the
 * pool's quantity. `pricing` replays the amount: `share` is the lease's exact share of a source bill component, weight
 * over total weight, rounded once by largest remainder over all leaves (so at most one minor unit from the exact share);
 * `tiers` is the graduated tiers with the bounds that were applied.
 */
export const StatementLine = z.strictObject({
  id: z.string(),
  utility: Utility,
  component: Id,
  name: z.string(),
  pool: z.union([z.literal('own'), Id]),
  poolName: z.string(),
  quantity: Decimal,
  unit: Unit,
  basis: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('own'), meters: z.array(Id) }),
    z.strictObject({
      kind: z.literal('pool'),
      rule: z.string(),
      poolQuantity: Decimal,
      /** Area x days (m2 d). */
      weight: Decimal,
      totalWeight: Decimal,
      meters: z.array(Id),
    }),
  ]),
  pricing: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('share'),
      sourceBill: Id,
      sourceNet: Decimal,
      sourceTax: Decimal,
      /** Metered total (tenants and landlord) that the component was spread over; the supplier's quantity, with loss. */
      meteredQuantity: Decimal,
      billedQuantity: Decimal.nullable(),
      tariff: z.string(),
    }),
    z.strictObject({
      kind: z.literal('tiers'),
      tariff: z.string(),
      /** Bounds as applied to this lease, after scaling by days. */
      boundMultiplier: z.string(),
      tiers: z.array(z.strictObject({ upTo: Decimal.nullable(), unit: Decimal, flat: Decimal })),
      taxRate: Decimal,
      /** Lines of one tiered charge are priced together: their quantities add up to this. */
      totalQuantity: Decimal,
    }),
  ]),
  net: Decimal,
  tax: Decimal,
  gross: Decimal,
});
export type StatementLine = z.infer<typeof StatementLine>;

export const StatementHead = z.strictObject({
  format: z.literal('meterline-statement/1'),
  id: Id,
  issuer: z.string(),
  park: Id,
  parkName: z.string(),
  lease: Id,
  tenant: z.string(),
  period: z.string(),
  /** The part of the period in which the lease ran, `[from, to)`, site-local. */
  from: DateText,
  to: DateText,
  timeZone: z.string(),
  currency: z.literal('CNY'),
  net: Decimal,
  tax: Decimal,
  gross: Decimal,
  issuedAt: InstantText,
  /** Digest of the manifest of the billing run. */
  manifest: Sha256,
  /** Digest of the statement issued before this one by the same park; null for the first. */
  previous: Sha256.nullable(),
});
export type StatementHead = z.infer<typeof StatementHead>;

export const Statement = z.strictObject({
  head: StatementHead,
  lines: z.array(StatementLine),
  registers: z.array(RegisterSpan),
  digests: z.strictObject({ head: Sha256, lines: z.array(Sha256), registers: z.array(Sha256) }),
  signature: z.strictObject({
    algorithm: z.literal('Ed25519'),
    /** First 16 hex digits of the SHA-256 of the raw public key. */
    keyId: z.string().regex(/^[0-9a-f]{16}$/),
    publicKey: z.string(),
    value: z.string(),
  }),
});
export type Statement = z.infer<typeof Statement>;
