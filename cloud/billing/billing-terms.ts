/** By which bill and tariff a utility is billed in a period, and whether the two can be billed at all. */

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

export interface BillingTerms {
  utility: Utility;
  bill: SourceBill;
  /** All meters of the utility, by id. */
  meters: ParkMeter[];
  tariff:
    | { kind: 'pass_through'; id: string; calendar: TouCalendar }
    | { kind: 'tiered'; tariffs: TieredTariff[] };
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
    const tariff = tariffInForce(tariffs, period);
    if (typeof tariff === 'string') return refuse('tariff_refused', `${utility}: ${tariff}`);
    const problem = checkTree(meters, bill) ?? checkBill(bill) ?? checkTerms(park, bill, tariff, period);
    if (problem !== null) return refuse('tariff_refused', `${utility}: ${problem}`);
    terms.push({ utility, bill, meters, tariff });
  }
  const reserved = park.pools.find(({ id }) => RESERVED_POOLS.includes(id));
  if (reserved !== undefined) return refuse('tariff_refused', `a pool may not be called "${reserved.id}"`);
  if (terms.length === 0) return refuse('source_bill_missing', `there is no bill for ${period.id}`);
  return { ok: true, terms };
}

const refuse = (code: 'source_bill_missing' | 'tariff_refused', detail: string) =>
  ({ ok: false, code, detail }) as const;

function tariffInForce(tariffs: readonly Tariff[], period: BillingPeriod): BillingTerms['tariff'] | string {
  const partial = tariffs.find(
    (one) => clip(one, period)?.from !== period.from || clip(one, period)?.to !== period.to,
  );
  if (partial !== undefined) return `tariff ${tariffId(partial)} changes within ${period.id}`;
  const [first] = tariffs;
  if (first === undefined) return `no tariff is in force in ${period.id}`;
  const tiered = tariffs
    .filter((one) => one.kind === 'tiered')
    .sort((a, b) => (a.component < b.component ? -1 : 1));
  if (tiered.length === tariffs.length) {
    const twice = tiered.find(({ component }, i) => tiered[i + 1]?.component === component);
    return twice === undefined ? { kind: 'tiered', tariffs: tiered } : `two tariffs for ${twice.component}`;
  }
  if (tariffs.length > 1 || first.kind === 'tiered') return 'more than one tariff is in force';
  return { kind: 'pass_through', id: tariffId(first), calendar: first.calendar };
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

function checkTerms(
  park: Park,
  { id, lines }: SourceBill,
  tariff: BillingTerms['tariff'],
  { from, to }: BillingPeriod,
): string | null {
  const priced = lines.filter(
    (line): line is SourceBillLine & { touPeriod: string } => line.touPeriod !== null,
  );
  if (tariff.kind === 'tiered') {
    if (priced[0] !== undefined)
      return `${id} bills ${priced[0].component} by time of use, which tiers do not know`;
    const lost = tariff.tariffs.find(({ component }) => !lines.some((line) => line.component === component));
    return lost === undefined
      ? null
      : `${id} has no component ${lost.component}, which tariff ${tariffId(lost)} prices`;
  }
  const { calendar } = tariff;
  if (calendar.timeZone !== park.timeZone)
    return `the calendar runs on ${calendar.timeZone}, the park on ${park.timeZone}`;
  const known = touPeriods(calendar);
  const foreign = priced.find(({ touPeriod }) => !known.includes(touPeriod));
  if (foreign !== undefined)
    return `${id} bills ${foreign.component} for "${foreign.touPeriod}", which is not in the calendar`;
  return checkCalendar(calendar, from, to)[0] ?? null;
}
