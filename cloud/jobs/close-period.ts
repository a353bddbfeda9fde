/**
 * Closes a billing period, the one orchestrator of billing: derive -> summarize -> bill and prove -> post -> sign -> issue, the
 * last in one transaction. A period that is issued stays as it is: closing it again gives the run that was issued.
 */
import { createHash } from 'node:crypto';
import type { BillingRun, Charge } from '../../protocols/api.ts';
import { type CanonicalValue, canonicalJson } from '../../protocols/canonical-json.ts';
import type { Park } from '../../protocols/park.ts';
import { formatMicro, formatMinor } from '../../protocols/units.ts';
import {
  type BillingInput,
  type BillingOutcome,
  billPeriod,
  type PeriodCharge,
  type Refusal,
} from '../billing/bill-period.ts';
import { type BillingPeriod, billingPeriod, dateStartMs } from '../billing/billing-period.ts';
import { billingTerms } from '../billing/billing-terms.ts';
import { leasesIn } from '../billing/ownership.ts';
import { summarizeUsage } from '../billing/summarize-usage.ts';
import { touSegments } from '../billing/tou-segments.ts';
import {
  balances,
  chargeKey,
  LANDLORD_ACCOUNT,
  type LedgerEntry,
  postCharges,
} from '../ledger/post-charges.ts';
import {
  type SignedStatement,
  type SigningKey,
  signStatement,
  statementToken,
  tokenHash,
} from '../signing.ts';
import type { NewStatement } from '../store/sqlite/billing.ts';
import type { Store } from '../store/store.ts';
import { boundaryRegisters } from './boundary-registers.ts';
import { deriveDirtyIntervals, settleEstimates } from './derive-intervals.ts';

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
  | { ok: false; code: Refusal; detail: string };

/** Part of every manifest: another way of computing is another engine. */
const ENGINE = 'meterline-billing/1';
/** Corrections take further revisions. */
const REVISION = 0;

type Billed = Extract<BillingOutcome, { ok: true }>;

export async function closePeriod(options: ClosePeriod): Promise<ClosedPeriod> {
  const { store, park, dryRun = false } = options;
  const issued = dryRun ? null : await store.billingRun(options.period);
  if (issued !== null) {
    const statements = await store.statements({ period: options.period });
    return { ok: true, already: true, run: issued.result, statements: statements.map(totalOf), warnings: [] };
  }
  const period = billingPeriod(options.period, park.timeZone);
  if (period === null)
    return { ok: false, code: 'unknown_period', detail: `"${options.period}" is no month such as 2026-09` };
  const terms = billingTerms(park, period);
  if (!terms.ok) return terms;

  const input = await loadInput(options, period);
  const billed = billPeriod(input);
  if (!billed.ok) return billed;
  const manifestJson = canonicalJson(manifestOf(options, input));
  const manifest = digest(manifestJson);
  const charges = apiCharges(billed.charges, options, period);
  const entries = post(billed.charges, period);
  const run = runOf(billed, { manifest, entries, options });
  const { warnings } = billed;
  const totals = billed.statementDrafts.map(({ head }) => totalOf(head));
  if (dryRun)
    return { ok: true, already: false, run: { ...run, state: 'computed' }, statements: totals, warnings };

  const statements = sign(billed, options, manifest, await store.lastStatementDigest());
  const { issuedAt } = options;
  const row = { period: period.id, revision: REVISION, manifest, manifestJson, result: run, issuedAt };
  const result = await store.issueRun({
    run: row,
    charges,
    entries,
    statements,
    events: [],
    inputs: [],
    seal: null,
  });
  return { ok: true, already: result === 'already_issued', run, statements: totals, warnings };
}

const totalOf = ({
  id,
  lease,
  tenant,
  gross,
}: {
  id: string;
  lease: string;
  tenant: string;
  gross: string;
}) => ({
  id,
  lease,
  tenant,
  gross,
});

/** Everything that billing needs, out of the store. */
async function loadInput(options: ClosePeriod, period: BillingPeriod): Promise<BillingInput> {
  const { store, park, intervalMinutes = 15, acceptEstimates } = options;
  const fromMs = dateStartMs(period.from, park.timeZone);
  const toMs = dateStartMs(period.to, park.timeZone);
  const source = { store, park, intervalMinutes };
  await deriveDirtyIntervals(source, toMs);
  await settleEstimates(source, { fromMs, toMs });

  const dates = leasesIn(park, period).flatMap(({ from, to }) => [from, to]);
  const boundaries = [...new Set([period.from, period.to, ...dates])]
    .map((date) => dateStartMs(date, park.timeZone))
    .sort((a, b) => a - b);
  const usage: BillingInput['usage'][number][] = [];
  const registers: BillingInput['registers'][number][] = [];
  const rollovers: BillingInput['rollovers'][number][] = [];
  for (const { meter, segments } of billedMeters(park, period)) {
    const intervals = await store.intervals({ meters: [meter.id], fromMs, toMs });
    usage.push(...summarizeUsage(meter.id, intervals, segments));
    // A branch is on no statement: its registers are not asked for.
    if (meter.serves.kind === 'branch') continue;
    const record = await boundaryRegisters(source, meter, boundaries);
    registers.push(...record.registers);
    rollovers.push(...record.rollovers);
  }
  return { park, period: period.id, usage, registers, rollovers, acceptEstimates };
}

/** The meters of the billed utilities, by id, with the segments their usage is summed in. */
function billedMeters(park: Park, period: BillingPeriod) {
  const terms = billingTerms(park, period);
  if (!terms.ok) return [];
  return terms.terms.flatMap(({ meters, tariff }) => {
    const segments = touSegments(tariff.kind === 'pass_through' ? tariff.calendar : null, period);
    return meters.map((meter) => ({ meter, segments }));
  });
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Amounts are bigint in memory and text in a digest. */
const textOf = <T extends object>(rows: readonly T[]): CanonicalValue =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [key, typeof value === 'bigint' ? `${value}` : value]),
    ),
  );

/** All that the run depends on: the same manifest gives the same charges, on any machine. */
function manifestOf({ parkDigest }: ClosePeriod, input: BillingInput): CanonicalValue {
  const { period, usage, registers, rollovers, acceptEstimates } = input;
  return {
    format: 'meterline-manifest/1',
    engine: ENGINE,
    period,
    revision: REVISION,
    park: parkDigest,
    usage: digest(canonicalJson(textOf(usage))),
    registers: digest(canonicalJson([textOf(registers), textOf(rollovers)])),
    acceptEstimates,
  };
}

function apiCharges(
  charges: readonly PeriodCharge[],
  { issuedAt, park }: ClosePeriod,
  period: BillingPeriod,
): Charge[] {
  return charges.map((charge) => {
    const { holder: lease, utility, component, pool, name, poolName, unit, statement } = charge;
    const key = { lease, utility, component, pool, period: period.id, revision: REVISION };
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

function post(charges: readonly PeriodCharge[], period: BillingPeriod): LedgerEntry[] {
  const posted = postCharges(
    charges.map(({ holder, net, tax, ...charge }) => ({
      ...charge,
      lease: holder,
      period: period.id,
      revision: REVISION,
      net,
      tax,
      gross: net + tax,
    })),
  );
  if (!posted.ok) throw new Error(`charges that do not post: ${posted.detail}`);
  return posted.entries;
}

/** Each statement names the one issued before it: the first that of the last run. */
function sign(
  billed: Billed,
  { issuedAt, signingKey }: ClosePeriod,
  manifest: string,
  last: string | null,
): NewStatement[] {
  let previous = last;
  return billed.statementDrafts.map((draft) => {
    const signed: SignedStatement = signStatement(draft, { issuedAt, manifest, previous }, signingKey);
    previous = signed.digest;
    const { id, lease, tenant, period, from, to, gross } = draft.head;
    const token = tokenHash(statementToken(signingKey, id));
    return {
      id,
      lease,
      tenant,
      period,
      from,
      to,
      gross,
      json: signed.json,
      digest: signed.digest,
      tokenHash: token,
      corrects: null,
    };
  });
}

function runOf(
  billed: Billed,
  { manifest, entries, options }: { manifest: string; entries: readonly LedgerEntry[]; options: ClosePeriod },
): BillingRun {
  const { currency } = options.park;
  const owed = [...balances(entries)].filter(
    ([account]) => account === LANDLORD_ACCOUNT || account.startsWith('lease:'),
  );
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
    charges: billed.charges.length,
    ledgerTotal: formatMinor(owed.reduce((sum, [, amount]) => sum + amount, 0n)),
    statements: billed.statementDrafts.length,
    estimatedIntervals: billed.estimatedIntervals,
    issuedAt: options.issuedAt,
  };
}
