/** One utility of one period: from the tree's balance to charges, with the proof of both. */
import type { Park } from '../../protocols/park.ts';
import { formatMicro } from '../../protocols/units.ts';
import { type BalancedNode, balanceTree, type SpanQuantity } from '../metering/balance-tree.ts';
import { apportion } from './apportion.ts';
import type { BillingPeriod } from './billing-period.ts';
import type { BillingTerms } from './billing-terms.ts';
import type { Charge } from './charge.ts';
import { accumulate, type ByTou, type Leaf, leafName, quantityIn } from './leaf.ts';
import { leasesIn, Occupancy } from './ownership.ts';
import { passThrough } from './pass-through.ts';
import { type MoneyProof, proveMoney, proveQuantities, type QuantityProof } from './proof.ts';
import { isNegative, ONE, type Rational, rational } from './rational.ts';
import { meteringDifference } from './residuals.ts';
import { parentOn, treeParts } from './sharing/pool-sources.ts';
import { within } from './sharing/scene.ts';
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
  | { ok: false; code: 'negative_residual' | 'rule_refused' | 'markup' | 'tariff_refused'; detail: string };

/** @param usage rows by meter, complete over the period */
export function billUtility(
  park: Park,
  period: BillingPeriod,
  terms: BillingTerms,
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
): UtilityOutcome {
  const { meters, bill, utility } = terms;
  const tree = balanceParts(park, period, terms, usage);
  if (!tree.ok) return tree;
  const endMeters = meters.filter(({ serves }) => serves.kind !== 'branch');
  const occupancy = new Occupancy(park, period);
  const shared = apportion({ park, period, utility, meters: endMeters, usage, occupancy }, tree.lost);
  if (!shared.ok) return shared;
  const { leaves } = shared;
  const below = leaves.find(({ quantities }) => [...quantities.values()].some(isNegative));
  if (below !== undefined)
    return { ok: false, code: 'negative_residual', detail: `${leafName(below)}: a quantity is below zero` };
  const priced = priceBill(park, period, terms, leaves);
  if (!priced.ok) return priced;
  return {
    ok: true,
    terms,
    leaves,
    charges: priced.charges,
    nodes: tree.nodes,
    quantities: proveQuantities(utility, bill.meter, tree.nodes, leaves, {
      lost: quantityIn(tree.lost, null),
      differences: shared.differences,
    }),
    money: proveMoney(bill, priced.charges),
    warnings: [...tree.warnings, ...shared.warnings, ...priced.warnings],
  };
}

type Tree =
  | { ok: true; nodes: BalancedNode[]; lost: ByTou; warnings: string[] }
  | { ok: false; code: 'negative_residual'; detail: string };

/** The balance of the tree, cut where meters were moved below others. What a pool holds of a branch is no loss of it. */
function balanceParts(
  park: Park,
  period: BillingPeriod,
  { meters }: BillingTerms,
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
): Tree {
  const pooled = new Map(
    park.pools.flatMap(({ difference }) =>
      difference === undefined ? [] : [[difference.meter, difference]],
    ),
  );
  const nodes: BalancedNode[] = [];
  const lost = new Map<string | null, bigint>();
  const warnings: string[] = [];
  for (const part of treeParts(meters, period)) {
    const placed = meters.map((meter) => ({ ...meter, parent: parentOn(meter, part.from) }));
    const rowsOf = (meter: string) => (usage.get(meter) ?? []).filter((row) => within(row, part));
    const balance = balanceTree(placed, new Map(placed.map(({ id }) => [id, totalOf(rowsOf(id))] as const)));
    for (const over of balance.nodes.filter(({ verdict }) => verdict === 'over_count')) {
      const detail = `${over.meter}: the meters below it count ${formatMicro(-over.residual)} more than it does, tolerance ${formatMicro(over.tolerance)}`;
      if (pooled.get(over.meter)?.negative !== 'landlord')
        return { ok: false, code: 'negative_residual', detail };
      warnings.push(`${detail}: its pool is empty`);
    }
    const others = balance.nodes.filter(({ verdict, meter }) => verdict !== 'loss' || !pooled.has(meter));
    const lostHere = meteringDifference(others, balance.nodes, (meter) => sumByTou(rowsOf(meter)));
    for (const [touPeriod, quantity] of lostHere) accumulate(lost, touPeriod, quantity);
    nodes.push(...balance.nodes);
  }
  return { ok: true, nodes, lost, warnings };
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
