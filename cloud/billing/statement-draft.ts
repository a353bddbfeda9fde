/** Statements before they are signed: the lines of one lease, and every register they rest on. */
import type { Park, SourceBill, SourceBillLine } from '../../protocols/park.ts';
import type { RegisterSpan, StatementHead, StatementLine } from '../../protocols/statement.ts';
import { formatMicro, formatMinor } from '../../protocols/units.ts';
import type { BilledUtility } from './bill-utility.ts';
import type { BillingPeriod } from './billing-period.ts';
import { tariffId } from './billing-terms.ts';
import { type Charge, grossOf, UNIT_OF } from './charge.ts';
import { exactTotal, leafId, leafName, OWN, quantityIn } from './leaf.ts';
import { leasesIn } from './ownership.ts';
import { formatFraction, rational, toDecimal } from './rational.ts';
import { type RegisterRecord, registerSpan } from './register-spans.ts';
import { roundWhole } from './rounding.ts';
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

/** The park's name for it; pools that are not the park's go by their own word. */
export const poolName = ({ pools }: Park, { pool }: { pool: string }): string =>
  pools.find(({ id }) => id === pool)?.name ?? pool;

/** A statement for every lease that runs in the period, by lease. */
export function draftStatements(
  park: Park,
  period: BillingPeriod,
  utilities: readonly BilledUtility[],
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
  record: RegisterRecord,
): DraftResult {
  const drafts: StatementDraft[] = [];
  for (const held of leasesIn(park, period)) {
    const lines = utilities.flatMap((billed) => linesOf(park, period, billed, held));
    const registers: RegisterSpan[] = [];
    for (const { meter, from, to } of metersBehind(utilities, period, held)) {
      const rows = (usage.get(meter.id) ?? []).filter(({ date }) => from <= date && date < to);
      const result = registerSpan(park, meter, { from, to }, rows, record);
      if (!result.ok) return result;
      registers.push(result.span);
    }
    drafts.push({ head: headOf(park, period, held, utilities), lines, registers });
  }
  return { ok: true, drafts };
}

function headOf(
  park: Park,
  period: BillingPeriod,
  { lease, from, to }: HeldLease,
  utilities: readonly BilledUtility[],
): DraftHead {
  const own = utilities.flatMap(({ charges }) => charges.filter(({ holder }) => holder === lease.id));
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

/** Own meters over the days held, meters of shared pools over the whole period; by meter. */
function metersBehind(
  utilities: readonly BilledUtility[],
  period: BillingPeriod,
  { lease, from, to }: HeldLease,
) {
  return utilities
    .flatMap(({ leaves, terms }) =>
      leaves
        .filter(({ holder }) => holder === lease.id)
        .flatMap(({ meters, share }) =>
          meters.flatMap((id) => {
            const meter = terms.meters.find((one) => one.id === id);
            if (meter === undefined) return [];
            return [share === null ? { meter, from, to } : { meter, from: period.from, to: period.to }];
          }),
        ),
    )
    .sort((a, b) => (a.meter.id < b.meter.id ? -1 : 1));
}

/** Own consumption first, then the pools; within each by component. */
function linesOf(park: Park, period: BillingPeriod, billed: BilledUtility, held: HeldLease): StatementLine[] {
  const rank = ({ pool }: Charge): string => (pool === OWN ? '' : pool);
  return billed.charges
    .filter(({ holder }) => holder === held.lease.id)
    .sort((a, b) => compareText(rank(a), rank(b)) || compareText(a.component, b.component))
    .map((charge) => lineOf(park, period, billed, held, charge));
}

const compareText = (a: string, b: string): number => {
  if (a === b) return 0;
  return a < b ? -1 : 1;
};

function lineOf(
  park: Park,
  period: BillingPeriod,
  billed: BilledUtility,
  held: HeldLease,
  charge: Charge,
): StatementLine {
  const { utility, bill } = billed.terms;
  const source = billLine(bill, charge);
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
    basis: basisOf(park, billed, charge, source),
    pricing: pricingOf(period, billed, held, charge, source),
    net: formatMinor(charge.net),
    tax: formatMinor(charge.tax),
    gross: formatMinor(grossOf(charge)),
  };
}

function basisOf(
  park: Park,
  { leaves }: BilledUtility,
  charge: Charge,
  { touPeriod }: SourceBillLine,
): StatementLine['basis'] {
  const leaf = leaves.find((one) => leafId(one) === leafId(charge));
  if (leaf === undefined) throw new RangeError(`no leaf ${leafName(charge)}`);
  const meters = [...leaf.meters];
  if (leaf.share === null) return { kind: 'own', meters };
  const rule = park.pools.find(({ id }) => id === charge.pool)?.rule;
  return {
    kind: 'pool',
    rule: rule === undefined ? '' : `${rule.id} v${rule.version}: ${rule.text}`,
    poolQuantity: formatMicro(quantityIn(leaf.quantities, touPeriod)),
    weight: toDecimal(leaf.share.weight),
    totalWeight: toDecimal(leaf.share.totalWeight),
    meters,
  };
}

function pricingOf(
  period: BillingPeriod,
  { terms, leaves, charges }: BilledUtility,
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
      meteredQuantity: formatMicro(roundWhole(exactTotal(leaves, source.touPeriod), 'half_up')),
      billedQuantity: source.quantity,
      tariff: tariff.id,
    };
  const tiered = tariff.tariffs.find(({ component }) => component === charge.component);
  if (tiered === undefined) throw new RangeError(`no tariff prices ${charge.component}`);
  const together = charges.filter(
    ({ holder, component }) => holder === lease.id && component === charge.component,
  );
  return {
    kind: 'tiers',
    tariff: tariffId(tiered),
    boundMultiplier: formatFraction(rational(BigInt(days), BigInt(period.days))),
    tiers: tiered.tiers,
    taxRate: tiered.taxRate,
    totalQuantity: formatMicro(together.reduce((sum, { quantity }) => sum + quantity, 0n)),
  };
}
