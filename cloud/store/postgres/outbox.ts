/**
 * The outbox to external ledgers: an event is written in the transaction of what it tells, and handed to every webhook there is. What
 * becomes of it at each webhook is a delivery of its own, claimed by one worker at a time.
 */

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
import type { Asynchronous } from '../store.ts';
import type { Database } from './open-database.ts';
import { nextPosition } from './positions.ts';
import type { Row, Session } from './session.ts';

const INSERT = `INSERT INTO outbox_event (position, id, type, subject, time, data) VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (id) DO NOTHING`;
const HAND =
  'INSERT INTO delivery (webhook, position) SELECT id, $1::bigint FROM webhook WHERE ended_at IS NULL';

/** Inside the transaction of what the events tell. An event that is there already is not told again. */
export async function tellEvents(session: Session, events: readonly OutboxEvent[]): Promise<void> {
  if (events.length === 0) return;
  let position = await nextPosition(session, 'outbox_event');
  for (const { id, type, subject, time, data } of events) {
    if ((await session.run(INSERT, [position, id, type, subject, time, data])) === 0) continue;
    await session.run(HAND, [position]);
    position += 1;
  }
}

const WEBHOOKS =
  'SELECT id, url, description, secret, created_at AS "createdAt", ended_at AS "endedAt" FROM webhook';
const AGAIN = `INSERT INTO delivery (webhook, position)
  SELECT $1::text, position FROM outbox_event WHERE position > $2 AND position <= $3 ORDER BY position
  ON CONFLICT (webhook, position) DO UPDATE SET state = 'pending', attempts = 0, next_at_ms = 0`;

function webhookOperations(db: Database) {
  return {
    webhooks: async (): Promise<Webhook[]> =>
      (await db.rows(`${WEBHOOKS} ORDER BY created_at, id`)) as unknown as Webhook[],
    webhook: async (id: string): Promise<Webhook | null> =>
      ((await db.rows(`${WEBHOOKS} WHERE id = $1`, [id]))[0] as unknown as Webhook | undefined) ?? null,
    async addWebhook({ id, url, description, secret, createdAt }: Omit<Webhook, 'endedAt'>): Promise<void> {
      await db.run(
        'INSERT INTO webhook (id, url, description, secret, created_at) VALUES ($1, $2, $3, $4, $5)',
        [id, url, description, secret, createdAt],
      );
    },
    endWebhook: async (id: string, at: string): Promise<boolean> =>
      (await db.run('UPDATE webhook SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL', [id, at])) > 0,
    replayEvents: ({
      webhook,
      since,
      through,
    }: {
      webhook: string;
      since: number;
      through: number;
    }): Promise<number> => db.run(AGAIN, [webhook, since, through]),
  };
}

/** Of two workers that ask at the same time each gets others. */
const DUE = `WITH due AS (
    SELECT d.webhook, d.position FROM delivery d JOIN webhook w ON w.id = d.webhook AND w.ended_at IS NULL
    WHERE d.state = 'pending' AND d.next_at_ms <= $3 AND d.owned_until_ms <= $3
    ORDER BY d.next_at_ms, d.position LIMIT $4 FOR UPDATE OF d SKIP LOCKED
  ), claimed AS (
    UPDATE delivery d SET owner = $1, owned_until_ms = $2 FROM due WHERE d.webhook = due.webhook AND d.position = due.position
    RETURNING d.webhook, d.position, d.attempts
  )
  SELECT c.webhook, c.attempts, w.url, w.secret, e.position, e.id, e.type, e.subject, e.time, e.data
  FROM claimed c JOIN webhook w ON w.id = c.webhook JOIN outbox_event e ON e.position = c.position ORDER BY e.position`;
const SETTLE = `UPDATE delivery SET state = $1, attempts = attempts + 1, next_at_ms = $2, owner = NULL, owned_until_ms = 0
  WHERE webhook = $3 AND position = $4 AND owner = $5 RETURNING attempts`;
const LOG = `INSERT INTO delivery_attempt (webhook, position, attempt, at, status, detail, milliseconds)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;
const ATTEMPTS = `SELECT a.number, e.id AS event, e.type, e.subject, a.attempt, a.at, a.status, a.detail, a.milliseconds
  FROM delivery_attempt a JOIN outbox_event e USING (position)
  WHERE a.webhook = $1 AND a.number < $2 ORDER BY a.number DESC LIMIT $3`;
const COUNTS = `SELECT webhook, count(*) FILTER (WHERE state = 'pending') AS pending,
    count(*) FILTER (WHERE state = 'delivered') AS delivered, count(*) FILTER (WHERE state = 'dead') AS dead
  FROM delivery GROUP BY webhook ORDER BY webhook`;
const DEAD = `SELECT e.position, e.id, e.type, e.subject, e.time, e.data FROM delivery d JOIN outbox_event e USING (position)
  WHERE d.webhook = $1 AND d.state = 'dead' ORDER BY position LIMIT $2`;
const REVIVE = `UPDATE delivery SET state = 'pending', attempts = 0, next_at_ms = 0 WHERE webhook = $1 AND state = 'dead'`;
const AFTER =
  'SELECT position, id, type, subject, time, data FROM outbox_event WHERE position > $1 ORDER BY position LIMIT $2';

const eventRow = (row: Row): EventRow => ({
  ...(row as unknown as EventRow),
  position: Number(row.position),
});

function deliveryOperations(
  db: Database,
): Omit<
  Asynchronous<OutboxOperations>,
  keyof ReturnType<typeof webhookOperations> | 'outboxEvents' | 'tellEvents'
> {
  return {
    async claimDeliveries(asked: {
      owner: string;
      nowMs: number;
      untilMs: number;
      limit: number;
    }): Promise<ClaimedDelivery[]> {
      const rows = await db.rows(DUE, [asked.owner, asked.untilMs, asked.nowMs, asked.limit]);
      return rows.map(({ webhook, attempts, url, secret, ...event }) => ({
        webhook: webhook as string,
        attempts: attempts as number,
        url: url as string,
        secret: secret as string,
        event: eventRow(event),
      }));
    },
    settleDelivery(outcome: AttemptOutcome): Promise<boolean> {
      const { webhook, position, owner, state, nextAtMs, at, status, detail, milliseconds } = outcome;
      return db.transaction(async (tx) => {
        const [row] = await tx.rows(SETTLE, [state, nextAtMs, webhook, position, owner]);
        await tx.run(LOG, [webhook, position, Number(row?.attempts ?? 0), at, status, detail, milliseconds]);
        return row !== undefined;
      });
    },
    async deliveryAttempts(asked: { webhook: string; before: number; limit: number }): Promise<AttemptRow[]> {
      const rows = await db.rows(ATTEMPTS, [asked.webhook, asked.before, asked.limit]);
      return rows.map((row) => ({ ...(row as unknown as AttemptRow), number: Number(row.number) }));
    },
    deliveryCounts: async (): Promise<DeliveryCounts[]> =>
      (await db.rows(COUNTS)).map(({ webhook, pending, delivered, dead }) => ({
        webhook: webhook as string,
        pending: Number(pending),
        delivered: Number(delivered),
        dead: Number(dead),
      })),
    deadEvents: async (webhook: string, limit: number): Promise<EventRow[]> =>
      (await db.rows(DEAD, [webhook, limit])).map(eventRow),
    reviveDeliveries: (webhook: string): Promise<number> => db.run(REVIVE, [webhook]),
  };
}

export function operations(db: Database): Asynchronous<OutboxOperations> {
  return {
    ...webhookOperations(db),
    ...deliveryOperations(db),
    outboxEvents: async ({ since, limit }: { since: number; limit: number }): Promise<EventRow[]> =>
      (await db.rows(AFTER, [since, limit])).map(eventRow),
    tellEvents: (events: OutboxEvent[]): Promise<void> => db.transaction((tx) => tellEvents(tx, events)),
  };
}
