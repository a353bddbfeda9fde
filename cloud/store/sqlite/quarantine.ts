/**
 * What could not be stored as it came, kept with its reason. The same message for the same reason is one row, however often it is sent.
 * A row is never changed: that it was released or dismissed is a row of its own. It is bounded by gateway: what is closed goes first,
 * then whole messages, which nobody was given a receipt for; what went is counted. An item that was receipted never goes by itself.
 */

import { createHash } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
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
  type QuarantineOperations,
  type QuarantineState,
} from '../port/quarantine.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS quarantine (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  gateway TEXT,
  epoch TEXT,
  sequence INTEGER,
  topic TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  payload TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS quarantine_item ON quarantine (gateway, epoch, sequence) WHERE epoch IS NOT NULL;
CREATE INDEX IF NOT EXISTS quarantine_message ON quarantine (coalesce(gateway, ''), id) WHERE epoch IS NULL;
CREATE TABLE IF NOT EXISTS quarantine_closed (
  id INTEGER PRIMARY KEY REFERENCES quarantine,
  gateway TEXT NOT NULL,           -- empty where the sender could not be told, here and below
  state TEXT NOT NULL CHECK (state IN ('released', 'dismissed')),
  at TEXT NOT NULL,
  by TEXT NOT NULL,
  reason TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS quarantine_closed_gateway ON quarantine_closed (gateway, id);
CREATE INDEX IF NOT EXISTS quarantine_closed_at ON quarantine_closed (at);
CREATE TABLE IF NOT EXISTS quarantine_size (
  gateway TEXT PRIMARY KEY,
  entries INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO quarantine_size SELECT coalesce(gateway, ''), count(*), sum(octet_length(payload)) FROM quarantine
  WHERE NOT EXISTS (SELECT 1 FROM quarantine_size) GROUP BY 1;
CREATE TABLE IF NOT EXISTS quarantine_dropped (
  gateway TEXT NOT NULL,
  code TEXT NOT NULL,
  state TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at TEXT NOT NULL,           -- when the last of them had come
  PRIMARY KEY (gateway, code, state)
) STRICT, WITHOUT ROWID;
`;

/** Rows that are forgotten in one transaction. */
const STEP = 1000;

type Row = Record<string, SQLOutputValue>;

/** Takes rows away, the least needed first, and counts them; inside the caller's transaction. */
function evictor(db: DatabaseSync, limits: QuarantineLimits) {
  const size = db.prepare('SELECT entries, bytes FROM quarantine_size WHERE gateway = ?');
  const grow = db.prepare(
    `INSERT INTO quarantine_size (gateway, entries, bytes) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET entries = entries + excluded.entries, bytes = bytes + excluded.bytes`,
  );
  const orders = [
    'SELECT id FROM quarantine_closed WHERE gateway = ? ORDER BY id LIMIT 1',
    "SELECT id FROM quarantine WHERE epoch IS NULL AND coalesce(gateway, '') = ? ORDER BY id LIMIT 1",
  ].map((sql) => db.prepare(sql));
  const one = db.prepare(
    `SELECT coalesce(q.gateway, '') AS gateway, q.code, coalesce(c.state, 'held') AS state, q.at, octet_length(q.payload) AS bytes
     FROM quarantine q LEFT JOIN quarantine_closed c USING (id) WHERE q.id = ?`,
  );
  const count = db.prepare(
    `INSERT INTO quarantine_dropped (gateway, code, state, count, last_at) VALUES (?, ?, ?, 1, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, last_at = max(last_at, excluded.last_at)`,
  );
  const closedBefore = db.prepare('SELECT id FROM quarantine_closed WHERE at < ? ORDER BY at LIMIT ?');
  const reopen = db.prepare('DELETE FROM quarantine_closed WHERE id = ?');
  const remove = db.prepare('DELETE FROM quarantine WHERE id = ?');

  const drop = ({ id = null }: Row): void => {
    const { gateway = '', code = '', state = '', at = '', bytes } = one.get(id) ?? {};
    count.run(gateway, code, state, at);
    reopen.run(id);
    remove.run(id);
    grow.run(gateway, -1, -(bytes as number));
  };
  return {
    /** @throws QuarantineFullError */
    makeRoom(gateway: string, bytes: number): void {
      grow.run(gateway, 1, bytes);
      for (;;) {
        const held = size.get(gateway) as unknown as { entries: number; bytes: number };
        if (held.entries <= limits.rows && held.bytes <= limits.bytes) return;
        const row = orders[0]?.get(gateway) ?? orders[1]?.get(gateway);
        if (row === undefined) throw new QuarantineFullError(gateway);
        drop(row);
      }
    },
    /** @param before RFC 3339 `Z`: what was closed earlier goes */
    closedBefore(before: string): number {
      const rows = closedBefore.all(before, STEP);
      for (const row of rows) drop(row);
      return rows.length;
    },
  };
}

/** Inserts into the quarantine, inside the caller's transaction. @throws QuarantineFullError for an item; a whole message gives way instead */
export function quarantineInserter(db: DatabaseSync, limits = LIMITS) {
  const insert = db.prepare(
    `INSERT INTO quarantine (digest, gateway, epoch, sequence, topic, code, detail, payload, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING`,
  );
  const evict = evictor(db, limits);
  return ({ gateway, topic, code, detail, payload, at }: Omit<Quarantined, 'id'>, item?: ItemKey): void => {
    const { epoch = null, sequence = null } = item ?? {};
    const identity = JSON.stringify([gateway, epoch, topic, code, payload]);
    const digest = createHash('sha256').update(identity).digest('hex');
    const row = [digest, gateway, epoch, sequence, topic, code, detail, payload, at];
    if (insert.run(...row).changes === 1) evict.makeRoom(gateway ?? '', Buffer.byteLength(payload));
  };
}

/** Closes a held row inside the caller's transaction. @returns false when it is not there or closed already */
export function quarantineCloser(db: DatabaseSync) {
  const close = db.prepare(
    `INSERT INTO quarantine_closed (id, gateway, state, at, by, reason)
     SELECT id, coalesce(gateway, ''), ?, ?, ?, ? FROM quarantine WHERE id = ? ON CONFLICT DO NOTHING`,
  );
  return (id: number, { state, at, by, reason }: Closing): boolean =>
    close.run(state, at, by, reason, id).changes === 1;
}

const ENTRY = `SELECT q.id, q.gateway, q.epoch, q.sequence, q.topic, q.code, q.detail, q.payload, q.at,
  c.state, c.at AS closed_at, c.by, c.reason FROM quarantine q LEFT JOIN quarantine_closed c USING (id)`;

function entryOf(row: Record<string, SQLOutputValue>): QuarantineEntry {
  const { epoch, sequence, state, closed_at, by, reason, ...message } = row;
  return {
    ...(message as unknown as Quarantined),
    item: epoch === null ? null : { epoch: epoch as string, sequence: sequence as number },
    state: (state ?? 'held') as QuarantineState,
    closed:
      state === null ? null : { at: closed_at as string, by: by as string, reason: reason as string | null },
  };
}

/** Reads one row, closed or not. */
export function quarantineReader(db: DatabaseSync): (id: number) => QuarantineEntry | null {
  const one = db.prepare(`${ENTRY} WHERE q.id = ?`);
  return (id) => {
    const row = one.get(id);
    return row === undefined ? null : entryOf(row);
  };
}

function listing(db: DatabaseSync) {
  const list = db.prepare(
    `${ENTRY} WHERE q.id < :before AND (:gateway IS NULL OR q.gateway = :gateway) AND (:code IS NULL OR q.code = :code)
       AND (:state IS NULL OR coalesce(c.state, 'held') = :state) ORDER BY q.id DESC LIMIT :limit`,
  );
  const count = db.prepare(
    `SELECT (SELECT coalesce(sum(entries), 0) FROM quarantine_size) - (SELECT count(*) FROM quarantine_closed) AS n`,
  );
  const dropped = db.prepare(
    `SELECT nullif(gateway, '') AS gateway, code, state, count, last_at AS lastAt FROM quarantine_dropped ORDER BY gateway, code, state`,
  );
  return {
    quarantineEntries({ gateway, code, state, before, limit }: QuarantineFilter): QuarantineEntry[] {
      const filter = { gateway: gateway ?? null, code: code ?? null, state: state ?? null };
      return list.all({ ...filter, before: before ?? Number.MAX_SAFE_INTEGER, limit }).map(entryOf);
    },
    quarantined(limit: number): Quarantined[] {
      return list
        .all({ gateway: null, code: null, state: null, before: Number.MAX_SAFE_INTEGER, limit })
        .map(entryOf)
        .map(({ item: _, state: __, closed: ___, ...message }) => message);
    },
    quarantineCount(): number {
      return count.get()?.n as number;
    },
    quarantineDropped(): DroppedCount[] {
      return dropped.all() as unknown as DroppedCount[];
    },
  };
}

export function operations(db: DatabaseSync, limits = LIMITS): QuarantineOperations {
  const insert = quarantineInserter(db, limits);
  const evict = evictor(db, limits);
  const close = quarantineCloser(db);
  return {
    ...listing(db),
    quarantine(entry: Omit<Quarantined, 'id'>, item?: ItemKey): void {
      transaction(db, () => insert(entry, item));
    },
    dismissQuarantined({
      id,
      at,
      by,
      reason,
    }: {
      id: number;
      at: string;
      by: string;
      reason: string;
    }): boolean {
      return transaction(db, () => close(id, { state: 'dismissed', at, by, reason }));
    },
    forgetClosed(nowMs: number): number {
      const before = Temporal.Instant.fromEpochMilliseconds(nowMs - limits.closedDays * 86_400_000);
      return transaction(db, () => evict.closedBefore(before.toString()));
    },
  };
}
