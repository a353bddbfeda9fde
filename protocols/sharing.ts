/**
 * How shared quantities are shared, as versioned data of the park document. A version is never edited: another one follows
 * it. Formulas are text in the operator's words, `面积 * 天数`; which names they may use stands in `cloud/billing/sharing/`.
 * Every dated row is half-open, `[from, to)`, in site-local dates.
 */
import { z } from 'zod';
import { Decimal } from './decimal.ts';
import { DateText, Id } from './reading.ts';

const span = { from: DateText, to: DateText.nullable() };
const FormulaText = z.string().min(1).max(1_000);
/** A name that a formula can use: a word of letters, digits and `_`. */
export const VariableName = z
  .string()
  .max(40)
  .regex(/^[\p{L}_][\p{L}\p{N}_]*$/u, 'not a name such as 人数 or persons');

/** What a rule computes for each participant. */
export const SharingMethod = z.discriminatedUnion('kind', [
  /**
   * Shares follow the weights. `factor` recovers only that part of the pool and leaves the rest with the landlord; above 1 it
   * is refused unless `factorCap` says where it ends.
   */
  z.strictObject({
    kind: z.literal('weights'),
    weight: FormulaText,
    factor: FormulaText.optional(),
    factorCap: Decimal.optional(),
  }),
  /** The formula is the quantity itself, in the pool's unit. More than the pool holds is refused. */
  z.strictObject({ kind: z.literal('quantity'), quantity: FormulaText }),
]);
export type SharingMethod = z.infer<typeof SharingMethod>;

/** One version of a rule. A pool names the rule; the version in force on a date decides that date. */
export const SharingRule = z.strictObject({
  id: Id,
  version: z.int().positive(),
  /** What a tenant reads. */
  text: z.string().min(1).max(120),
  ...span,
  method: SharingMethod,
  /** The most that one lease bears, in the pool's unit; what lies above stays with the landlord. */
  leaseCap: FormulaText.optional(),
  /** Names for figures of this rule, such as 基准温度. */
  constants: z
    .array(z.strictObject({ name: VariableName, unit: z.string().max(8), value: Decimal }))
    .optional(),
  /** Weights of the TOU periods, for the variable 分时加权用量; a period that is not named weighs 1. */
  touWeights: z.record(Id, Decimal).optional(),
  /**
   * The fixed key that is used instead where too much of what the participants consumed is estimated: `above` is the share of
   * it, by quantity or by the area of those concerned.
   */
  fallback: z
    .strictObject({ basis: z.enum(['quantity', 'area']), above: Decimal, weight: FormulaText })
    .optional(),
  /** Pools that take part beside the leases: what they are given is shared on by their own rules. */
  pools: z.array(z.strictObject({ pool: Id, weight: FormulaText })).optional(),
});
export type SharingRule = z.infer<typeof SharingRule>;

/** A quantity of a lease that formulas may name; `perDay` is counted for each day, such as hours of running. */
export const LeaseVariable = z.strictObject({
  names: z.array(VariableName).min(1),
  unit: z.string().max(8),
  perDay: z.boolean(),
});
export type LeaseVariable = z.infer<typeof LeaseVariable>;

/** The value of such a variable for one lease. */
export const LeaseValue = z.strictObject({ name: VariableName, value: Decimal, ...span });
export type LeaseValue = z.infer<typeof LeaseValue>;

/** The version of a negotiated rule that a lease agreed to. */
export const SignedRule = z.strictObject({ rule: Id, version: z.int().positive(), on: DateText });
export type SignedRule = z.infer<typeof SignedRule>;

/** Outdoor temperature of a day, in degrees Celsius. */
export const DayTemperature = z.strictObject({ date: DateText, maximum: Decimal, mean: Decimal.optional() });
export type DayTemperature = z.infer<typeof DayTemperature>;

/** Who bears the landlord's part of a building, or of all that lies in no building (`null`): shares as `"1/3"` that add up to 1. */
export const Ownership = z.strictObject({
  building: Id.nullable(),
  ...span,
  shares: z
    .array(z.strictObject({ owner: Id, name: z.string().min(1).max(120), share: z.string().max(70) }))
    .min(1),
});
export type Ownership = z.infer<typeof Ownership>;
