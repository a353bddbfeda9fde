/**
 * A tariff as a document of its own: versioned, effective-dated, its components in the order in which they are worked out. Rates
 * are exact decimals of up to twelve digits and are never rounded; each component says how its amount is.
 */
import { z } from 'zod';
import { Decimal } from './decimal.ts';
import { TouCalendar } from './park.ts';
import { DateText, Id } from './reading.ts';
import { RoundingMode } from './rounding-mode.ts';
import { Utility } from './units.ts';

/** Amounts are whole multiples of `step`: `0.01`, or `10` where a bill drops its last digit. */
export const TariffRounding = z.strictObject({ mode: RoundingMode, step: Decimal });
export type TariffRounding = z.infer<typeof TariffRounding>;

/** A band up to and including `upTo`; null is without end. `from`, where a table gives it, has to be the bound below. */
export const TariffTier = z.strictObject({
  from: Decimal.optional(),
  upTo: Decimal.nullable(),
  unit: Decimal,
  flat: Decimal.optional(),
});
export type TariffTier = z.infer<typeof TariffTier>;

/**
 * By what the bounds of tiers are multiplied: months or days of the bill, days over thirty, households, or the kW (or kVA) that
 * are billed: blocks of kWh per kW.
 */
export const BoundScale = z.enum(['months', 'days', 'days/30', 'households', 'kw']);
export type BoundScale = z.infer<typeof BoundScale>;
const Tiers = { mode: z.enum(['graduated', 'volume']), tiers: z.array(TariffTier).min(1) };
const Scale = z.array(BoundScale).optional();

/** Ids of components that stand before it. */
const Before = z.array(Id).min(1);
const common = {
  id: Id,
  name: z.string().min(1).max(120),
  rounding: TariffRounding,
  /** `0.13` for 13 %, rounded as the component is unless told otherwise. */
  taxRate: Decimal,
  taxRounding: TariffRounding.optional(),
};

export const TariffComponent = z.discriminatedUnion('kind', [
  /**
   * By quantity, of one TOU period or of all. `cumulative` counts from the first of the year: f(after) - f(before).
   * `partRounding` rounds what each tier takes.
   */
  z.strictObject({
    ...common,
    kind: z.literal('energy'),
    touPeriod: Id.nullable(),
    ...Tiers,
    scale: Scale,
    cumulative: z.boolean().optional(),
    partRounding: TariffRounding.optional(),
  }),
  /**
   * By the highest mean power of a TOU period or of all, by what was contracted, or by the capacity of the transformers (kVA).
   * `excess` charges what lies above `from` x contract so many times. `atLeast` is the part of contract or capacity that is
   * charged in any case.
   */
  z.strictObject({
    ...common,
    kind: z.literal('demand'),
    of: z.enum(['actual', 'contract', 'capacity']),
    touPeriod: Id.nullable(),
    ...Tiers,
    excess: z.strictObject({ from: Decimal, times: Decimal }).optional(),
    atLeast: z.strictObject({ of: z.enum(['contract', 'capacity']), share: Decimal }).optional(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('fixed'),
    amount: Decimal,
    per: z.enum(['bill', 'month', 'day', 'household']),
  }),
  /** A fee by the band in which the whole quantity ends. */
  z.strictObject({
    ...common,
    kind: z.literal('band_fee'),
    scale: Scale,
    bands: z.array(z.strictObject({ upTo: Decimal.nullable(), fee: Decimal })).min(1),
  }),
  z.strictObject({ ...common, kind: z.literal('percent'), of: Before, percent: Decimal }),
  /**
   * Percent on other components by cos phi over the month, rounded to `decimals` first: of the first row that it reaches. Rows
   * fall; below the last one each further `step` adds `percent`.
   */
  z.strictObject({
    ...common,
    kind: z.literal('power_factor'),
    of: Before,
    decimals: z.int().min(1).max(4),
    table: z.array(z.strictObject({ atLeast: Decimal, percent: Decimal })).min(1),
    below: z.strictObject({ step: Decimal, percent: Decimal }).optional(),
  }),
  /** Brings other components up to an amount. */
  z.strictObject({ ...common, kind: z.literal('minimum'), of: Before, amount: Decimal }),
  /** Rounds the sum of other components, taxes included; the line is the difference. */
  z.strictObject({ ...common, kind: z.literal('rounding'), of: Before }),
]);
export type TariffComponent = z.infer<typeof TariffComponent>;

export const TariffDocument = z.strictObject({
  format: z.literal('meterline-tariff/1'),
  id: Id,
  version: z.int().positive(),
  name: z.string().min(1).max(120),
  utility: Utility,
  currency: z.string().regex(/^[A-Z]{3}$/),
  /** Regulation, clause, date: where the figures are from. */
  source: z.string().min(1),
  from: DateText,
  to: DateText.nullable(),
  calendar: TouCalendar.nullable(),
  components: z.array(TariffComponent).min(1),
});
export type TariffDocument = z.infer<typeof TariffDocument>;

/** What is billed by a tariff. Quantities in kWh or m3, power in kW, capacity in kVA. */
export const TariffUsage = z.strictObject({
  /** The days of the bill, `[from, to)`, site-local. */
  from: DateText,
  to: DateText,
  /** By TOU period; null where the tariff has no calendar. */
  quantities: z.array(z.strictObject({ touPeriod: Id.nullable(), quantity: Decimal })),
  /** The highest mean power of each TOU period; null where there is none. */
  demand: z.array(z.strictObject({ touPeriod: Id.nullable(), kw: Decimal })).optional(),
  contractKw: Decimal.optional(),
  capacityKva: Decimal.optional(),
  /** kvarh over the bill. */
  reactive: Decimal.optional(),
  /** 1 unless told otherwise. */
  months: Decimal.optional(),
  households: Decimal.optional(),
  /** Quantity from the first of the year up to `from`. */
  usedThisYear: Decimal.optional(),
});
export type TariffUsage = z.infer<typeof TariffUsage>;

/** The JSON Schema of a tariff's file, for editors and importers. */
export const tariffJsonSchema = (): object => ({
  title: 'A tariff of Meterline',
  ...z.toJSONSchema(TariffDocument, { io: 'input' }),
});
