/**
 * The outbox to external ledgers: an event is written in the transaction of what it tells, and handed to every webhook there is. What
 * becomes of it at each webhook is a delivery of its own, claimed by one worker at a time.
 */

import type { DatabaseSync } from 'node:sqlite';
import type {
  AttemptOutcome,
  AttemptRow,
  ClaimedDelivery,
  DeliveryCounts,
  EventRow,
  OutboxEvent,
  OutboxOperations,
  Webhook,
} from '../port/outbox.ts';
import { appendOnly } from './append-only.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS outbox_event (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  subject TEXT NOT NULL,
  time TEXT NOT NULL,
  data TEXT NOT NULL          -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_event_subject ON outbox_event (subject);
${appendOnly('outbox_event')}
CREATE TABLE IF NOT EXISTS webhook (
  id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  description TEXT NOT NULL,
  secret TEXT NOT NULL,       -- whsec_...: needed in the clear to sign
  created_at TEXT NOT NULL,
  ended_at TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery (
  webhook TEXT NOT NULL REFERENCES webhook (id),
  position INTEGER NOT NULL REFERENCES outbox_event (position),
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at_ms INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  owned_until_ms INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (webhook, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (next_at_ms, position) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS delivery_attempt (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook TEXT NOT NULL,
  position INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  at TEXT NOT NULL,
  status INTEGER,             -- HTTP; NULL: no answer
  detail TEXT NOT NULL,
  milliseconds INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_attempt_webhook ON delivery_attempt (webhook, number);
`;

/** Inside the transaction of what the events tell. An event that is there already is not told again. */
export function eventWriter(db: DatabaseSync) {
  const insert = db.prepare(
    `INSERT INTO outbox_event (id, type, subject, time, data) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO NOTHING RETURNING position`,
  );
  const hand = db.prepare(
    'INSERT INTO delivery (webhook, position) SELECT id, ? FROM webhook WHERE ended_at IS NULL',
  );
  return (events: readonly OutboxEvent[]): void => {
    for (const { id, type, subject, time, data } of events) {
      const row = insert.get(id, type, subject, time, data);
      if (row !== undefined) hand.run(row.position as number);
    }
  };
}

function webhookOperations(db: DatabaseSync) {
  const columns = 'id, url, description, secret, created_at AS createdAt, ended_at AS endedAt';
  const all = db.prepare(`SELECT ${columns} FROM webhook ORDER BY created_at, id`);
  const one = db.prepare(`SELECT ${columns} FROM webhook WHERE id = ?`);
  const insert = db.prepare(
    'INSERT INTO webhook (id, url, description, secret, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  const end = db.prepare('UPDATE webhook SET ended_at = ? WHERE id = ? AND ended_at IS NULL');
  const again = db.prepare(
    `INSERT INTO delivery (webhook, position) SELECT ?, position FROM outbox_event WHERE position > ? AND position <= ?
     ON CONFLICT DO UPDATE SET state = 'pending', attempts = 0, next_at_ms = 0`,
  );
  return {
    webhooks(): Webhook[] {
      return all.all() as unknown as Webhook[];
    },
    webhook(id: string): Webhook | null {
      return (one.get(id) as unknown as Webhook | undefined) ?? null;
    },
    addWebhook({ id, url, description, secret, createdAt }: Omit<Webhook, 'endedAt'>): void {
      insert.run(id, url, description, secret, createdAt);
    },
    endWebhook(id: string, at: string): boolean {
      return Number(end.run(at, id).changes) > 0;
    },
    replayEvents({ webhook, since, through }: { webhook: string; since: number; through: number }): number {
      return Number(again.run(webhook, since, through).changes);
    },
  };
}

function deliveryOperations(db: DatabaseSync) {
  const due = db.prepare(
    `UPDATE delivery SET owner = :owner, owned_until_ms = :untilMs
     WHERE (webhook, position) IN (
       SELECT d.webhook, d.position FROM delivery d JOIN webhook w ON w.id = d.webhook AND w.ended_at IS NULL
       WHERE d.state = 'pending' AND d.next_at_ms <= :nowMs AND d.owned_until_ms <= :nowMs
       ORDER BY d.next_at_ms, d.position LIMIT :limit)
     RETURNING webhook, position, attempts`,
  );
  const event = db.prepare(
    'SELECT position, id, type, subject, time, data FROM outbox_event WHERE position = ?',
  );
  const hook = db.prepare('SELECT url, secret FROM webhook WHERE id = ?');
  const settle = db.prepare(
    `UPDATE delivery SET state = ?, attempts = attempts + 1, next_at_ms = ?, owner = NULL, owned_until_ms = 0
     WHERE webhook = ? AND position = ? AND owner = ? RETURNING attempts`,
  );
  const log = db.prepare(
    `INSERT INTO delivery_attempt (webhook, position, attempt, at, status, detail, milliseconds)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const attempts = db.prepare(
    `SELECT a.number, e.id AS event, e.type, e.subject, a.attempt, a.at, a.status, a.detail, a.milliseconds
     FROM delivery_attempt a JOIN outbox_event e USING (position)
     WHERE a.webhook = ? AND a.number < ? ORDER BY a.number DESC LIMIT ?`,
  );
  const counts = db.prepare(
    `SELECT webhook, sum(state = 'pending') AS pending, sum(state = 'delivered') AS delivered, sum(state = 'dead') AS dead
     FROM delivery GROUP BY webhook ORDER BY webhook`,
  );
  const dead = db.prepare(
    `SELECT e.position, e.id, e.type, e.subject, e.time, e.data FROM delivery d JOIN outbox_event e USING (position)
     WHERE d.webhook = ? AND d.state = 'dead' ORDER BY position LIMIT ?`,
  );
  const revive = db.prepare(
    `UPDATE delivery SET state = 'pending', attempts = 0, next_at_ms = 0 WHERE webhook = ? AND state = 'dead'`,
  );
  return {
    claimDeliveries(asked: {
      owner: string;
      nowMs: number;
      untilMs: number;
      limit: number;
    }): ClaimedDelivery[] {
      const rows = due.all(asked) as unknown as { webhook: string; position: number; attempts: number }[];
      return rows
        .sort((a, b) => a.position - b.position)
        .map(({ webhook, position, attempts: before }) => ({
          webhook,
          attempts: before,
          ...(hook.get(webhook) as { url: string; secret: string }),
          event: event.get(position) as unknown as EventRow,
        }));
    },
    settleDelivery(outcome: AttemptOutcome): boolean {
      const { webhook, position, owner, state, nextAtMs, at, status, detail, milliseconds } = outcome;
      return transaction(db, () => {
        const row = settle.get(state, nextAtMs, webhook, position, owner);
        log.run(webhook, position, Number(row?.attempts ?? 0), at, status, detail, milliseconds);
        return row !== undefined;
      });
    },
    deliveryAttempts(asked: { webhook: string; before: number; limit: number }): AttemptRow[] {
      return attempts.all(asked.webhook, asked.before, asked.limit) as unknown as AttemptRow[];
    },
    deliveryCounts(): DeliveryCounts[] {
      return counts.all() as unknown as DeliveryCounts[];
    },
    deadEvents(webhook: string, limit: number): EventRow[] {
      return dead.all(webhook, limit) as unknown as EventRow[];
    },
    reviveDeliveries(webhook: string): number {
      return Number(revive.run(webhook).changes);
    },
  };
}

export function operations(db: DatabaseSync): OutboxOperations {
  const after = db.prepare(
    'SELECT position, id, type, subject, time, data FROM outbox_event WHERE position > ? ORDER BY position LIMIT ?',
  );
  const tell = eventWriter(db);
  return {
    ...webhookOperations(db),
    ...deliveryOperations(db),
    outboxEvents({ since, limit }: { since: number; limit: number }): EventRow[] {
      return after.all(since, limit) as unknown as EventRow[];
    },
    tellEvents(events: OutboxEvent[]): void {
      transaction(db, () => tell(events));
    },
  };
}
