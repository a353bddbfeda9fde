/**
 * Corrects an issued period that is not closed: what differs is reversed and charged anew in the period's next revision, and the leases
 * it concerns get statements that name the one they take the place of. Late data of a closed period goes another way: `carried-over.ts`.
 */
import type { Charge } from '../../protocols/api.ts';
import type { PeriodCorrection } from '../../protocols/billing-api.ts';
import type { Park } from '../../protocols/park.ts';
import type { CarriedCharge, Statement, StatementCorrection } from '../../protocols/statement.ts';
import { billPeriod } from '../billing/bill-period.ts';
import { billingPeriod } from '../billing/billing-period.ts';
import { type Difference, differences, reverseAndRebill } from '../ledger/correct-charges.ts';
import type { SigningKey } from '../signing.ts';
import type { StatementRow } from '../store/port/billing.ts';
import { type InputSource, inputRecords, loadMetered, readingsDigest, spanOf } from './billing-input.ts';
import {
  amountsText,
  type CarriedOne,
  chargeOf,
  grantedCredits,
  namesAmong,
  parkOf,
  postedCharge,
} from './carried-over.ts';
import { type Billed, rulesInForce, runOf } from './close-period.ts';
import { entriesOf, eventsOf, sealOf } from './issue-run.ts';
import { chainOf, type DueStatement, issueStatements, revisedId } from './issue-statements.ts';
import { runManifest } from './run-manifest.ts';

export interface CorrectPeriod extends InputSource {
  period: string;
  issuedAt: string;
  acceptEstimates: { by: string; reason: string } | null;
  signingKey: SigningKey;
  parkDigest: string;
  /** What is told on every statement that it changes. */
  cause: string;
  /** `issued`: the master data of the run that is corrected, with the readings that there are now; `current`: those of today too. */
  park: Park;
  basis: 'issued' | 'current';
  /** Shows what would change, and changes nothing. */
  dryRun?: boolean;
}
export type CorrectedPeriod =
  | { ok: true; correction: PeriodCorrection }
  | { ok: false; code: string; detail: string };

export async function correctPeriod(options: CorrectPeriod): Promise<CorrectedPeriod> {
  const { store } = options;
  const run = await store.billingRun(options.period);
  const period = billingPeriod(options.period, options.park.timeZone);
  if (run === null || period === null)
    return { ok: false, code: 'unknown_run', detail: `${options.period} was never issued` };
  const steps = await store.runSteps(options.period);
  if (steps.at(-1)?.state === 'closed')
    return {
      ok: false,
      code: 'period_immutable',
      detail: `${options.period} is closed: late data is charged with the next period, by itself`,
    };
  const revision = run.revision + 1;
  const park = options.basis === 'current' ? options.park : await parkOf(options, run);
  const metered = await loadMetered({ ...options, park }, period);
  const recorded = JSON.parse(run.manifestJson) as Partial<CorrectPeriod>;
  const acceptEstimates = options.acceptEstimates ?? recorded.acceptEstimates ?? null;
  const billed = billPeriod({ park, period: period.id, ...metered, acceptEstimates });
  if (!billed.ok) return billed;

  const posted = await store.chargesForService(period.id);
  const due = billed.charges.map(({ holder, ...charge }) => ({ ...charge, lease: holder }));
  const changes = differences(posted.map(postedCharge), due);
  const source = { ...options, park, acceptEstimates };
  const credits = await grantedCredits(source, period.id, revision, (charge) => charge.period === period.id);
  if (changes.length === 0 && credits.length === 0)
    return { ok: false, code: 'nothing_to_correct', detail: `${period.id} is what was issued` };
  const correction: PeriodCorrection = {
    period: period.id,
    revision,
    cause: options.cause,
    issued: options.dryRun !== true,
    lines: changes.map((change) => ({ lease: change.lease, ...lineOf(change) })),
    statements: [],
  };
  if (options.dryRun === true) return { ok: true, correction };
  const statements = await issueCorrection({ source, revision, metered, billed, changes, credits, posted });
  return { ok: true, correction: { ...correction, statements } };
}

const lineOf = ({ utility, component, pool, before, after }: Difference) => ({
  utility: utility as Charge['utility'],
  component,
  pool,
  before: amountsText(before),
  after: amountsText(after),
});

interface Correcting {
  source: CorrectPeriod;
  revision: number;
  metered: Awaited<ReturnType<typeof loadMetered>>;
  billed: Billed;
  changes: Difference[];
  credits: CarriedOne[];
  posted: readonly Charge[];
}

/** @returns the ids of the statements that were issued */
async function issueCorrection(work: Correcting): Promise<string[]> {
  const { source, revision, metered, billed, changes, posted } = work;
  const { store, issuedAt, signingKey, park } = source;
  const { period } = billed;
  const naming = namesAmong([...posted, ...billed.charges]);
  const statementOf = (lease: string | null): string | null =>
    lease === null ? null : revisedId(`${period.id}.${lease}`, revision);
  const corrections = reverseAndRebill(changes, { period: period.id, revision }).map((one) =>
    chargeOf(one, { naming, statement: statementOf(one.lease), source }),
  );
  const credits = work.credits.map(({ charge, note }) => ({
    note,
    charge: { ...charge, statement: statementOf(charge.lease) },
  }));
  const charges = [...corrections, ...credits.map(({ charge }) => charge)];
  const rules = await rulesInForce(store);
  const entries = entriesOf(charges, rules);
  const inputs = inputRecords(metered);
  const carried = credits.flatMap(({ note }) => (note === null ? [] : [note]));
  const base = { period: period.id, revision, park, parkDigest: source.parkDigest, rules, carried };
  const manifest = runManifest({
    ...base,
    acceptEstimates: source.acceptEstimates,
    readings: readingsDigest(inputs),
  });
  const due = await correctedStatements(work, credits);
  const chain = chainOf(await store.statementChain());
  const follows = chain.previous;
  const statements = issueStatements(due, chain, { issuedAt, manifest: manifest.digest, signingKey });
  const result = {
    ...runOf(billed, charges, { manifest: manifest.digest, options: source }),
    statements: statements.length,
  };
  const run = { period: period.id, revision, manifest: manifest.digest, result };
  const sealed = { ...run, charges, entries, statements };
  await store.issueRun({
    run: { ...run, manifestJson: manifest.json, issuedAt },
    ...{ charges, entries, statements, inputs },
    events: eventsOf(charges, entries, statements, issuedAt),
    span: spanOf(park, period),
    seal: sealOf(sealed, await store.lastSeal(), signingKey),
    settles: [period.id],
    follows,
  });
  return statements.map(({ id }) => id);
}

/** Of the leases that something changes for, by lease: their lines as they are now, and what they carried before. */
async function correctedStatements(
  { source, revision, billed, changes }: Correcting,
  credits: readonly CarriedOne[],
): Promise<DueStatement[]> {
  const { store, cause } = source;
  const touched = new Set([
    ...changes.flatMap(({ lease }) => lease ?? []),
    ...credits.flatMap(({ charge }) => charge.lease ?? []),
  ]);
  const rows = await store.statements({ period: billed.period.id });
  const due: DueStatement[] = [];
  for (const draft of billed.statementDrafts) {
    const { lease } = draft.head;
    if (!touched.has(lease)) continue;
    const before = rows.find((row) => row.lease === lease && row.correctedBy === null);
    const granted = credits.flatMap(({ charge, note }) =>
      charge.lease === lease && note !== null ? [note] : [],
    );
    const kept = before === undefined ? [] : await carriedBefore(source, before);
    const corrects = before === undefined ? null : correctionOf(before, { cause, lease, changes, granted });
    due.push({ draft, carried: [...kept, ...granted], revision, corrects });
  }
  return due;
}

async function carriedBefore({ store }: CorrectPeriod, { id }: StatementRow): Promise<CarriedCharge[]> {
  const document = await store.statement(id);
  return document === null ? [] : ((JSON.parse(document.json) as Statement).head.carried ?? []);
}

function correctionOf(
  before: StatementRow,
  of: { cause: string; lease: string; changes: readonly Difference[]; granted: readonly CarriedCharge[] },
): StatementCorrection {
  const nothing = { quantity: '0', net: '0.00', tax: '0.00' };
  return {
    statement: before.id,
    digest: before.digest,
    cause: of.cause,
    gross: before.gross,
    lines: [
      ...of.changes.filter(({ lease }) => lease === of.lease).map(lineOf),
      ...of.granted.map(({ utility, component, pool, net, tax }) => ({
        ...{ utility, component, pool },
        before: nothing,
        after: { quantity: '0', net, tax },
      })),
    ],
  };
}
