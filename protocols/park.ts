/**
 * The park document: the master data of one park as one versioned, content-addressed document. Importing it is how
 * meters, tree, leases, tariffs and source bills come in; an edited park is a new document, the old one stays.
 * Every dated row is half-open, `[from, to)`, in site-local dates; `to: null` is open-ended.
 */
import { z } from 'zod';
import { Decimal } from './decimal.ts';
import { Obis } from './obis.ts';
import { DateText, Id, InstantText } from './reading.ts';
import { RoundingMode } from './rounding-mode.ts';
import { DayTemperature, LeaseValue, LeaseVariable, Ownership, SharingRule, SignedRule } from './sharing.ts';
import { Utility } from './units.ts';

const span = { from: DateText, to: DateText.nullable() };
const Name = z.string().min(1).max(120);

export const ParkUnit = z.strictObject({
  id: Id,
  name: Name,
  building: Id,
  floor: z.string().max(16),
  areaM2: Decimal,
  /** What the area was before it was measured or cut anew, each until its date. */
  formerAreas: z.array(z.strictObject({ to: DateText, areaM2: Decimal })).optional(),
});
export type ParkUnit = z.infer<typeof ParkUnit>;

/** A lease holds its units over `[from, to)`; days on which nobody holds a unit are the landlord's (vacancy). */
export const Lease = z.strictObject({
  id: Id,
  tenant: Name,
  units: z.array(Id).min(1),
  ...span,
  /** Negotiated rules that the tenant agreed to. */
  signed: z.array(SignedRule).optional(),
  /** Head count, rated power and whatever else rules of this park weigh by. */
  values: z.array(LeaseValue).optional(),
});
export type Lease = z.infer<typeof Lease>;

/** Whom a meter serves. A branch meter (building, floor) serves its children and is balanced against them. */
export const Serves = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('branch') }),
  z.strictObject({ kind: z.literal('unit'), unit: Id }),
  z.strictObject({ kind: z.literal('pool'), pool: Id }),
  z.strictObject({ kind: z.literal('landlord') }),
]);
export type Serves = z.infer<typeof Serves>;

export const ParkMeter = z.strictObject({
  id: Id,
  name: Name,
  serial: z.string().min(1).max(32),
  utility: Utility,
  /** The one billing register. */
  register: Obis,
  parent: Id.nullable(),
  /** Below which meter it lay before, each until its date. */
  formerParents: z.array(z.strictObject({ to: DateText, parent: Id })).optional(),
  building: Id.nullable(),
  floor: z.string().max(16).nullable(),
  room: z.string().max(40).nullable(),
  serves: Serves,
  /** PT x CT: register difference x multiplier = consumption. */
  multiplier: Decimal,
  /** Digits before the point: the register wraps at 10^digits of its unit. */
  digits: z.int().min(3).max(12),
  /** The most the meter can count in an hour, before the multiplier, in the register's unit. */
  maxPerHour: Decimal,
  /** Accuracy class in percent, for the tolerance of the tree balance. */
  accuracyPercent: Decimal,
  gateway: Id,
});
export type ParkMeter = z.infer<typeof ParkMeter>;

/** Device swap: the logical meter stays. Registers as on the two faces, `digits` and `multiplier` of the new device. */
export const MeterExchange = z.strictObject({
  meter: Id,
  at: InstantText,
  finalOld: Decimal,
  initialNew: Decimal,
  newSerial: z.string().min(1).max(32),
  newDigits: z.int().min(3).max(12),
  newMultiplier: Decimal,
});
export type MeterExchange = z.infer<typeof MeterExchange>;

/**
 * A shared quantity. Mandatory (必摊): every unit in scope takes part, vacant ones through the landlord. Negotiated (协商): the
 * leases that signed the version in force take part, and what the others would bear is the landlord's. Exclusive (独用): one
 * lease's alone. Shares follow the rule of this id among the park's `rules`; where there is none, area x days.
 */
export const Pool = z.strictObject({
  id: Id,
  name: Name,
  utility: Utility,
  sharing: z.enum(['mandatory', 'negotiated', 'exclusive', 'landlord']),
  /** The units that share it (mandatory, negotiated), or the one lease (exclusive). */
  scope: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('park') }),
    z.strictObject({ kind: z.literal('building'), building: Id }),
    z.strictObject({ kind: z.literal('lease'), lease: Id }),
    z.strictObject({ kind: z.literal('none') }),
  ]),
  rule: z.strictObject({ id: Id, version: z.int().positive(), text: Name }),
  /**
   * The pool holds what a branch meter counts beyond the meters below it. Should those count more than it, beyond the
   * tolerance, the run stops (`block`), or the pool is empty and the excess the landlord's to explain (`landlord`).
   */
  difference: z.strictObject({ meter: Id, negative: z.enum(['block', 'landlord']) }).optional(),
});
export type Pool = z.infer<typeof Pool>;

/** A clock window of a TOU calendar, half-open, site-local; `to: "24:00"` is midnight. */
const ClockTime = z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/);
export const TouWindow = z.strictObject({
  season: Name.optional(),
  weekdays: z.array(z.int().min(1).max(7)).min(1).optional(),
  from: ClockTime,
  to: ClockTime,
  /** On the calendar's holidays alone, or never on them; otherwise holidays are days like any other. */
  holidays: z.enum(['only', 'except']).optional(),
  period: Id,
});
export type TouWindow = z.infer<typeof TouWindow>;
export const TouCalendar = z.strictObject({
  timeZone: z.string(),
  seasons: z.array(
    z.strictObject({
      name: Name,
      from: z.string().regex(/^\d\d-\d\d$/),
      to: z.string().regex(/^\d\d-\d\d$/),
    }),
  ),
  otherSeason: Name,
  windows: z.array(TouWindow),
  /** The period of every instant that no window covers. */
  otherPeriod: Id,
  /** Public holidays. */
  holidays: z.array(DateText).optional(),
  /** Make-up days (调休): dates that count as another day of the week, mostly a Sunday that is worked as a Monday. */
  makeUpDays: z.array(z.strictObject({ date: DateText, as: z.int().min(1).max(7) })).optional(),
  /** Windows called out for single dates, such as extreme peak days: they come before all others. */
  triggered: z
    .array(z.strictObject({ dates: z.array(DateText).min(1), from: ClockTime, to: ClockTime, period: Id }))
    .optional(),
});
export type TouCalendar = z.infer<typeof TouCalendar>;

export const Tier = z.strictObject({ upTo: Decimal.nullable(), unit: Decimal, flat: Decimal });
export type Tier = z.infer<typeof Tier>;

/**
 * How tenants pay. `pass_through`: each component of the source bill is shared by consumption (of the component's TOU
 * period where it has one), unallocated loss included. `tiered`: graduated tiers per lease on its own and shared
 * quantity, bounds scaled by days held / days of the period; the rest of the source bill stays with the landlord. With a
 * calendar, a component that the bill names a TOU period for is priced by what was used in it: tiers inside time of use.
 */
export const Tariff = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('pass_through'),
    id: Id,
    version: z.int().positive(),
    utility: Utility,
    calendar: TouCalendar,
    ...span,
  }),
  z.strictObject({
    kind: z.literal('tiered'),
    id: Id,
    version: z.int().positive(),
    utility: Utility,
    component: Id,
    tiers: z.array(Tier).min(1),
    /** Graduated where it is not said. */
    mode: z.enum(['graduated', 'volume']).optional(),
    taxRate: Decimal,
    /** Of net and tax to the minor unit; `half_up` where it is not said. */
    rounding: RoundingMode.optional(),
    calendar: TouCalendar.optional(),
    ...span,
  }),
]);
export type Tariff = z.infer<typeof Tariff>;

/** One line of the supplier's bill. `touPeriod` names the TOU period whose kWh it prices; null = all of them. */
export const SourceBillLine = z.strictObject({
  component: Id,
  name: Name,
  touPeriod: Id.nullable(),
  quantity: Decimal.nullable(),
  net: Decimal,
  tax: Decimal,
});
export type SourceBillLine = z.infer<typeof SourceBillLine>;
/** The supplier's bill for a billing period, by component. `meter` is the supplier's meter: the root of the tree. */
export const SourceBill = z.strictObject({
  id: Id,
  utility: Utility,
  meter: Id,
  supplier: Name,
  period: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/),
  quantity: Decimal,
  lines: z.array(SourceBillLine).min(1),
});
export type SourceBill = z.infer<typeof SourceBill>;

export const Park = z.strictObject({
  id: Id,
  name: Name,
  issuer: Name,
  timeZone: z.string(),
  currency: z.literal('CNY'),
  buildings: z.array(z.strictObject({ id: Id, name: Name })),
  units: z.array(ParkUnit),
  leases: z.array(Lease),
  meters: z.array(ParkMeter),
  exchanges: z.array(MeterExchange),
  pools: z.array(Pool),
  tariffs: z.array(Tariff),
  sourceBills: z.array(SourceBill),
  rules: z.array(SharingRule).optional(),
  /** Variables of leases beyond those that every park has. */
  variables: z.array(LeaseVariable).optional(),
  /** Pools that serve one another pass on in this order; nothing flows back. */
  stepDown: z.array(Id).optional(),
  temperatures: z.array(DayTemperature).optional(),
  owners: z.array(Ownership).optional(),
});
export type Park = z.infer<typeof Park>;
