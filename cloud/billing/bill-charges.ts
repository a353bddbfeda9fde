/** Bills a period as far as its charges and their proof: what statements are drawn up from, and what a comparison needs. */

import type { BillingInput, Refusal } from './bill-period.ts';
import type { BilledUtility } from './bill-utility.ts';
import { billUtility } from './bill-utility.ts';
import { type BillingPeriod, billingPeriod } from './billing-period.ts';
import { type BillingTerms, billingTerms } from './billing-terms.ts';
import { failureOf, type Proof } from './proof.ts';
import type { DailyUsage } from './summarize-usage.ts';

export type BilledCharges =
  | { ok: false; code: Refusal; detail: string }
  | {
      ok: true;
      period: BillingPeriod;
      /** Rows by meter, in time order, complete over the period. */
      usage: ReadonlyMap<string, readonly DailyUsage[]>;
      utilities: BilledUtility[];
      proof: Proof;
      estimatedIntervals: number;
    };

const refuse = (code: Refusal, detail: string) => ({ ok: false, code, detail }) as const;

/** Refusals are checked in the order in which they stand here. */
export function billCharges(
  input: Pick<BillingInput, 'park' | 'period' | 'usage' | 'acceptEstimates'>,
): BilledCharges {
  const { park } = input;
  const period = billingPeriod(input.period, park.timeZone);
  if (period === null) return refuse('unknown_period', `"${input.period}" is no month such as 2026-09`);
  const terms = billingTerms(park, period);
  if (!terms.ok) return terms;
  const usage = usageByMeter(input.usage, period);
  const incomplete = incompleteness(terms.terms, usage, period);
  if (incomplete !== null) return refuse('missing_quantity', incomplete);
  const estimatedIntervals = estimatesIn(terms.terms, usage);
  if (estimatedIntervals > 0 && input.acceptEstimates === null)
    return refuse(
      'estimates_unsigned',
      `${estimatedIntervals} intervals are estimated: sign for them with a reason`,
    );
  const utilities: BilledUtility[] = [];
  for (const one of terms.terms) {
    const billed = billUtility(park, period, one, usage);
    if (!billed.ok) return billed;
    utilities.push(billed);
  }
  const proof = proofOf(utilities);
  const failure = failureOf(proof);
  if (failure !== null) return refuse('proof_failed', failure);
  return { ok: true, period, usage, utilities, proof, estimatedIntervals };
}

/** Rows of the period by meter, in time order. */
function usageByMeter(usage: readonly DailyUsage[], { from, to }: BillingPeriod): Map<string, DailyUsage[]> {
  const rows = Map.groupBy(
    usage.filter(({ date }) => from <= date && date < to),
    ({ meter }) => meter,
  );
  for (const list of rows.values()) list.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return rows;
}

const keyOf = ({ date, touPeriod }: DailyUsage): string => `${date} ${touPeriod ?? ''}`;

/** Says what the first meter lacks, or null: every meter has every date, and no interval is missing. */
function incompleteness(
  terms: readonly BillingTerms[],
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
  period: BillingPeriod,
): string | null {
  const meters = terms.flatMap((one) => one.meters.map(({ id }) => id)).sort();
  for (const meter of meters) {
    const rows = usage.get(meter) ?? [];
    if (new Set(rows.map(({ date }) => date)).size < period.days)
      return `${meter}: not every day was metered`;
    if (new Set(rows.map(keyOf)).size < rows.length) return `${meter}: a day is given twice`;
    const hole = rows.find(({ missingIntervals }) => missingIntervals > 0);
    if (hole !== undefined) return `${meter}: ${hole.missingIntervals} intervals are missing on ${hole.date}`;
  }
  return null;
}

const estimatesIn = (
  terms: readonly BillingTerms[],
  usage: ReadonlyMap<string, readonly DailyUsage[]>,
): number =>
  terms
    .flatMap((one) => one.meters.flatMap(({ id }) => usage.get(id) ?? []))
    .reduce((count, { estimatedIntervals }) => count + estimatedIntervals, 0);

const proofOf = (utilities: readonly BilledUtility[]): Proof => ({
  nodes: utilities.flatMap(({ nodes, terms: { utility } }) => nodes.map((node) => ({ ...node, utility }))),
  quantities: utilities.map(({ quantities }) => quantities),
  money: utilities
    .flatMap(({ money }) => money)
    .sort((a, b) => (`${a.utility} ${a.component}` < `${b.utility} ${b.component}` ? -1 : 1)),
});
