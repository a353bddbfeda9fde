/**
 * What stands around an issued run: the steps that a period went through, the claim of whoever works on it, the input it was computed
 * from, the seal over its rows, and the meters whose intervals were written anew since.
 */
import type { RunInput, RunRecord, RunSpan, RunStep, SealRow } from '../port/run-records.ts';
import type { Database } from './open-database.ts';
import { nextPosition } from './positions.ts';
import type { Session } from './session.ts';

const INSERT_INPUTS = `INSERT INTO run_input (period, revision, meter, digest, body)
  SELECT $1, $2, i.* FROM unnest($3::text[], $4::text[], $5::bytea[]) AS i (meter, digest, body)`;

/** Inside the transaction that issues the run. */
export async function putRecord(
  session: Session,
  { period, revision }: { period: string; revision: number },
  { inputs, span, seal, settles }: RunRecord,
): Promise<void> {
  if (span !== null)
    await session.run(
      'INSERT INTO run_span (period, from_ms, to_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [period, span.fromMs, span.toMs],
    );
  await session.run('DELETE FROM late_change WHERE period = ANY($1::text[])', [settles]);
  await session.run(INSERT_INPUTS, [
    period,
    revision,
    inputs.map(({ meter }) => meter),
    inputs.map(({ digest }) => digest),
    inputs.map(({ body }) => body),
  ]);
  if (seal !== null)
    await session.run(
      'INSERT INTO run_seal (position, period, revision, json, key_id, signature) VALUES ($1, $2, $3, $4, $5, $6)',
      [await nextPosition(session, 'run_seal'), period, revision, seal.json, seal.keyId, seal.signature],
    );
}

const SPANS =
  'SELECT period, from_ms AS "fromMs", to_ms AS "toMs" FROM run_span WHERE from_ms < $2 AND to_ms > $1';

/** The issued periods that `[fromMs, toMs)` reaches into. */
export async function issuedSpans(
  session: Session,
  { fromMs, toMs }: RunSpan,
): Promise<(RunSpan & { period: string })[]> {
  const rows = await session.rows(SPANS, [fromMs, toMs]);
  return rows.map((row) => ({
    period: row.period as string,
    fromMs: Number(row.fromMs),
    toMs: Number(row.toMs),
  }));
}

export async function markLate(session: Session, period: string, meter: string): Promise<void> {
  await session.run('INSERT INTO late_change (period, meter) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    period,
    meter,
  ]);
}

const STEPS = 'SELECT period, number, state, at, actor, detail FROM run_step';
const OF_PERIOD = `${STEPS} WHERE period = $1 ORDER BY number`;
const NEWEST_STEPS = `SELECT DISTINCT ON (period) period, number, state, at, actor, detail FROM run_step
  ORDER BY period DESC, number DESC`;
const ADD_STEP = `INSERT INTO run_step (period, number, state, at, actor, detail)
  SELECT $1::text, $2::integer + 1, $3::text, $4::text, $5::text, $6::text
  WHERE (SELECT coalesce(max(number), 0) FROM run_step WHERE period = $1) = $2 ON CONFLICT DO NOTHING`;
const CLAIM = `INSERT INTO run_claim AS c (scope, owner, until_ms) VALUES ($1, $2, $3)
  ON CONFLICT (scope) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
  WHERE c.owner = excluded.owner OR c.until_ms <= $4`;
const INPUTS = 'SELECT meter, digest, body FROM run_input WHERE period = $1 AND revision = $2 ORDER BY meter';
const SEALS = 'SELECT period, revision, json, key_id AS "keyId", signature FROM run_seal ORDER BY position';

export function operations(db: Database) {
  return {
    runSteps: async (period: string): Promise<RunStep[]> =>
      (await db.rows(OF_PERIOD, [period])) as unknown as RunStep[],
    newestRunSteps: async (): Promise<RunStep[]> => (await db.rows(NEWEST_STEPS)) as unknown as RunStep[],
    addRunStep: async ({ after, ...step }: Omit<RunStep, 'number'> & { after: number }): Promise<boolean> =>
      (await db.run(ADD_STEP, [step.period, after, step.state, step.at, step.actor, step.detail])) > 0,
    claimRun: async (claimed: {
      scope: string;
      owner: string;
      nowMs: number;
      untilMs: number;
    }): Promise<boolean> =>
      (await db.run(CLAIM, [claimed.scope, claimed.owner, claimed.untilMs, claimed.nowMs])) > 0,
    async releaseRun(scope: string, owner: string): Promise<void> {
      await db.run('DELETE FROM run_claim WHERE scope = $1 AND owner = $2', [scope, owner]);
    },
    runInputs: async ({ period, revision }: { period: string; revision: number }): Promise<RunInput[]> =>
      (await db.rows(INPUTS, [period, revision])).map(({ meter, digest, body }) => ({
        meter: meter as string,
        digest: digest as string,
        body: new Uint8Array(body as Uint8Array),
      })),
    lateChanges: async (): Promise<{ period: string; meter: string }[]> =>
      (await db.rows('SELECT period, meter FROM late_change ORDER BY period, meter')) as unknown as {
        period: string;
        meter: string;
      }[],
    runSeals: async (): Promise<SealRow[]> => (await db.rows(SEALS)) as unknown as SealRow[],
    async lastSeal(): Promise<string | null> {
      const [row] = await db.rows('SELECT json FROM run_seal ORDER BY position DESC LIMIT 1');
      return (row?.json as string | undefined) ?? null;
    },
  };
}
