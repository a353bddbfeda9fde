/**
 * What stands around an issued run: the steps that a period went through, the claim of whoever works on it, the input it was computed
 * from, the seal over its rows, and the meters whose intervals were written anew since.
 */

import type { DatabaseSync } from 'node:sqlite';
import type {
  RunInput,
  RunRecord,
  RunRecordsOperations,
  RunSpan,
  RunStep,
  SealRow,
} from '../port/run-records.ts';
import { appendOnly } from './append-only.ts';
import { transaction } from './transaction.ts';

/** Steps, inputs, spans and seals are only ever added to; claims and late changes come and go. */
export const schema = `
CREATE TABLE IF NOT EXISTS run_step (
  period TEXT NOT NULL,
  number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'checked', 'computed', 'reviewed', 'issued', 'closed')),
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  detail TEXT NOT NULL,       -- JSON
  PRIMARY KEY (period, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_claim (
  scope TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_input (
  period TEXT NOT NULL,
  revision INTEGER NOT NULL,
  meter TEXT NOT NULL,
  digest TEXT NOT NULL,       -- SHA-256 of the canonical JSON in body
  body BLOB NOT NULL,         -- zstd
  PRIMARY KEY (period, revision, meter),
  FOREIGN KEY (period, revision) REFERENCES billing_run
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_span (
  period TEXT PRIMARY KEY,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS late_change (
  period TEXT NOT NULL,
  meter TEXT NOT NULL,
  PRIMARY KEY (period, meter)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_seal (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  period TEXT NOT NULL,
  revision INTEGER NOT NULL,
  json TEXT NOT NULL,         -- canonical
  key_id TEXT NOT NULL,
  signature TEXT NOT NULL,    -- Ed25519 over json, base64
  UNIQUE (period, revision),
  FOREIGN KEY (period, revision) REFERENCES billing_run
) STRICT;
${['run_step', 'run_input', 'run_span', 'run_seal'].map(appendOnly).join('')}`;

/** Inside the transaction that issues the run. */
export function recordWriter(db: DatabaseSync) {
  const insertSpan = db.prepare(
    'INSERT INTO run_span (period, from_ms, to_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const settle = db.prepare('DELETE FROM late_change WHERE period = ?');
  const insertInput = db.prepare(
    'INSERT INTO run_input (period, revision, meter, digest, body) VALUES (?, ?, ?, ?, ?)',
  );
  const insertSeal = db.prepare(
    'INSERT INTO run_seal (period, revision, json, key_id, signature) VALUES (?, ?, ?, ?, ?)',
  );
  return (run: { period: string; revision: number }, { inputs, span, seal, settles }: RunRecord): void => {
    if (span !== null) insertSpan.run(run.period, span.fromMs, span.toMs);
    for (const period of settles) settle.run(period);
    for (const { meter, digest, body } of inputs)
      insertInput.run(run.period, run.revision, meter, digest, body);
    if (seal !== null) insertSeal.run(run.period, run.revision, seal.json, seal.keyId, seal.signature);
  };
}

/** Inside the transaction that writes intervals: which of the issued periods they lie in, and that the meter has changed there. */
export function lateMarker(db: DatabaseSync) {
  const issued = db.prepare(
    'SELECT period, from_ms AS fromMs, to_ms AS toMs FROM run_span WHERE from_ms < ? AND to_ms > ?',
  );
  const mark = db.prepare('INSERT INTO late_change (period, meter) VALUES (?, ?) ON CONFLICT DO NOTHING');
  return {
    issuedSpans: (fromMs: number, toMs: number) =>
      issued.all(toMs, fromMs) as unknown as (RunSpan & { period: string })[],
    markLate(period: string, meter: string): void {
      mark.run(period, meter);
    },
  };
}

export function operations(db: DatabaseSync): RunRecordsOperations {
  const late = db.prepare('SELECT period, meter FROM late_change ORDER BY period, meter');
  const steps = db.prepare(
    'SELECT period, number, state, at, actor, detail FROM run_step WHERE period = ? ORDER BY number',
  );
  const newestSteps = db.prepare(
    `SELECT period, number, state, at, actor, detail FROM run_step s
     WHERE number = (SELECT max(number) FROM run_step WHERE period = s.period) ORDER BY period DESC`,
  );
  const lastNumber = db.prepare('SELECT coalesce(max(number), 0) AS number FROM run_step WHERE period = ?');
  const insertStep = db.prepare(
    'INSERT INTO run_step (period, number, state, at, actor, detail) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const claim = db.prepare(
    `INSERT INTO run_claim (scope, owner, until_ms) VALUES (:scope, :owner, :untilMs)
     ON CONFLICT (scope) DO UPDATE SET owner = :owner, until_ms = :untilMs
     WHERE owner = :owner OR until_ms <= :nowMs`,
  );
  const release = db.prepare('DELETE FROM run_claim WHERE scope = ? AND owner = ?');
  const inputs = db.prepare(
    'SELECT meter, digest, body FROM run_input WHERE period = ? AND revision = ? ORDER BY meter',
  );
  const seals = db.prepare(
    'SELECT period, revision, json, key_id AS keyId, signature FROM run_seal ORDER BY position',
  );
  const lastSeal = db.prepare('SELECT json FROM run_seal ORDER BY position DESC LIMIT 1');

  return {
    runSteps(period: string): RunStep[] {
      return steps.all(period) as unknown as RunStep[];
    },
    newestRunSteps(): RunStep[] {
      return newestSteps.all() as unknown as RunStep[];
    },
    addRunStep({ after, ...step }: Omit<RunStep, 'number'> & { after: number }): boolean {
      return transaction(db, () => {
        if (Number(lastNumber.get(step.period)?.number) !== after) return false;
        insertStep.run(step.period, after + 1, step.state, step.at, step.actor, step.detail);
        return true;
      });
    },
    claimRun(claimed: { scope: string; owner: string; nowMs: number; untilMs: number }): boolean {
      return Number(claim.run(claimed).changes) > 0;
    },
    releaseRun(scope: string, owner: string): void {
      release.run(scope, owner);
    },
    runInputs({ period, revision }: { period: string; revision: number }): RunInput[] {
      return inputs.all(period, revision) as unknown as RunInput[];
    },
    lateChanges(): { period: string; meter: string }[] {
      return late.all() as unknown as { period: string; meter: string }[];
    },
    runSeals(): SealRow[] {
      return seals.all().map((row) => ({ ...row, revision: Number(row.revision) }) as unknown as SealRow);
    },
    lastSeal(): string | null {
      return (lastSeal.get()?.json as string | undefined) ?? null;
    },
  };
}
