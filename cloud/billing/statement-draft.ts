/** Statements before they are signed: the lines of one lease, and every register they rest on. */
import type { Park, ParkMeter, SourceBill, SourceBillLine } from '../../protocols/park.ts';
import type { RegisterSpan, StatementHead, StatementLine } from '../../protocols/statement.ts';
import { formatMicro, formatMinor } from '../../protocols/units.ts';
import type { BilledUtility } from './bill-utility.ts';
import type { BillingPeriod } from './billing-period.ts';
import { tariffId } from './billing-terms.ts';
import { type Charge, grossOf, UNIT_OF } from './charge.ts';
import { exactTotal, type Leaf, leafName, OWN } from './leaf.ts';
import { type Holder, leasesIn } from './ownership.ts';
import { formatFraction, rational } from './rational.ts';
import { type RegisterRecord, registerSpans } from './register-spans.ts';
import { roundWhole } from './rounding.ts';
import { LANDLORD_LINES } from './sharing/shared-leaves.ts';
import { basisOf } from './statement-basis.ts';
import type { DailyUsage } from './summarize-usage.ts';

/** What the run adds when it signs. */
export type DraftHead = Omit<StatementHead, 'issuedAt' | 'manifest' | 'previous'>;
export interface StatementDraft {
  head: DraftHead;
  lines: StatementLine[];
  registers: RegisterSpan[];
}
export type DraftResult =
  | { ok: true; drafts: StatementDraft[] }
  | { ok: false; code: 'missing_quantity' | 'proof_failed'; detail: string };

type HeldLease = ReturnType<typeof leasesIn>[number];

export const statementId = (period: string, lease: string): string => `${period}.${lease}`;
export const lineId = (utility: string, { component, pool }: { component: string; pool: string }): string =>
  `${utility}.${component}.${pool}`;

/** The line of the supplier's bill that the charge is a part of. */
export function billLine({ id, lines }: SourceBill, { component }: { component: string }): SourceBillLine {
  const line = lines.find((one) => one.component === component);
  if (line === undefined) throw new RangeError(`${component} is not on ${id}`);
  return line;
}

/** The park's name for it, and why the landlord bears it; pools that are not the park's go by their own word. */
export function poolName({ pools }: Pick<Park, 'pools'>, { pool }: { pool: string }): string {
  const named = pools.find(({ id }) => id === pool);
  if (named !== undefined) return named.name;
  for (const [reason, suffix] of Object.entries(LANDLORD_LINES)) {
    const whole = pools.find(({ id }) => pool === `${id}${suffix}`);
    if (whole !== undefined) return `${whole.name} (${reason})`;
  }
  return pool;
}

/** A utility's leaves and charges by who bears them. */
interface Sorted {
  billed: BilledUtility;
  meters: ReadonlyMap<string, ParkMeter>;
  leaves: ReadonlyMap<Holder, readonly Leaf[]>;
  charges: ReadonlyMap<Holder, readonly Charge[]>;
  /** What was metered of a TOU period, as it is printed. */
  metered: (touPeriod: string | null) => string;
}

function sorted(billed: BilledUtility): Sorted {
  const metered = new Map<string | null, string>();
  return {
    billed,
    meters: new Map(billed.terms.meters.map((meter) => [meter.id, meter])),
    leaves: Map.groupBy(billed.leaves, ({ holder }) => holder),
    charges: Map.groupBy(billed.charges, ({ holder }) => holder),
    metered: (touPeriod) => {
      const known =
        metered.get(touPeriod) ?? formatMicro(roundWhole(exactTotal(billed.leaves, touPeriod), 'half_up'));
      metered.set(touPeriod, known);
      return known;
    },
  };
}

/** A statement for every lease that runs in the period, by lease. */
export function draftStatements(
  park: Park,
  period: BillingPeriod,
  utilities: readonly BilledUtility[],
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
  record: RegisterRecord,
): DraftResult {
  const drafts: StatementDraft[] = [];
  const all = utilities.map(sorted);
  const registersOf = registerSpans(park, record);
  for (const held of leasesIn(park, period)) {
    const lines = all.flatMap((one) => linesOf(park, period, one, held));
    const registers: RegisterSpan[] = [];
    for (const { meter, from, to } of metersBehind(all, period, held)) {
      const rows = (usage.get(meter.id) ?? []).filter(({ date }) => from <= date && date < to);
      const result = registersOf(meter, { from, to }, rows);
      if (!result.ok) return result;
      registers.push(result.span);
    }
    drafts.push({ head: headOf(park, period, held, all), lines, registers });
  }
  return { ok: true, drafts };
}

function headOf(
  park: Park,
  period: BillingPeriod,
  { lease, from, to }: HeldLease,
  utilities: readonly Sorted[],
): DraftHead {
  const own = utilities.flatMap(({ charges }) => charges.get(lease.id) ?? []);
  const total = (of: (charge: Charge) => bigint): string =>
    formatMinor(own.reduce((sum, charge) => sum + of(charge), 0n));
  return {
    format: 'meterline-statement/1',
    id: statementId(period.id, lease.id),
    issuer: park.issuer,
    park: park.id,
    parkName: park.name,
    lease: lease.id,
    tenant: lease.tenant,
    period: period.id,
    from,
    to,
    timeZone: park.timeZone,
    currency: park.currency,
    net: total(({ net }) => net),
    tax: total(({ tax }) => tax),
    gross: total(grossOf),
  };
}

interface Behind {
  meter: ParkMeter;
  from: string;
  to: string;
}

/** Own meters over the days held, meters of shared pools over the part of the period in which they were shared; by meter. */
function metersBehind(
  utilities: readonly Sorted[],
  period: BillingPeriod,
  { lease, from, to }: HeldLease,
): Behind[] {
  const behind = new Map<string, Behind>();
  for (const { leaves, meters } of utilities)
    for (const { meters: ids, basis } of leaves.get(lease.id) ?? []) {
      const whole = { from: period.from, to: period.to };
      const spans =
        basis.kind === 'streams'
          ? basis.streams.flatMap(({ source }) =>
              source.meters.map((id) => ({ id, ...(source.difference === null ? source.part : whole) })),
            )
          : ids.map((id) => ({ id, ...(basis.kind === 'own' ? { from, to } : whole) }));
      for (const span of spans) {
        const meter = meters.get(span.id);
        if (meter !== undefined)
          behind.set(`${span.id} ${span.from}`, { meter, from: span.from, to: span.to });
      }
    }
  return [...behind].sort(([a], [b]) => compareText(a, b)).map(([, one]) => one);
}

/** Own consumption first, then the pools; within each by component. */
function linesOf(park: Park, period: BillingPeriod, sorted: Sorted, held: HeldLease): StatementLine[] {
  const rank = ({ pool }: Charge): string => (pool === OWN ? '' : pool);
  return [...(sorted.charges.get(held.lease.id) ?? [])]
    .sort((a, b) => compareText(rank(a), rank(b)) || compareText(a.component, b.component))
    .map((charge) => lineOf(park, period, sorted, held, charge));
}

const compareText = (a: string, b: string): number => {
  if (a === b) return 0;
  return a < b ? -1 : 1;
};

function lineOf(
  park: Park,
  period: BillingPeriod,
  sorted: Sorted,
  held: HeldLease,
  charge: Charge,
): StatementLine {
  const { utility, bill } = sorted.billed.terms;
  const source = billLine(bill, charge);
  const leaf = sorted.leaves.get(charge.holder)?.find(({ pool }) => pool === charge.pool);
  if (leaf === undefined) throw new RangeError(`no leaf ${leafName(charge)}`);
  return {
    id: lineId(utility, charge),
    utility,
    component: charge.component,
    name: source.name,
    touPeriod: source.touPeriod,
    pool: charge.pool,
    poolName: poolName(park, charge),
    quantity: formatMicro(charge.quantity),
    unit: UNIT_OF[utility],
    basis: basisOf(park, leaf, source.touPeriod),
    pricing: pricingOf(period, sorted, held, charge, source),
    net: formatMinor(charge.net),
    tax: formatMinor(charge.tax),
    gross: formatMinor(grossOf(charge)),
  };
}

function pricingOf(
  period: BillingPeriod,
  { billed: { terms }, charges, metered }: Sorted,
  { lease, days }: HeldLease,
  charge: Charge,
  source: SourceBillLine,
): StatementLine['pricing'] {
  const { bill, tariff } = terms;
  if (tariff.kind === 'pass_through')
    return {
      kind: 'share',
      sourceBill: bill.id,
      sourceNet: source.net,
      sourceTax: source.tax,
      meteredQuantity: metered(source.touPeriod),
      billedQuantity: source.quantity,
      tariff: tariff.id,
    };
  const tiered = tariff.tariffs.find(({ component }) => component === charge.component);
  if (tiered === undefined) throw new RangeError(`no tariff prices ${charge.component}`);
  const together = (charges.get(lease.id) ?? []).filter(({ component }) => component === charge.component);
  return {
    kind: 'tiers',
    tariff: tariffId(tiered),
    boundMultiplier: formatFraction(rational(BigInt(days), BigInt(period.days))),
    tiers: tiered.tiers,
    ...(tiered.mode === undefined ? {} : { mode: tiered.mode }),
    ...(tiered.rounding === undefined ? {} : { rounding: tiered.rounding }),
    taxRate: tiered.taxRate,
    totalQuantity: formatMicro(together.reduce((sum, { quantity }) => sum + quantity, 0n)),
  };
}
