/**
 * Bills a period: usage, ownership and the suppliers' bills in; charges, statements and their proof out. A pure function of its
 * input and independent of the order of anything in it. Refusals are checked in the order in which they stand here.
 */
import type { Park } from '../../protocols/park.ts';
import type { Utility } from '../../protocols/units.ts';
import { billCharges } from './bill-charges.ts';
import type { BilledUtility } from './bill-utility.ts';
import type { BillingPeriod } from './billing-period.ts';
import { type Charge, grossOf, UNIT_OF } from './charge.ts';
import { type OwnerPart, ownerParts } from './owners.ts';
import type { Proof } from './proof.ts';
import type { RegisterRecord } from './register-spans.ts';
import {
  billLine,
  draftStatements,
  lineId,
  poolName,
  type StatementDraft,
  statementId,
} from './statement-draft.ts';
import type { DailyUsage } from './summarize-usage.ts';

export type Refusal =
  /** The text is no month. */
  | 'unknown_period'
  | 'source_bill_missing'
  /** The tariff, its calendar or the bill cannot be billed by. */
  | 'tariff_refused'
  /** A meter has an interval, a day or a boundary register missing. */
  | 'missing_quantity'
  /** Estimated intervals enter a run only when somebody signs for them. */
  | 'estimates_unsigned'
  /** Meters count more than the meter above them, beyond the tolerance. */
  | 'negative_residual'
  /** A sharing rule has no result: a figure that it names is not on record, it divides by zero, it recovers too much. */
  | 'rule_refused'
  /** The tenants would pay more than the supplier bills. */
  | 'markup'
  | 'proof_failed';

export interface BillingInput extends RegisterRecord {
  /** Consistent in itself: the import of a park document refuses any other. */
  readonly park: Park;
  /** `2026-09` */
  readonly period: string;
  /** Of all meters over the whole period, see `summarizeUsage`. */
  readonly usage: readonly DailyUsage[];
  readonly acceptEstimates: { readonly by: string; readonly reason: string } | null;
}

export interface PeriodCharge extends Charge {
  /** The component's, as the supplier's bill calls it. */
  readonly name: string;
  readonly poolName: string;
  readonly utility: Utility;
  readonly unit: 'kWh' | 'm3';
  /** The statement and its line; null for the landlord. */
  readonly statement: string | null;
  readonly line: string | null;
}

/** Minor units, tax included. */
export interface UtilityTotals {
  readonly utility: Utility;
  readonly source: bigint;
  readonly tenants: bigint;
  readonly landlord: bigint;
  readonly conserved: boolean;
}

export type BillingOutcome =
  | { ok: false; code: Refusal; detail: string }
  | {
      ok: true;
      period: BillingPeriod;
      /** By utility, component, pool and lease; the landlord's are those without a holder. */
      charges: PeriodCharge[];
      statementDrafts: StatementDraft[];
      proof: Proof;
      utilities: UtilityTotals[];
      /** The landlord's charges by owner, where the park declares several. */
      owners: (OwnerPart & { utility: Utility })[];
      estimatedIntervals: number;
      warnings: string[];
    };

const refuse = (code: Refusal, detail: string) => ({ ok: false, code, detail }) as const;

export function billPeriod(input: BillingInput): BillingOutcome {
  const { park } = input;
  const billed = billCharges(input);
  if (!billed.ok) return billed;
  const { period, usage, utilities } = billed;
  const unnamed = park.leases.find(({ id }) => statementId(period.id, id).length > 64);
  if (unnamed !== undefined)
    return refuse('tariff_refused', `lease ${unnamed.id}: its id is too long for a statement`);
  const drafted = draftStatements(park, period, utilities, usage, input);
  if (!drafted.ok) return drafted;
  return {
    ok: true,
    period,
    charges: utilities.flatMap((one) => periodCharges(park, one, period)),
    statementDrafts: drafted.drafts,
    proof: billed.proof,
    utilities: utilities.map(totalsOf),
    owners: utilities.flatMap((one) =>
      ownerParts(park, period, one).map((part) => ({ ...part, utility: one.terms.utility })),
    ),
    estimatedIntervals: billed.estimatedIntervals,
    warnings: utilities.flatMap(({ warnings }) => warnings),
  };
}

function periodCharges(
  park: Park,
  { terms: { utility, bill }, charges }: BilledUtility,
  period: BillingPeriod,
): PeriodCharge[] {
  const order = ({ component, pool, holder }: Charge): string => `${component}|${pool}|${holder ?? ''}`;
  return [...charges]
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map((charge) => ({
      ...charge,
      name: billLine(bill, charge).name,
      poolName: poolName(park, charge),
      utility,
      unit: UNIT_OF[utility],
      statement: charge.holder === null ? null : statementId(period.id, charge.holder),
      line: charge.holder === null ? null : lineId(utility, charge),
    }));
}

function totalsOf({ terms: { utility }, charges, money, quantities }: BilledUtility): UtilityTotals {
  const total = (of: (charge: Charge) => bigint): bigint =>
    charges.reduce((sum, charge) => sum + of(charge), 0n);
  const tenants = total((charge) => (charge.holder === null ? 0n : grossOf(charge)));
  return {
    utility,
    source: money.reduce((sum, { source }) => sum + source, 0n),
    tenants,
    landlord: total(grossOf) - tenants,
    conserved: quantities.holds && money.every(({ holds }) => holds),
  };
}
