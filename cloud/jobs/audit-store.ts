/**
 * Whether the billing rows are those that were sealed when they were issued. Every seal is signed, and a statement issued later
 * names the ones before: who edits a row past the triggers can edit the digests as well, but not sign for them.
 */
import { type CanonicalValue, canonicalJson } from '../../protocols/canonical-json.ts';
import type { Statement } from '../../protocols/statement.ts';
import { verifyStatement } from '../billing/verify-statement.ts';
import { signedBy } from '../signing.ts';
import type { EntryRow, RunRow } from '../store/port/billing.ts';
import type { RunSeal, SealRow } from '../store/port/run-records.ts';
import type { Store } from '../store/store.ts';
import { digestOf, recordedInput } from './billing-input.ts';
import { rowDigest } from './issue-run.ts';
import { chainHead } from './issue-statements.ts';

export interface AuditFinding {
  table: string;
  /** Its key; of a row that is gone, the run that it belonged to. */
  row: string;
  message: string;
}
export interface StoreAudit {
  runs: number;
  charges: number;
  statements: number;
  findings: AuditFinding[];
}

interface SealText {
  manifest: string;
  result: string;
  charges: string;
  entries: string;
  statements: string[];
  previous: string | null;
}

/**
 * @param keys public keys of the issuer by their id, from where they are trusted
 * @param newest how many runs to look at, counted from the last: all where absent
 */
export async function auditStore(
  store: Store,
  keys: ReadonlyMap<string, string>,
  newest = Number.POSITIVE_INFINITY,
): Promise<StoreAudit> {
  const audit: StoreAudit = { runs: 0, charges: 0, statements: 0, findings: [] };
  const seals = await store.runSeals();
  audit.findings.push(...sealChain(seals), ...(await unsealed(store, seals)));
  const looked = seals.slice(Math.max(0, seals.length - newest));
  const runs = new Map((await store.billingRuns()).map((run) => [nameOf(run), run]));
  for (const seal of looked) await auditRun({ store, keys, runs, audit }, seal);
  audit.findings.push(...(await statementChain(store, looked)));
  return audit;
}

function sealChain(seals: readonly SealRow[]): AuditFinding[] {
  return seals.flatMap((seal, index) => {
    const before = seals[index - 1];
    const expected = before === undefined ? null : digestOf(before.json);
    const { previous } = JSON.parse(seal.json) as SealText;
    return previous === expected
      ? []
      : [{ table: 'run_seal', row: nameOf(seal), message: 'it does not follow the seal before it' }];
  });
}

const nameOf = ({ period, revision }: { period: string; revision: number }): string =>
  `${period} r${revision}`;

/** Runs of earlier builds have no seal; after the first that has one, all have. */
async function unsealed(store: Store, seals: readonly SealRow[]): Promise<AuditFinding[]> {
  const sealed = new Set(seals.map(nameOf));
  const runs = (await store.billingRuns()).sort((a, b) => (a.issuedAt < b.issuedAt ? -1 : 1));
  const first = runs.findIndex((run) => sealed.has(nameOf(run)));
  return runs
    .filter((run, index) => first !== -1 && index > first && !sealed.has(nameOf(run)))
    .map((run) => ({ table: 'run_seal', row: nameOf(run), message: 'the run has no seal' }));
}

interface Auditing {
  store: Store;
  keys: ReadonlyMap<string, string>;
  runs: ReadonlyMap<string, RunRow>;
  audit: StoreAudit;
}

async function auditRun({ store, keys, runs, audit }: Auditing, seal: SealRow): Promise<void> {
  const find = (table: string, row: string, message: string): void => {
    audit.findings.push({ table, row, message });
  };
  const name = nameOf(seal);
  audit.runs += 1;
  const broken = sealProblem(seal, keys);
  if (broken !== null) return find('run_seal', name, broken);
  const text = JSON.parse(seal.json) as SealText;
  const run = runs.get(name);
  if (run === undefined) return find('billing_run', name, 'the run is gone');
  for (const message of runProblems(run, text)) find('billing_run', name, message);
  for (const message of await inputProblems(store, run)) find('run_input', name, message);

  const charges = (await store.chargesOfRun(seal)).map(({ position: _, ...charge }) => charge);
  audit.charges += charges.length;
  for (const [row, message] of unlike(charges, text.charges, ({ key }) => key)) find('charge', row, message);
  const entries: EntryRow[] = await store.entriesOfRun(seal);
  for (const [row, message] of unlike(entries, text.entries, ({ id }) => id)) find('posting', row, message);
  const rows = (await store.statements({ period: seal.period })).filter(
    (one) => one.revision === seal.revision,
  );
  audit.statements += rows.length;
  for (const { id, digest, gross } of rows) {
    const document = await store.statement(id);
    const message = await statementProblem(document?.json ?? '', { digest, gross }, keys);
    if (message !== null) find('statement', id, message);
    if (!text.statements.includes(digest)) find('statement', id, 'its digest is not the one that was sealed');
  }
  if (rows.length < text.statements.length)
    find('statement', name, `${text.statements.length - rows.length} statements of the run are gone`);
}

function sealProblem({ json, keyId, signature }: RunSeal, keys: ReadonlyMap<string, string>): string | null {
  const key = keys.get(keyId);
  if (key === undefined) return `sealed by ${keyId}, which is no key of the issuer`;
  return signedBy(json, signature, key) ? null : 'the signature does not belong to the seal';
}

function runProblems({ manifest, manifestJson, result }: RunRow, text: SealText): string[] {
  return [
    ...(digestOf(manifestJson) === manifest && manifest === text.manifest
      ? []
      : ['its manifest was changed']),
    ...(digestOf(JSON.stringify(result)) === text.result ? [] : ['its result was changed']),
  ];
}

async function inputProblems(store: Store, run: RunRow): Promise<string[]> {
  try {
    const records = await store.runInputs(run);
    recordedInput(records);
    const { readings } = JSON.parse(run.manifestJson) as { readings: string };
    const digest = digestOf(
      canonicalJson(records.map(({ meter, digest: one }) => [meter, one] as CanonicalValue)),
    );
    return digest === readings ? [] : ['the recorded input is not the one of the manifest'];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** Rows whose digest was never sealed, and how many of the sealed ones are gone. */
function unlike<T extends object>(
  rows: readonly T[],
  sealed: string,
  keyOf: (row: T) => string,
): [row: string, message: string][] {
  const expected = new Set(sealed.match(/.{16}/g) ?? []);
  const edited = rows.filter((row) => !expected.has(rowDigest(row)));
  const gone = expected.size - rows.length;
  return [
    ...edited.map((row): [string, string] => [keyOf(row), 'it is not what was sealed']),
    ...(gone > 0 ? [['', `${gone} rows of the run are gone`] as [string, string]] : []),
  ];
}

async function statementProblem(
  json: string,
  { digest, gross }: { digest: string; gross: string },
  keys: ReadonlyMap<string, string>,
): Promise<string | null> {
  if (digestOf(json) !== digest) return 'the file is not that of its digest';
  const verified = await verifyStatement(new TextEncoder().encode(json));
  if (!verified.ok) return verified.findings[0]?.message ?? 'the file is not right';
  const { signature, head } = verified.statement;
  if (keys.get(signature.keyId) !== signature.publicKey)
    return `signed by ${signature.keyId}, which is no key of the issuer`;
  return head.gross === gross ? null : 'the total beside the file is another';
}

/** Each statement stands on the digests of all before it. */
async function statementChain(store: Store, looked: readonly SealRow[]): Promise<AuditFinding[]> {
  const names = new Set(looked.map(nameOf));
  const wanted = new Set(
    (await store.statements()).flatMap((row) => (names.has(nameOf(row)) ? [row.id] : [])),
  );
  const findings: AuditFinding[] = [];
  let head = '0'.repeat(64);
  for (const [position, { id, digest }] of (await store.statementChain()).entries()) {
    if (wanted.has(id)) {
      const { chain } =
        (JSON.parse((await store.statement(id))?.json ?? '{}') as Partial<Statement>).head ?? {};
      if (chain !== undefined && (chain.position !== position || chain.head !== head))
        findings.push({
          table: 'statement',
          row: id,
          message: 'the statements before it are not those that it was issued on',
        });
    }
    head = chainHead(head, digest);
  }
  return findings;
}
