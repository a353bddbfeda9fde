/** Computes an issued run again from what was recorded with it, and compares: the manifest, every charge, every statement's bytes. */
import type { RecomputedRun } from '../../protocols/billing-api.ts';
import { canonicalJson } from '../../protocols/canonical-json.ts';
import type { Park } from '../../protocols/park.ts';
import type { Statement } from '../../protocols/statement.ts';
import { formatMicro, formatMinor } from '../../protocols/units.ts';
import { billPeriod } from '../billing/bill-period.ts';
import { differences } from '../ledger/correct-charges.ts';
import type { SigningKey } from '../signing.ts';
import { signStatement } from '../signing.ts';
import type { RunRow, StatementRow } from '../store/port/billing.ts';
import type { Store } from '../store/store.ts';
import { readingsDigest, recordedInput } from './billing-input.ts';
import { parkOf, postedCharge } from './carried-over.ts';
import { type Billed, rulesInForce } from './close-period.ts';
import { headed } from './issue-statements.ts';
import { runManifest } from './run-manifest.ts';

export interface RecomputeRun {
  store: Store;
  park: Park;
  signingKey: SigningKey;
  period: string;
}
type Recomputed = { ok: true; result: RecomputedRun } | { ok: false; code: string; detail: string };

/** The newest revision of the period. */
export async function recomputeRun(options: RecomputeRun): Promise<Recomputed> {
  const { store, period } = options;
  const run = await store.billingRun(period);
  if (run === null) return { ok: false, code: 'unknown_run', detail: `${period} was never issued` };
  const records = await store.runInputs(run);
  if (records.length === 0)
    return {
      ok: false,
      code: 'no_recorded_input',
      detail: `${period} was issued by a build that recorded no input`,
    };
  const park = await parkOf(options, run);
  const { acceptEstimates = null } = JSON.parse(run.manifestJson) as { acceptEstimates?: null };
  let metered: ReturnType<typeof recordedInput>;
  try {
    metered = recordedInput(records);
  } catch (error) {
    return { ok: false, code: 'input_changed', detail: (error as Error).message };
  }
  const billed = billPeriod({ park, period, ...metered, acceptEstimates });
  if (!billed.ok) return billed;
  const found = [
    ...(await manifestDifferences(options, run, park, readingsDigest(records))),
    ...(await chargeDifferences(store, period, billed)),
  ];
  const { compared, differing } = await statementDifferences(options, billed);
  const all = [...found, ...differing];
  const { revision, manifest } = run;
  return {
    ok: true,
    result: {
      period,
      revision,
      manifest,
      identical: all.length === 0,
      statements: compared,
      differences: all,
    },
  };
}

async function manifestDifferences(
  { store }: RecomputeRun,
  run: RunRow,
  park: Park,
  readings: string,
): Promise<string[]> {
  const stated = JSON.parse(run.manifestJson) as { park: { digest: string }; acceptEstimates: null };
  const rows = await store.statements({ period: run.period });
  const carried = [];
  for (const row of rows.filter(({ revision }) => revision === run.revision)) {
    const document = JSON.parse((await store.statement(row.id))?.json ?? '{}') as Statement;
    carried.push(...(document.head.carried ?? []));
  }
  const mine = runManifest({
    ...{ period: run.period, revision: run.revision, park, parkDigest: stated.park.digest, readings },
    acceptEstimates: stated.acceptEstimates,
    rules: await rulesInForce(store),
    carried,
  });
  if (mine.json === run.manifestJson) return [];
  const theirs = JSON.parse(run.manifestJson) as Record<string, unknown>;
  const ours = JSON.parse(mine.json) as Record<string, unknown>;
  return (
    Object.keys(ours)
      // Rules of posting and what was carried decide no figure of the run's own charges.
      .filter((key) => !['postingRules', 'carried'].includes(key))
      .filter((key) => JSON.stringify(ours[key]) !== JSON.stringify(theirs[key]))
      .map((key) => `manifest: ${key} is another`)
  );
}

async function chargeDifferences(store: Store, period: string, billed: Billed): Promise<string[]> {
  const posted = (await store.chargesForService(period)).filter((charge) => charge.period === period);
  const due = billed.charges.map(({ holder, ...charge }) => ({ ...charge, lease: holder }));
  return differences(posted.map(postedCharge), due).map(
    ({ lease, utility, component, pool, before, after }) =>
      `charge ${lease ?? 'landlord'} ${utility} ${component} ${pool}: posted ${formatMicro(before.quantity)} ${formatMinor(before.net + before.tax)}, recomputed ${formatMicro(after.quantity)} ${formatMinor(after.net + after.tax)}`,
  );
}

/** A statement of the key that still signs is made again whole; of a retired key, all but its signature is. */
async function statementDifferences(
  { store, period, signingKey }: RecomputeRun,
  billed: Billed,
): Promise<{ compared: number; differing: string[] }> {
  const rows = (await store.statements({ period })).filter(({ correctedBy }) => correctedBy === null);
  const drafts = new Map(billed.statementDrafts.map((draft) => [draft.head.lease, draft]));
  const differing: string[] = [];
  let compared = 0;
  for (const row of rows) {
    const draft = drafts.get(row.lease);
    // A lease that has ended is only on a statement for what was carried over to it.
    if (draft === undefined) continue;
    compared += 1;
    if (!(await isSame(store, row, draft, signingKey))) differing.push(`statement ${row.id}: other bytes`);
  }
  return { compared, differing };
}

async function isSame(
  store: Store,
  { id }: StatementRow,
  draft: Billed['statementDrafts'][number],
  signingKey: SigningKey,
): Promise<boolean> {
  const document = await store.statement(id);
  if (document === null) return false;
  const stated = JSON.parse(document.json) as Statement;
  const { issuedAt, manifest, previous, chain, carried = [], revision = 0, corrects = null } = stated.head;
  const made = headed({ draft, carried, revision, corrects });
  const issue = { issuedAt, manifest, previous, ...(chain && { chain }) };
  const again = signStatement(made, issue, signingKey);
  if (stated.signature.keyId === signingKey.keyId) return again.json === document.json;
  return canonicalJson(again.statement.digests) === canonicalJson(stated.digests);
}
