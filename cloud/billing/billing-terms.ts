/** By which bill and tariff a utility is billed in a period, and whether the two can be billed at all. */

import { canonicalJson } from '../../protocols/canonical-json.ts';
import { parseDecimal } from '../../protocols/decimal.ts';
import type {
  Park,
  ParkMeter,
  SourceBill,
  SourceBillLine,
  Tariff,
  TouCalendar,
} from '../../protocols/park.ts';
import { MICRO_SCALE, MINOR_SCALE, type Utility } from '../../protocols/units.ts';
import { type BillingPeriod, clip } from './billing-period.ts';
import { RESERVED_POOLS } from './leaf.ts';
import type { TieredTariff } from './tiered-charges.ts';
import { checkCalendar, touPeriods } from './tou-calendar.ts';
import { type TouSegment, touSegments } from './tou-segments.ts';

export interface BillingTerms {
  utility: Utility;
  bill: SourceBill;
  /** All meters of the utility, by id. */
  meters: ParkMeter[];
  tariff: { kind: 'pass_through'; id: string } | { kind: 'tiered'; tariffs: TieredTariff[] };
  /** The period, each date cut into the TOU periods of the calendar that is in force on it. */
  segments: TouSegment[];
}

/** A calendar and the dates on which it is in force; null where the utility has no time of use. */
interface CalendarSpan {
  from: string;
  to: string;
  calendar: TouCalendar | null;
}
interface InForce {
  tariff: BillingTerms['tariff'];
  calendars: CalendarSpan[];
}

export type TermsResult =
  | { ok: true; terms: BillingTerms[] }
  | { ok: false; code: 'source_bill_missing' | 'tariff_refused'; detail: string };

export const tariffId = ({ id, version }: { id: string; version: number }): string => `${id} v${version}`;

/** The terms of every utility that has a tariff or a bill in the period, by utility. */
export function billingTerms(park: Park, period: BillingPeriod): TermsResult {
  const terms: BillingTerms[] = [];
  for (const utility of ['electricity', 'water'] as const) {
    const tariffs = park.tariffs.filter((one) => one.utility === utility && clip(one, period) !== null);
    const bills = park.sourceBills.filter((one) => one.utility === utility && one.period === period.id);
    const [bill] = bills;
    if (bill === undefined) {
      if (tariffs.length === 0) continue;
      return refuse('source_bill_missing', `there is no ${utility} bill for ${period.id}`);
    }
    if (bills.length > 1) return refuse('tariff_refused', `${period.id} has two ${utility} bills`);
    const meters = park.meters
      .filter((meter) => meter.utility === utility)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const inForce = tariffInForce(tariffs, period);
    if (typeof inForce === 'string') return refuse('tariff_refused', `${utility}: ${inForce}`);
    const problem = checkTree(meters, bill) ?? checkBill(bill) ?? checkTerms(park, bill, inForce);
    if (problem !== null) return refuse('tariff_refused', `${utility}: ${problem}`);
    const { timeZone } = period;
    const segments = inForce.calendars.flatMap(({ calendar, from, to }) =>
      touSegments(calendar, { from, to, timeZone }),
    );
    terms.push({ utility, bill, meters, tariff: inForce.tariff, segments });
  }
  const reserved = park.pools.find(({ id }) => RESERVED_POOLS.includes(id));
  if (reserved !== undefined) return refuse('tariff_refused', `a pool may not be called "${reserved.id}"`);
  if (terms.length === 0) return refuse('source_bill_missing', `there is no bill for ${period.id}`);
  return { ok: true, terms };
}

const refuse = (code: 'source_bill_missing' | 'tariff_refused', detail: string) =>
  ({ ok: false, code, detail }) as const;

function tariffInForce(tariffs: readonly Tariff[], period: BillingPeriod): InForce | string {
  const [first] = tariffs;
  if (first === undefined) return `no tariff is in force in ${period.id}`;
  const passed = tariffs.filter((one) => one.kind === 'pass_through');
  if (passed.length === tariffs.length) return passThroughInForce(passed, period);
  const tiered = tariffs
    .filter((one) => one.kind === 'tiered')
    .sort((a, b) => (a.component < b.component ? -1 : 1));
  if (tiered.length < tariffs.length) return 'more than one tariff is in force';
  // Tiers count over the whole period, so that a price that changes within it would not say whose quantity it prices.
  const partial = tiered.find(
    (one) => clip(one, period)?.from !== period.from || clip(one, period)?.to !== period.to,
  );
  if (partial !== undefined) return `tariff ${tariffId(partial)} changes within ${period.id}`;
  const twice = tiered.find(({ component }, i) => tiered[i + 1]?.component === component);
  if (twice !== undefined) return `two tariffs for ${twice.component}`;
  const calendars = tiered.flatMap(({ calendar }) => calendar ?? []);
  const [calendar = null] = calendars;
  const other = calendars.find((one) => canonicalJson(one) !== canonicalJson(calendar ?? one));
  if (other !== undefined) return 'its components have different calendars';
  return {
    tariff: { kind: 'tiered', tariffs: tiered },
    calendars: [{ from: period.from, to: period.to, calendar }],
  };
}

/** Versions of a pass-through tariff follow one another within the period: each date has the calendar of its own. */
function passThroughInForce(
  tariffs: readonly Extract<Tariff, { kind: 'pass_through' }>[],
  period: BillingPeriod,
): InForce | string {
  const sorted = [...tariffs].sort((a, b) => (a.from < b.from ? -1 : 1));
  const calendars = sorted.flatMap(({ calendar, ...one }) => {
    const span = clip(one, period);
    return span === null ? [] : [{ ...span, calendar }];
  });
  let at = period.from;
  for (const { from, to } of calendars) {
    if (from < at) return `more than one tariff is in force on ${from}`;
    if (from > at) return `no tariff is in force from ${at} to ${from}`;
    at = to;
  }
  if (at < period.to) return `no tariff is in force from ${at}`;
  return { tariff: { kind: 'pass_through', id: sorted.map(tariffId).join(', ') }, calendars };
}

/** The supplier's meter is the root of every meter of the utility. */
function checkTree(meters: readonly ParkMeter[], bill: SourceBill): string | null {
  const stray = meters.find(({ id, parent }) => (id === bill.meter ? parent !== null : parent === null));
  return stray === undefined
    ? null
    : `meter ${stray.id} does not lie below ${bill.meter}, the meter of ${bill.id}`;
}

function checkBill({ id, lines, quantity }: SourceBill): string | null {
  const components = lines.map(({ component }) => component);
  const twice = components.find((component, i) => components.indexOf(component) !== i);
  if (twice !== undefined) return `${id} bills ${twice} twice`;
  const fine = lines.find(({ net, tax }) => !fits(net, MINOR_SCALE) || !fits(tax, MINOR_SCALE));
  if (fine !== undefined) return `${id} bills ${fine.component} in fractions of the minor unit`;
  const quantities = [quantity, ...lines.map((line) => line.quantity ?? '0')];
  return quantities.every((text) => fits(text, MICRO_SCALE))
    ? null
    : `${id} has a quantity of more than 6 decimals`;
}

function fits(text: string, scale: number): boolean {
  try {
    parseDecimal(text, scale);
    return true;
  } catch {
    return false;
  }
}

function checkTerms(park: Park, { id, lines }: SourceBill, { tariff, calendars }: InForce): string | null {
  const priced = lines.filter(
    (line): line is SourceBillLine & { touPeriod: string } => line.touPeriod !== null,
  );
  if (tariff.kind === 'tiered') {
    const unknown = priced.find(() => calendars.every(({ calendar }) => calendar === null));
    if (unknown !== undefined)
      return `${id} bills ${unknown.component} by time of use, which tiers do not know`;
    const uncounted = priced.find(({ quantity }) => quantity === null);
    if (uncounted !== undefined) return `${id} bills ${uncounted.component} without its quantity`;
    const lost = tariff.tariffs.find(({ component }) => !lines.some((line) => line.component === component));
    if (lost !== undefined)
      return `${id} has no component ${lost.component}, which tariff ${tariffId(lost)} prices`;
  }
  for (const { calendar, from, to } of calendars) {
    if (calendar === null) continue;
    if (calendar.timeZone !== park.timeZone)
      return `the calendar runs on ${calendar.timeZone}, the park on ${park.timeZone}`;
    const [problem] = checkCalendar(calendar, from, to);
    if (problem !== undefined) return problem;
  }
  const known = calendars.flatMap(({ calendar }) => (calendar === null ? [] : touPeriods(calendar)));
  const foreign = priced.find(({ touPeriod }) => !known.includes(touPeriod));
  return foreign === undefined
    ? null
    : `${id} bills ${foreign.component} for "${foreign.touPeriod}", which is not in the calendar`;
}
