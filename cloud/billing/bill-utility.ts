/** One utility of one period: from the tree's balance to charges, with the proof of both. */
import type { Park } from '../../protocols/park.ts';
import { formatMicro } from '../../protocols/units.ts';
import { type BalancedNode, balanceTree, type SpanQuantity } from '../metering/balance-tree.ts';
import { apportion } from './apportion.ts';
import type { BillingPeriod } from './billing-period.ts';
import type { BillingTerms } from './billing-terms.ts';
import type { Charge } from './charge.ts';
import { accumulate, type ByTou, type Leaf, leafName, quantityIn } from './leaf.ts';
import { leasesIn } from './ownership.ts';
import { passThrough } from './pass-through.ts';
import { type MoneyProof, proveMoney, proveQuantities, type QuantityProof } from './proof.ts';
import { ONE, type Rational, rational } from './rational.ts';
import { meteringDifference } from './residuals.ts';
import type { DailyUsage } from './summarize-usage.ts';
import { remainder, tieredCharges } from './tiered-charges.ts';

export interface BilledUtility {
  ok: true;
  terms: BillingTerms;
  leaves: Leaf[];
  charges: Charge[];
  nodes: BalancedNode[];
  quantities: QuantityProof;
  money: MoneyProof[];
  warnings: string[];
}
export type UtilityOutcome =
  | BilledUtility
  | { ok: false; code: 'negative_residual' | 'markup' | 'tariff_refused'; detail: string };

/** @param usage rows by meter, complete over the period */
export function billUtility(
  park: Park,
  period: BillingPeriod,
  terms: BillingTerms,
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
): UtilityOutcome {
  const { meters, bill, utility } = terms;
  const rowsOf = (meter: string) => usage.get(meter) ?? [];
  const totals = new Map(meters.map(({ id }) => [id, totalOf(rowsOf(id))] as const));
  const { nodes } = balanceTree(meters, totals);
  const over = nodes.find(({ verdict }) => verdict === 'over_count');
  if (over !== undefined)
    return {
      ok: false,
      code: 'negative_residual',
      detail: `${over.meter}: the meters below it count ${formatMicro(-over.residual)} more than it does, tolerance ${formatMicro(over.tolerance)}`,
    };
  const lost = meteringDifference(nodes, (meter) => sumByTou(rowsOf(meter)));
  const endMeters = meters.filter(({ serves }) => serves.kind !== 'branch');
  const { leaves, warnings } = apportion({ park, period }, endMeters, usage, lost);
  const below = leaves.find(({ quantities }) => [...quantities.values()].some((quantity) => quantity < 0n));
  if (below !== undefined)
    return { ok: false, code: 'negative_residual', detail: `${leafName(below)}: a quantity is below zero` };
  const priced = priceBill(park, period, terms, leaves);
  if (!priced.ok) return priced;
  return {
    ok: true,
    terms,
    leaves,
    charges: priced.charges,
    nodes,
    quantities: proveQuantities(utility, bill.meter, nodes, leaves, quantityIn(lost, null)),
    money: proveMoney(bill, priced.charges),
    warnings: [...warnings, ...priced.warnings],
  };
}

const totalOf = (rows: readonly DailyUsage[]): SpanQuantity => ({
  quantity: rows.reduce((sum, { quantity }) => sum + quantity, 0n),
  estimated: rows.reduce((sum, { estimated }) => sum + estimated, 0n),
  missing: rows.reduce((sum, { missingIntervals }) => sum + missingIntervals, 0),
});

function sumByTou(rows: readonly DailyUsage[]): ByTou {
  const quantities = new Map<string | null, bigint>();
  for (const { touPeriod, quantity } of rows) accumulate(quantities, touPeriod, quantity);
  return quantities;
}

type Priced =
  | { ok: true; charges: Charge[]; warnings: string[] }
  | { ok: false; code: 'markup' | 'tariff_refused'; detail: string };

function priceBill(
  park: Park,
  period: BillingPeriod,
  { bill, tariff }: BillingTerms,
  leaves: readonly Leaf[],
): Priced {
  const charges: Charge[] = [];
  const warnings: string[] = [];
  const held = new Map<string, Rational>(
    leasesIn(park, period).map(({ lease, days }) => [lease.id, rational(BigInt(days), BigInt(period.days))]),
  );
  for (const line of bill.lines) {
    if (tariff.kind === 'pass_through') {
      const shared = passThrough(line, leaves);
      charges.push(...shared.charges);
      warnings.push(...shared.warnings);
      continue;
    }
    const own = tariff.tariffs.find(({ component }) => component === line.component);
    if (own === undefined) charges.push(remainder(line, bill, []));
    else {
      const tiered = tieredCharges(own, { line, bill }, leaves, (lease) => held.get(lease) ?? ONE);
      if (!tiered.ok) return tiered;
      charges.push(...tiered.charges);
    }
  }
  return { ok: true, charges, warnings };
}
