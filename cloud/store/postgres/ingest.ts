/**
 * The way in. One batch of a gateway is one transaction: its readings and gap markers, the quarantine of what cannot be
 * stored, the last values, and the marks of what has to be derived or exported again.
 */
import { readingsTopic } from '../../../protocols/topics.ts';
import { type Batch, UplinkItem } from '../../../protocols/uplink.ts';
import { unixMs } from '../admit.ts';
import type { IngestOperations } from '../port/ingest.ts';
import { AHEAD_MS, type Assignment, type IngestResult, MOST_FAILED, type Release } from '../port/ingest.ts';
import type { Asynchronous, Store } from '../store.ts';
import { isWithoutPartition } from './fault.ts';
import { openedMonths } from './months.ts';
import type { Database } from './open-database.ts';
import { metersOf, moveMeters } from './ownership.ts';
import { closeEntry, putAside, readEntry } from './quarantine.ts';
import type { Session } from './session.ts';
import { surroundings, takeItems } from './take-items.ts';

const HELD = `SELECT q.payload FROM quarantine q LEFT JOIN quarantine_closed c USING (id)
  WHERE q.gateway = $1 AND q.epoch = $2 AND q.sequence BETWEEN $3 AND $4 AND c.state IS DISTINCT FROM 'released'`;

/** Stores what is new of the batch and accounts for the rest, inside the caller's transaction. */
async function takeBatch(session: Session, batch: Batch, ingestedAt: string): Promise<IngestResult> {
  const { gateway, epoch, from, to } = batch;
  const [rows, around] = await Promise.all([
    session.rows(HELD, [gateway, epoch, from, to]),
    surroundings(session, batch, batch.items),
  ]);
  const heldPayloads = new Set(rows.map(({ payload }) => payload));
  // What was quarantined stays so when it is sent again, whatever the clock says by then.
  const isHeld = (item: UplinkItem): boolean =>
    heldPayloads.size > 0 && heldPayloads.has(JSON.stringify(item));
  const items = batch.items.filter((item) => !isHeld(item));
  const outcomes = await takeItems(session, batch, items, {
    ...around,
    latestMs: unixMs(ingestedAt) + AHEAD_MS,
  });
  const entry = { gateway, topic: readingsTopic(gateway), at: ingestedAt };
  const refused = items.flatMap((item) => {
    const { sequence } = item;
    const outcome = outcomes.get(sequence);
    if (typeof outcome !== 'object') return [];
    return [{ ...entry, ...outcome, payload: JSON.stringify(item), item: { epoch, sequence } }];
  });
  await putAside(session, gateway, refused);
  const stored = [...outcomes.values()].filter((outcome) => outcome === 'stored').length;
  const quarantined = batch.items.length - items.length + refused.length;
  return { stored, duplicates: batch.items.length - stored - quarantined, quarantined };
}

function itemOf(payload: string): UplinkItem | null {
  try {
    return UplinkItem.safeParse(JSON.parse(payload)).data ?? null;
  } catch {
    return null;
  }
}

/** Of readings: the months that they need. Whatever their stamps say, none is before 2000 or far ahead. */
const instantsOf = (items: readonly (UplinkItem | null)[], latestMs: number): number[] =>
  items.flatMap((item) => {
    if (item?.kind !== 'reading') return [];
    const ms = unixMs(item.readAt);
    return ms >= EARLIEST_MS && ms <= latestMs ? [ms] : [];
  });
const EARLIEST_MS = Date.UTC(2000, 0);

/** Takes what is in quarantine out of it, through the same checks; inside the caller's transaction. */
async function release(session: Session, { id, at, by }: Decision): Promise<Release> {
  const entry = await readEntry(session, id);
  if (entry === null) return { ok: false, code: 'unknown_entry', detail: `no entry ${id}` };
  if (entry.closed !== null)
    return { ok: false, code: 'already_closed', detail: `${entry.state} at ${entry.closed.at}` };
  const item = itemOf(entry.payload);
  if (item === null || entry.item === null || entry.gateway === null)
    return { ok: false, code: 'not_an_item', detail: 'it is no item that could be stored' };
  const { epoch, sequence } = entry.item;
  const sender = { gateway: entry.gateway, epoch };
  const around = await surroundings(session, sender, [item]);
  const outcomes = await takeItems(session, sender, [item], { ...around, latestMs: unixMs(at) + AHEAD_MS });
  const outcome = outcomes.get(sequence);
  if (outcome === undefined)
    return { ok: false, code: 'not_an_item', detail: 'it is not the item of its sequence' };
  if (typeof outcome !== 'string') return { ok: false, ...outcome };
  await closeEntry(session, id, { state: 'released', at, by, reason: null });
  return { ok: true, outcome };
}
type Decision = { id: number; at: string; by: string };

const PAYLOAD = 'SELECT payload FROM quarantine WHERE id = $1';
const HELD_FOREIGN = `SELECT q.id, q.payload FROM quarantine q LEFT JOIN quarantine_closed c USING (id)
  WHERE q.code = 'foreign_meter' AND q.gateway = $1 AND c.id IS NULL ORDER BY q.id`;
const AHEAD = `SELECT q.id, q.payload, q.at FROM quarantine q LEFT JOIN quarantine_closed c USING (id)
  WHERE q.code = 'future_timestamp' AND c.id IS NULL AND q.at >= $1 ORDER BY q.id`;

interface HeldItem {
  id: number;
  item: UplinkItem;
  at: string;
}

/** What gets things out of quarantine: an operator's word, a clock put right, meters moved. */
function decisionOperations(
  db: Database,
): Pick<Store, 'releaseQuarantined' | 'releaseAfterClockStep' | 'assignMeters' | 'metersOfGateway'> {
  const months = openedMonths(db);
  const held = async (sql: string, value: string): Promise<HeldItem[]> =>
    (await db.rows(sql, [value])).flatMap((row) => {
      const item = itemOf(row.payload as string);
      return item === null ? [] : [{ id: Number(row.id), item, at: row.at as string }];
    });
  /** Each in a transaction of its own: many may be waiting, and one that fails does not keep the others. */
  const releaseAll = async (ids: readonly HeldItem[], at: string, by: string): Promise<number> => {
    let stored = 0;
    for (const { id, item } of ids) {
      await months.open(instantsOf([item], unixMs(at) + AHEAD_MS));
      if ((await db.transaction((tx) => release(tx, { id, at, by }))).ok) stored += 1;
    }
    return stored;
  };
  return {
    async releaseQuarantined(request: Decision): Promise<Release> {
      const [row] = await db.rows(PAYLOAD, [request.id]);
      const item = itemOf((row?.payload as string | undefined) ?? '');
      await months.open(instantsOf([item], unixMs(request.at) + AHEAD_MS));
      return db.transaction((tx) => release(tx, request));
    },
    async releaseAfterClockStep({
      since,
      stepMs,
      at,
    }: {
      since: string;
      stepMs: number;
      at: string;
    }): Promise<number> {
      const due = (await held(AHEAD, since)).filter(({ item, at: cameAt }) => {
        const stamp =
          item.kind === 'reading' ? item.readAt : item.kind === 'evidence' ? item.evidence.at : null;
        return stamp !== null && unixMs(stamp) <= unixMs(cameAt) + stepMs + AHEAD_MS;
      });
      return releaseAll(due, at, 'clock');
    },
    async assignMeters(request: {
      meters: string[];
      gateway: string;
      at: string;
      by: string;
    }): Promise<Assignment> {
      const { meters, gateway, at, by } = request;
      const moved = await db.transaction((tx) => moveMeters(tx, meters, gateway, unixMs(at)));
      const wanted = new Set(meters);
      const due = (await held(HELD_FOREIGN, gateway)).filter(
        ({ item }) => item.kind !== 'evidence' && wanted.has(item.meter),
      );
      return { moved, released: await releaseAll(due, at, by) };
    },
    metersOfGateway: (gateway: string): Promise<string[]> => metersOf(db, gateway),
  };
}

const FAILED = `INSERT INTO failed_batch (key, tries, at) VALUES ($1, 1, $2)
  ON CONFLICT (key) DO UPDATE SET tries = failed_batch.tries + 1, at = excluded.at RETURNING tries`;
const FORGET = `DELETE FROM failed_batch WHERE key IN (SELECT key FROM failed_batch ORDER BY at DESC OFFSET ${MOST_FAILED})`;

export function operations(db: Database): Asynchronous<IngestOperations> {
  const months = openedMonths(db);
  return {
    ...decisionOperations(db),
    async ingestBatch(batch: Batch, ingestedAt: string): Promise<IngestResult> {
      await months.open(instantsOf(batch.items, unixMs(ingestedAt) + AHEAD_MS));
      try {
        return await db.transaction((tx) => takeBatch(tx, batch, ingestedAt));
      } catch (error) {
        if (isWithoutPartition(error)) months.forget();
        throw error;
      }
    },
    batchFailed: ({ key, at }: { key: string; at: string }): Promise<number> =>
      db.transaction(async (tx) => {
        const [row] = await tx.rows(FAILED, [key, at]);
        await tx.run(FORGET);
        return row?.tries as number;
      }),
    async batchSettled(key: string): Promise<void> {
      await db.run('DELETE FROM failed_batch WHERE key = $1', [key]);
    },
  };
}
