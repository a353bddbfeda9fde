/**
 * Closes a billing period, the one orchestrator of billing: derive -> summarize -> bill and prove -> post -> sign -> issue, the
 * last in one transaction. A period that is issued stays as it is: closing it again gives the run that was issued.
 */
import type { BillingRun, Charge } from '../../protocols/api.ts';
import type { Park } from '../../protocols/park.ts';
import type { CarriedCharge } from '../../protocols/statement.ts';
import { formatMicro, formatMinor, minor } from '../../protocols/units.ts';
import {
  type BillingInput,
  type BillingOutcome,
  billPeriod,
  type PeriodCharge,
  type Refusal,
} from '../billing/bill-period.ts';
import { type BillingPeriod, billingPeriod } from '../billing/billing-period.ts';
import { billingTerms } from '../billing/billing-terms.ts';
import { chargeKey } from '../ledger/post-charges.ts';
import { NO_RULES, PostingRules } from '../ledger/posting-rules.ts';
import type { SigningKey } from '../signing.ts';
import type { NewStatement } from '../store/port/billing.ts';
import type { Store } from '../store/store.ts';
import {
  inputRecords,
  loadMetered,
  type OnProgress,
  RunCancelledError,
  readingsDigest,
  spanOf,
} from './billing-input.ts';
import { type CarriedOver, carriedOver } from './carried-over.ts';
import { entriesOf, eventsOf, sealOf } from './issue-run.ts';
import { chainOf, type DueStatement, headed, issueStatements } from './issue-statements.ts';
import { runManifest } from './run-manifest.ts';

export interface ClosePeriod {
  store: Store;
  park: Park;
  /** Of the park document's canonical form. */
  parkDigest: string;
  /** `2026-09` */
  period: string;
  issuedAt: string;
  acceptEstimates: { by: string; reason: string } | null;
  signingKey: SigningKey;
  intervalMinutes?: number;
  /** Computes and proves, and issues nothing. */
  dryRun?: boolean;
  /** Digest of the manifest that was reviewed: nothing else is issued. */
  reviewed?: string;
  onProgress?: OnProgress;
  /** Calls it off, up to the moment of issue. */
  signal?: AbortSignal;
}

export type ClosedPeriod =
  | {
      ok: true;
      /** The period was issued before: `run` is that run, and nothing was computed. */
      already: boolean;
      run: BillingRun;
      /** By lease. */
      statements: { id: string; lease: string; tenant: string; gross: string }[];
      /** Empty where `already`. */
      warnings: string[];
    }
  | { ok: false; code: Refusal | 'cancelled' | 'changed_since_review' | 'store_damaged'; detail: string };

export type Billed = Extract<BillingOutcome, { ok: true }>;

export async function closePeriod(options: ClosePeriod): Promise<ClosedPeriod> {
  const { store, dryRun = false } = options;
  const issued = dryRun ? null : await store.billingRun(options.period);
  if (issued !== null) {
    const statements = await store.statements({ period: options.period });
    return { ok: true, already: true, run: issued.result, statements: statements.map(totalOf), warnings: [] };
  }
  try {
    return await computeAndIssue(options);
  } catch (error) {
    if (error instanceof RunCancelledError) return { ok: false, code: 'cancelled', detail: error.message };
    throw error;
  }
}

async function computeAndIssue(options: ClosePeriod): Promise<ClosedPeriod> {
  const { store, park, parkDigest, issuedAt, acceptEstimates, dryRun = false } = options;
  const period = billingPeriod(options.period, park.timeZone);
  if (period === null)
    return { ok: false, code: 'unknown_period', detail: `"${options.period}" is no month such as 2026-09` };
  const terms = billingTerms(park, period);
  if (!terms.ok) return terms;

  const source = { ...options, intervalMinutes: options.intervalMinutes ?? 15 };
  const metered = await loadMetered(source, period);
  const input: BillingInput = { park, period: period.id, ...metered, acceptEstimates };
  options.onProgress?.({ phase: 'bill', done: 0, total: 1 });
  const billed = billPeriod(input);
  if (!billed.ok) return billed;
  const rules = await rulesInForce(store);
  const carried = await carriedOver(source, period);
  const inputs = inputRecords(metered);
  const base = { period: period.id, revision: 0, park, parkDigest, acceptEstimates, rules };
  const notes = carried.charges.flatMap(({ note }) => (note === null ? [] : [note]));
  const manifest = runManifest({ ...base, readings: readingsDigest(inputs), carried: notes });
  if (options.reviewed !== undefined && options.reviewed !== manifest.digest)
    return {
      ok: false,
      code: 'changed_since_review',
      detail: `what was reviewed is manifest ${options.reviewed.slice(0, 16)}, now it is ${manifest.digest.slice(0, 16)}: compute and review again`,
    };
  const charges = [
    ...apiCharges(billed.charges, options, period),
    ...carried.charges.map(({ charge }) => charge),
  ];
  const entries = entriesOf(charges, rules);
  const run = runOf(billed, charges, { manifest: manifest.digest, options });
  const warnings = [...billed.warnings, ...carried.warnings];
  const due = dueStatements(billed, carried, park, period);
  const totals = due.map((one) => totalOf(headed(one).head));
  if (dryRun)
    return { ok: true, already: false, run: { ...run, state: 'computed' }, statements: totals, warnings };

  options.onProgress?.({ phase: 'issue', done: 0, total: 1 });
  if (options.signal?.aborted === true) throw new RunCancelledError('the run was cancelled');
  const chain = chainOf(await store.statementChain());
  const follows = chain.previous;
  const statements = issueStatements(due, chain, {
    issuedAt,
    manifest: manifest.digest,
    signingKey: options.signingKey,
  });
  const sealed = {
    period: period.id,
    revision: 0,
    manifest: manifest.digest,
    result: run,
    charges,
    entries,
    statements,
  };
  const result = await store.issueRun({
    run: {
      period: period.id,
      revision: 0,
      manifest: manifest.digest,
      manifestJson: manifest.json,
      result: run,
      issuedAt,
    },
    charges,
    entries,
    statements,
    events: eventsOf(charges, entries, statements, issuedAt),
    inputs,
    span: spanOf(park, period),
    seal: sealOf(sealed, await store.lastSeal(), options.signingKey),
    settles: carried.settles,
    follows,
  });
  return { ok: true, already: result === 'already_issued', run, statements: totals, warnings };
}

const totalOf = ({ id, lease, tenant, gross }: Pick<NewStatement, 'id' | 'lease' | 'tenant' | 'gross'>) => ({
  id,
  lease,
  tenant,
  gross,
});

/** What the operator last put in force. */
export async function rulesInForce(store: Store): Promise<PostingRules> {
  const row = await store.postingRules();
  return row === null ? NO_RULES : PostingRules.parse(JSON.parse(row.json));
}

/** Every lease of the period, and those of earlier ones that something is carried over to. By lease. */
function dueStatements(
  billed: Billed,
  { charges, tenants }: CarriedOver,
  park: Park,
  period: BillingPeriod,
): DueStatement[] {
  const notesOf = (lease: string): CarriedCharge[] =>
    charges.flatMap(({ charge, note }) => (note !== null && charge.lease === lease ? [note] : []));
  const drafts = new Map(billed.statementDrafts.map((draft) => [draft.head.lease, draft]));
  const leases = [
    ...new Set([...drafts.keys(), ...charges.flatMap(({ charge }) => charge.lease ?? [])]),
  ].sort();
  return leases.map((lease) => ({
    draft: drafts.get(lease) ?? emptyDraft(park, period, lease, tenants.get(lease) ?? lease),
    carried: notesOf(lease),
    revision: 0,
    corrects: null,
  }));
}

/** Of a lease that has ended before the period: it holds nothing but what is carried over. */
const emptyDraft = (
  park: Park,
  period: BillingPeriod,
  lease: string,
  tenant: string,
): DueStatement['draft'] => ({
  head: {
    format: 'meterline-statement/1',
    id: `${period.id}.${lease}`,
    issuer: park.issuer,
    park: park.id,
    parkName: park.name,
    lease,
    tenant,
    period: period.id,
    from: period.from,
    to: period.from,
    timeZone: park.timeZone,
    currency: park.currency,
    net: '0.00',
    tax: '0.00',
    gross: '0.00',
  },
  lines: [],
  registers: [],
});

export function apiCharges(
  charges: readonly PeriodCharge[],
  { issuedAt, park }: Pick<ClosePeriod, 'issuedAt' | 'park'>,
  period: BillingPeriod,
): Charge[] {
  return charges.map((charge) => {
    const { holder: lease, utility, component, pool, name, poolName, unit, statement } = charge;
    const key = { lease, utility, component, pool, period: period.id, revision: 0 };
    return {
      ...key,
      key: chargeKey(key),
      kind: 'charge',
      corrects: null,
      servicePeriod: period.id,
      name,
      poolName,
      quantity: formatMicro(charge.quantity),
      unit,
      net: formatMinor(charge.net),
      tax: formatMinor(charge.tax),
      gross: formatMinor(charge.net + charge.tax),
      currency: park.currency,
      statement,
      postedAt: issuedAt,
    };
  });
}

/** What the API tells of a run. `ledgerTotal` is what leases and landlord owe by all of its charges. */
export function runOf(
  billed: Billed,
  charges: readonly Charge[],
  { manifest, options }: { manifest: string; options: Pick<ClosePeriod, 'park' | 'issuedAt'> },
): BillingRun {
  const { currency } = options.park;
  return {
    period: billed.period.id,
    state: 'issued',
    manifest,
    utilities: billed.utilities.map(({ utility, source, tenants, landlord, conserved }) => ({
      utility,
      currency,
      source: formatMinor(source),
      tenants: formatMinor(tenants),
      landlord: formatMinor(landlord),
      conserved,
    })),
    proof: billed.proof.money.map(({ utility, component, name, source, tenants, landlord, holds }) => ({
      utility,
      component,
      name,
      source: formatMinor(source),
      tenants: formatMinor(tenants),
      landlord: formatMinor(landlord),
      holds,
    })),
    charges: charges.length,
    ledgerTotal: formatMinor(charges.reduce((sum, { gross }) => sum + minor(gross), 0n)),
    statements: billed.statementDrafts.length,
    estimatedIntervals: billed.estimatedIntervals,
    issuedAt: options.issuedAt,
  };
}
