/**
 * What could not be stored as it came, kept with its reason. The same message for the same reason is one row, however often it is sent.
 * A row is never changed: that it was released or dismissed is a row of its own. It is bounded by gateway, as in every store.
 */
import { createHash } from 'node:crypto';
import type { QuarantineOperations } from '../port/quarantine.ts';
import {
  type Closing,
  type DroppedCount,
  type ItemKey,
  LIMITS,
  type Quarantined,
  type QuarantineEntry,
  type QuarantineFilter,
  QuarantineFullError,
  type QuarantineLimits,
  type QuarantineState,
} from '../port/quarantine.ts';
import type { Asynchronous } from '../store.ts';
import type { Database } from './open-database.ts';
import type { Row, Session } from './session.ts';

/** Rows that are forgotten in one transaction. */
const STEP = 1000;

export type NewEntry = Omit<Quarantined, 'id'> & { item?: ItemKey | undefined };

const GROW = `INSERT INTO quarantine_size (gateway, entries, bytes) VALUES ($1, $2, $3)
  ON CONFLICT (gateway) DO UPDATE SET entries = quarantine_size.entries + excluded.entries, bytes = quarantine_size.bytes + excluded.bytes
  RETURNING entries, bytes`;
/** What makes room first: closed entries, then whole messages. */
const CANDIDATES = [
  'SELECT id FROM quarantine_closed WHERE gateway = $1 ORDER BY id LIMIT 1',
  "SELECT id FROM quarantine WHERE epoch IS NULL AND coalesce(gateway, '') = $1 ORDER BY id LIMIT 1",
];
const ONE = `SELECT coalesce(q.gateway, '') AS gateway, q.code, coalesce(c.state, 'held') AS state, q.at, octet_length(q.payload) AS bytes
  FROM quarantine q LEFT JOIN quarantine_closed c USING (id) WHERE q.id = $1`;
const COUNT = `INSERT INTO quarantine_dropped (gateway, code, state, count, last_at) VALUES ($1, $2, $3, 1, $4)
  ON CONFLICT (gateway, code, state) DO UPDATE SET count = quarantine_dropped.count + 1,
    last_at = greatest(quarantine_dropped.last_at, excluded.last_at)`;

/** @returns what its gateway's quarantine holds now */
async function drop(session: Session, id: bigint): Promise<Row | undefined> {
  const [row] = await session.rows(ONE, [id]);
  const { gateway = '', code = '', state = '', at = '', bytes = 0 } = row ?? {};
  await session.run(COUNT, [gateway, code, state, at]);
  await session.run('DELETE FROM quarantine_closed WHERE id = $1', [id]);
  await session.run('DELETE FROM quarantine WHERE id = $1', [id]);
  return (await session.rows(GROW, [gateway, -1, -(bytes as number)]))[0];
}

const INSERT = `INSERT INTO quarantine (digest, gateway, epoch, sequence, topic, code, detail, payload, at)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
  ON CONFLICT (digest) DO NOTHING RETURNING octet_length(payload) AS bytes`;

/** The server's text takes every character but one. */
const storable = (text: string): string => text.replaceAll('\0', '\u2400');

/**
 * Puts entries of one sender in, inside the caller's transaction.
 * @throws QuarantineFullError for items; a whole message gives way instead
 */
export async function putAside(
  session: Session,
  gateway: string | null,
  entries: readonly NewEntry[],
  limits = LIMITS,
): Promise<void> {
  if (entries.length === 0) return;
  const column = <T>(of: (entry: NewEntry) => T): T[] => entries.map(of);
  const added = await session.rows(INSERT, [
    column(({ topic, code, payload, item }) => {
      const identity = JSON.stringify([gateway, item?.epoch ?? null, topic, code, payload]);
      return createHash('sha256').update(identity).digest('hex');
    }),
    column(() => gateway),
    column(({ item }) => item?.epoch ?? null),
    column(({ item }) => item?.sequence ?? null),
    column(({ topic }) => storable(topic)),
    column(({ code }) => code),
    column(({ detail }) => storable(detail)),
    column(({ payload }) => storable(payload)),
    column(({ at }) => at),
  ]);
  if (added.length === 0) return;
  const bytes = added.reduce((sum, row) => sum + (row.bytes as number), 0);
  await makeRoom(session, gateway ?? '', { entries: added.length, bytes }, limits);
}

async function makeRoom(
  session: Session,
  gateway: string,
  more: { entries: number; bytes: number },
  limits: QuarantineLimits,
): Promise<void> {
  let [held] = await session.rows(GROW, [gateway, more.entries, more.bytes]);
  while (Number(held?.entries) > limits.rows || Number(held?.bytes) > limits.bytes) {
    const [closed] = await session.rows(CANDIDATES[0] ?? '', [gateway]);
    const [row] = closed === undefined ? await session.rows(CANDIDATES[1] ?? '', [gateway]) : [closed];
    if (row === undefined) throw new QuarantineFullError(gateway);
    held = await drop(session, row.id as bigint);
  }
}

const CLOSE = `INSERT INTO quarantine_closed (id, gateway, state, at, by, reason)
  SELECT id, coalesce(gateway, ''), $2, $3, $4, $5 FROM quarantine WHERE id = $1 ON CONFLICT DO NOTHING`;

/** Closes a held row inside the caller's transaction. @returns false when it is not there or closed already */
export async function closeEntry(
  session: Session,
  id: number,
  { state, at, by, reason }: Closing,
): Promise<boolean> {
  return (await session.run(CLOSE, [id, state, at, by, reason])) === 1;
}

const ENTRY = `SELECT q.id, q.gateway, q.epoch, q.sequence, q.topic, q.code, q.detail, q.payload, q.at,
  c.state, c.at AS closed_at, c.by, c.reason FROM quarantine q LEFT JOIN quarantine_closed c USING (id)`;

function entryOf(row: Row): QuarantineEntry {
  const { id, epoch, sequence, state, closed_at, by, reason, ...message } = row;
  return {
    ...(message as unknown as Quarantined),
    id: Number(id),
    item: epoch === null ? null : { epoch: epoch as string, sequence: Number(sequence) },
    state: (state ?? 'held') as QuarantineState,
    closed:
      state === null ? null : { at: closed_at as string, by: by as string, reason: reason as string | null },
  };
}

/** Reads one row, closed or not; nobody else closes it before the caller's transaction ends. */
export async function readEntry(session: Session, id: number): Promise<QuarantineEntry | null> {
  const [row] = await session.rows(`${ENTRY} WHERE q.id = $1 FOR UPDATE OF q`, [id]);
  return row === undefined ? null : entryOf(row);
}

const LIST = `${ENTRY} WHERE q.id < $1 AND ($2::text IS NULL OR q.gateway = $2) AND ($3::text IS NULL OR q.code = $3)
  AND ($4::text IS NULL OR coalesce(c.state, 'held') = $4) ORDER BY q.id DESC LIMIT $5`;
const HELD = `SELECT (SELECT coalesce(sum(entries), 0) FROM quarantine_size) - (SELECT count(*) FROM quarantine_closed) AS n`;
const DROPPED = `SELECT nullif(gateway, '') AS gateway, code, state, count, last_at AS "lastAt" FROM quarantine_dropped
  ORDER BY quarantine_dropped.gateway, code, state`;

export function operations(db: Database, limits = LIMITS): Asynchronous<QuarantineOperations> {
  const list = async ({
    gateway,
    code,
    state,
    before,
    limit,
  }: QuarantineFilter): Promise<QuarantineEntry[]> => {
    const filter = [before ?? Number.MAX_SAFE_INTEGER, gateway ?? null, code ?? null, state ?? null, limit];
    return (await db.rows(LIST, filter)).map(entryOf);
  };
  return {
    quarantineEntries: list,
    quarantined: async (limit: number): Promise<Quarantined[]> =>
      (await list({ limit })).map(({ item: _, state: __, closed: ___, ...message }) => message),
    quarantineCount: async (): Promise<number> => Number((await db.rows(HELD))[0]?.n),
    quarantineDropped: async (): Promise<DroppedCount[]> =>
      (await db.rows(DROPPED)).map((row) => ({
        ...(row as unknown as DroppedCount),
        count: Number(row.count),
      })),
    quarantine: (entry: Omit<Quarantined, 'id'>, item?: ItemKey): Promise<void> =>
      db.transaction((tx) => putAside(tx, entry.gateway, [{ ...entry, item }], limits)),
    dismissQuarantined: ({
      id,
      at,
      by,
      reason,
    }: {
      id: number;
      at: string;
      by: string;
      reason: string;
    }): Promise<boolean> => closeEntry(db, id, { state: 'dismissed', at, by, reason }),
    /** Takes away what was closed long ago. */
    forgetClosed(nowMs: number): Promise<number> {
      const before = Temporal.Instant.fromEpochMilliseconds(nowMs - limits.closedDays * 86_400_000);
      return db.transaction(async (tx) => {
        const sql =
          'SELECT id FROM quarantine_closed WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED';
        const rows = await tx.rows(sql, [before.toString(), STEP]);
        for (const { id } of rows) await drop(tx, id as bigint);
        return rows.length;
      });
    },
  };
}
