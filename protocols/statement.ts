/**
 * A statement: what one lease owes for one billing period, with everything needed to recompute it offline. The file is
 * canonical JSON (RFC 8785), so that one byte of difference is a difference. Each part has its own digest, and the
 * signature covers the digests: a changed byte is pinned to the part, and in the lines to the line.
 */
import { z } from 'zod';
import { Decimal } from './decimal.ts';
import { Obis } from './obis.ts';
import { DateText, Id, InstantText } from './reading.ts';
import { RoundingMode } from './rounding-mode.ts';
import { Unit, Utility } from './units.ts';

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * The opening and closing register of a meter over the span in which the lease held it, or, for a meter of a shared pool,
 * over the whole period.
 */
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
  /** `quantity` by TOU period; empty where the utility has no time of use. */
  periods: z.array(z.strictObject({ touPeriod: Id, quantity: Decimal })),
  /** What of `quantity` was estimated. */
  estimated: Decimal,
  /**
   * What stands between the two readings, in time order. `estimated`: no reading was taken at that end of the span;
   * `frozen`: the meter kept it itself and gave it after an outage.
   */
  events: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('rollover'), at: InstantText, modulus: Decimal }),
      z.strictObject({
        kind: z.literal('exchange'),
        at: InstantText,
        finalOld: Decimal,
        initialNew: Decimal,
        newSerial: z.string(),
        newMultiplier: Decimal,
      }),
      z.strictObject({ kind: z.literal('estimated'), at: InstantText }),
      z.strictObject({ kind: z.literal('frozen'), at: InstantText }),
    ]),
  ),
});
export type RegisterSpan = z.infer<typeof RegisterSpan>;

/** An exact number: `"29/30"`, or `"2"`. */
export const Fraction = z
  .string()
  .max(900)
  .regex(/^-?\d+(\/\d+)?$/, 'not a fraction such as "29/30"');

const NamedValue = z.strictObject({ name: z.string(), value: Fraction });
/** A formula, the values that its names stood for, and what came out: enough to work it out again. */
export const WorkedFormula = z.strictObject({
  text: z.string(),
  inputs: z.array(NamedValue),
  days: z.array(z.strictObject({ date: DateText, values: z.array(NamedValue) })),
  value: Fraction,
});
export type WorkedFormula = z.infer<typeof WorkedFormula>;

/**
 * One pool on the way of a shared quantity. share = weight / totalWeight x factor, and no more than cap / of. Of the method
 * `quantity` the weight is the quantity that the formula gives, and the total what the pool holds, in the line's unit.
 */
export const PoolHop = z.strictObject({
  pool: Id,
  poolName: z.string(),
  rule: Id,
  version: z.int().positive(),
  ruleText: z.string(),
  method: z.enum(['weights', 'quantity', 'fixed_key', 'exclusive']),
  weight: WorkedFormula,
  totalWeight: Fraction,
  factor: WorkedFormula.extend({ most: Fraction.nullable() }).nullable(),
  cap: WorkedFormula.extend({ of: Fraction }).nullable(),
  share: Fraction,
});
export type PoolHop = z.infer<typeof PoolHop>;

/**
 * What was counted at the beginning of a way through pools, in one part of the period. `quantity` is of the line's TOU period.
 * A `difference` is what a branch counted beyond the meters below it, over the whole period; the part is given its days' share.
 */
export const PoolStream = z.strictObject({
  from: InstantText,
  to: InstantText,
  meters: z.array(Id),
  difference: z.strictObject({ above: Decimal, below: Decimal }).nullable(),
  quantity: Decimal,
  path: z.array(PoolHop).min(1),
});
export type PoolStream = z.infer<typeof PoolStream>;

/**
 * One priced line. `basis` replays the quantity: `own` is what the named meters counted while the lease held them; `pool` is
 * weight / totalWeight of what the pool's meters counted over the period; `rule` is the sum over its streams of quantity x the
 * shares on the way. `quantity` is printed to the millionth; amounts
 * follow from the exact one. `pricing` replays the amount: `share` is the lease's exact share of a source bill component, weight
 * over total weight, rounded once by largest remainder over all leaves (so at most one minor unit from the exact share);
 * `tiers` prices the lease's lines of one component together, and rounds and splits net and tax once each.
 */
export const StatementLine = z.strictObject({
  id: z.string(),
  utility: Utility,
  component: Id,
  name: z.string(),
  /** The TOU period whose consumption this line prices; null is all of it. */
  touPeriod: Id.nullable(),
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
    z.strictObject({ kind: z.literal('rule'), streams: z.array(PoolStream).min(1), meters: z.array(Id) }),
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
      /** Days held over days of the period, such as "17/30": the bounds below are multiplied by it. */
      boundMultiplier: z.string(),
      tiers: z.array(z.strictObject({ upTo: Decimal.nullable(), unit: Decimal, flat: Decimal })),
      /** Graduated and half up where it is not said. */
      mode: z.enum(['graduated', 'volume']).optional(),
      rounding: RoundingMode.optional(),
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

const Amounts = z.strictObject({ quantity: Decimal, net: Decimal, tax: Decimal });

/** What a statement carries beside its lines: late data of an earlier period, as the difference to what was charged, or a credit. */
export const CarriedCharge = z.strictObject({
  kind: z.enum(['adjustment', 'credit']),
  /** Of the posted charge. */
  key: z.string(),
  /** Key of the charge that it corrects; null where there was none. */
  corrects: z.string().nullable(),
  utility: Utility,
  component: Id,
  name: z.string(),
  pool: z.string(),
  poolName: z.string(),
  unit: Unit,
  /** The period in which it was consumed. */
  servicePeriod: z.string(),
  /** Of an adjustment: charged so far and due now; null of a credit. */
  before: Amounts.nullable(),
  after: Amounts.nullable(),
  reason: z.string(),
  net: Decimal,
  tax: Decimal,
  gross: Decimal,
});
export type CarriedCharge = z.infer<typeof CarriedCharge>;

/** Of a statement that takes the place of an earlier one: which, why, and every line that differs. */
export const StatementCorrection = z.strictObject({
  statement: Id,
  digest: Sha256,
  cause: z.string(),
  gross: Decimal,
  lines: z.array(
    z.strictObject({
      utility: Utility,
      component: Id,
      pool: z.string(),
      before: Amounts,
      after: Amounts,
    }),
  ),
});
export type StatementCorrection = z.infer<typeof StatementCorrection>;

/**
 * The place of a statement among all that the issuer ever issued. `head` is the running hash before it: 64 zeros before the first,
 * then the SHA-256 of the hash so far and the digest of the next statement, as text. So the digests alone prove that one statement
 * was issued on top of another, and show nobody's figures. `own`: the lease's last statements, the newest first.
 */
export const StatementChain = z.strictObject({
  position: z.int().nonnegative(),
  head: Sha256,
  own: z.array(z.strictObject({ statement: Id, digest: Sha256 })).max(24),
});
export type StatementChain = z.infer<typeof StatementChain>;

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
  /** Absent from statements of earlier builds. */
  chain: StatementChain.optional(),
  /** From the first correction on: 1, 2, ... */
  revision: z.int().positive().optional(),
  corrects: StatementCorrection.optional(),
  /** Part of the total, beside the lines. */
  carried: z.array(CarriedCharge).optional(),
});
export type StatementHead = z.infer<typeof StatementHead>;

/** Digest of the canonical bytes of a part. With its length, a damaged part is found even when the file is no JSON any more. */
export const PartDigest = z.strictObject({ id: z.string(), length: z.int().positive(), sha256: Sha256 });
export type PartDigest = z.infer<typeof PartDigest>;

export const Statement = z.strictObject({
  head: StatementHead,
  lines: z.array(StatementLine),
  registers: z.array(RegisterSpan),
  digests: z.strictObject({ head: PartDigest, lines: z.array(PartDigest), registers: z.array(PartDigest) }),
  signature: z.strictObject({
    algorithm: z.literal('Ed25519'),
    /** First 16 hex digits of the SHA-256 of the raw public key. */
    keyId: z.string().regex(/^[0-9a-f]{16}$/),
    /** Raw 32 bytes, base64. */
    publicKey: z.string(),
    /** Over the canonical bytes of `digests`, base64. */
    value: z.string(),
  }),
});
export type Statement = z.infer<typeof Statement>;
