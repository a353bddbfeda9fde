/**
 * The way in. One batch of a gateway is one transaction: its readings and gap markers, the quarantine of what cannot be
 * stored, the last values, and the marks of what has to be derived or exported again. Any number of processes may ingest:
 * the keys alone decide.
 */

import type { DatabaseSync } from 'node:sqlite';
import type { GapMarker, Reading } from '../../../protocols/reading.ts';
import { readingsTopic } from '../../../protocols/topics.ts';
import { type Batch, UplinkItem } from '../../../protocols/uplink.ts';
import { type Admitted, admit, type Refusal, unixMs } from '../admit.ts';
import {
  AHEAD_MS,
  type Assignment,
  type IngestOperations,
  type IngestResult,
  MOST_FAILED,
  type Release,
} from '../port/ingest.ts';
import type { QuarantineEntry } from '../port/quarantine.ts';
import { hourOf, type ReadingRow } from '../port/readings.ts';
import { appendOnly } from './append-only.ts';
import { changeMarker } from './changes.ts';
import { evidenceWriter } from './evidence.ts';
import { meterMover, metersOf, schema as ownership, ownershipReader } from './ownership.ts';
import { quarantineCloser, quarantineInserter, quarantineReader } from './quarantine.ts';
import { COLUMNS, readingRow } from './readings.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS gap_marker (
  gateway TEXT NOT NULL,
  epoch TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  meter TEXT NOT NULL,
  register TEXT NOT NULL,
  from_instant INTEGER NOT NULL,   -- Unix milliseconds
  to_instant INTEGER NOT NULL,
  count INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (gateway, epoch, sequence)
) STRICT, WITHOUT ROWID;
${appendOnly('gap_marker')}
CREATE TABLE IF NOT EXISTS failed_batch (
  key TEXT PRIMARY KEY,
  tries INTEGER NOT NULL,
  at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
${ownership}
`;

type Outcome = 'stored' | 'duplicate' | Refusal;
const conflict = (detail: string): Refusal => ({ code: 'conflict', detail });

const sameValue = (row: ReadingRow, item: Reading, value: bigint | null): boolean =>
  row.value === value && row.unit === item.unit && row.code === (item.code ?? null);

const sameReading = (row: ReadingRow, item: Reading, { atMs, value }: Admitted): boolean =>
  row.meter === item.meter &&
  row.register === item.register &&
  row.atMs === atMs &&
  sameValue(row, item, value) &&
  row.raw === (item.raw ?? null) &&
  row.source === item.source;

function itemWriter(db: DatabaseSync) {
  const insert = db.prepare(
    `INSERT INTO reading (hour, meter, register, instant, value, unit, code, raw, source, gateway, epoch, sequence)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const bySequence = db.prepare(
    `SELECT ${COLUMNS} FROM reading r WHERE r.gateway = ? AND r.epoch = ? AND r.sequence = ?`,
  );
  bySequence.setReadBigInts(true);
  const byKey = db.prepare(
    `SELECT ${COLUMNS} FROM reading r WHERE r.hour = ? AND r.meter = ? AND r.register = ? AND r.instant = ?`,
  );
  byKey.setReadBigInts(true);
  const insertGap = db.prepare(
    `INSERT INTO gap_marker (gateway, epoch, sequence, meter, register, from_instant, to_instant, count, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const sameGap = db.prepare(
    `SELECT 1 FROM gap_marker WHERE gateway = ? AND epoch = ? AND sequence = ? AND meter = ? AND register = ?
     AND from_instant = ? AND to_instant = ? AND count = ? AND reason = ?`,
  );
  const holdsReading = ({ gateway, epoch }: Pick<Batch, 'gateway' | 'epoch'>, sequence: number): boolean =>
    bySequence.get(gateway, epoch, sequence) !== undefined;

  return {
    reading(
      { gateway, epoch }: Pick<Batch, 'gateway' | 'epoch'>,
      item: Reading,
      admitted: Admitted,
    ): Outcome {
      const { meter, register, unit, code = null, raw = null, source, sequence } = item;
      const { atMs, value } = admitted;
      const hour = hourOf(atMs);
      const { changes } = insert.run(
        hour,
        meter,
        register,
        atMs,
        value,
        unit,
        code,
        raw,
        source,
        gateway,
        epoch,
        sequence,
      );
      if (changes === 1) return 'stored';
      const sent = bySequence.get(gateway, epoch, sequence);
      if (sent !== undefined) {
        if (sameReading(readingRow(sent), item, admitted)) return 'duplicate';
        return conflict('another reading is stored under this sequence');
      }
      const known = byKey.get(hour, meter, register, atMs);
      if (known !== undefined && sameValue(readingRow(known), item, value)) return 'duplicate';
      return conflict('the register is stored with another value at this instant');
    },
    holdsReading,
    /**
     * A gateway that restarts no longer knows what is on its way, and may give up a reading that arrives all the same: its
     * marker is kept beside it, in whichever order they come, and says nothing then.
     */
    gap({ gateway, epoch }: Pick<Batch, 'gateway' | 'epoch'>, item: GapMarker): Outcome {
      const { sequence, meter, register, count, reason } = item;
      const row = [
        gateway,
        epoch,
        sequence,
        meter,
        register,
        unixMs(item.from),
        unixMs(item.to),
        count,
        reason,
      ];
      if (insertGap.run(...row).changes === 1) return 'stored';
      return sameGap.get(...row) === undefined
        ? conflict('another gap marker is stored under this sequence')
        : 'duplicate';
    },
  };
}

/** What the store holds of a batch's sequences beside readings: evidence, and payloads in quarantine. */
function itemFinder(db: DatabaseSync) {
  const where = 'WHERE gateway = ? AND epoch = ? AND sequence BETWEEN ? AND ?';
  const evidence = db.prepare(`SELECT sequence FROM evidence ${where}`);
  const held = db.prepare(
    `SELECT payload FROM quarantine LEFT JOIN quarantine_closed c USING (id) ${where.replace('gateway', 'quarantine.gateway')}
     AND c.state IS NOT 'released'`,
  );
  return ({ gateway, epoch, from, to }: Pick<Batch, 'gateway' | 'epoch' | 'from' | 'to'>) => ({
    evidenceSequences: new Set(evidence.all(gateway, epoch, from, to).map((row) => row.sequence as number)),
    heldPayloads: new Set(held.all(gateway, epoch, from, to).map((row) => row.payload as string)),
  });
}

/** Decides on one item and stores it, inside the caller's transaction. */
function itemTaker(db: DatabaseSync) {
  const write = itemWriter(db);
  const writeEvidence = evidenceWriter(db);
  return (
    batch: Pick<Batch, 'gateway' | 'epoch'>,
    item: UplinkItem,
    { latestMs, isEvidence, changes, foreign }: Circumstances,
  ): Outcome => {
    if (item.kind === 'evidence') {
      return write.holdsReading(batch, item.sequence)
        ? conflict('a reading is stored under this sequence')
        : writeEvidence(batch, item, latestMs);
    }
    if (item.kind === 'gap') {
      const refusal = foreign(item.meter, unixMs(item.from));
      if (refusal !== null) return refusal;
      const outcome = write.gap(batch, item);
      if (outcome === 'stored') changes.gap(item.meter, unixMs(item.from), unixMs(item.to));
      return outcome;
    }
    if (isEvidence) return conflict('evidence is stored under this sequence');
    const admitted = admit(item, latestMs);
    if ('code' in admitted) return admitted;
    const refusal = foreign(item.meter, admitted.atMs);
    if (refusal !== null) return refusal;
    const outcome = write.reading(batch, item, admitted);
    if (outcome === 'stored') changes.reading(item.meter, item.register, admitted.atMs);
    return outcome;
  };
}
interface Circumstances {
  /** No reading may be later. */
  latestMs: number;
  /** Evidence is stored under its sequence. */
  isEvidence: boolean;
  /** Why the gateway may not write a meter, or null. */
  foreign: (meter: string, ms: number) => Refusal | null;
  changes: ReturnType<ReturnType<typeof changeMarker>>;
}

/** Takes what is in quarantine out of it, through the same checks; inside the caller's transaction. */
function releaser(db: DatabaseSync) {
  const take = itemTaker(db);
  const find = itemFinder(db);
  const read = quarantineReader(db);
  const close = quarantineCloser(db);
  const marker = changeMarker(db);
  const foreignTo = ownershipReader(db);
  return ({ id, at, by }: { id: number; at: string; by: string }): Release => {
    const entry = read(id);
    if (entry === null) return { ok: false, code: 'unknown_entry', detail: `no entry ${id}` };
    if (entry.closed !== null)
      return { ok: false, code: 'already_closed', detail: `${entry.state} at ${entry.closed.at}` };
    const item = itemOf(entry);
    if (item === null || entry.item === null || entry.gateway === null)
      return { ok: false, code: 'not_an_item', detail: 'it is no item that could be stored' };
    const changes = marker();
    const { epoch, sequence } = entry.item;
    const batch = { gateway: entry.gateway, epoch, from: sequence, to: sequence };
    const isEvidence = find(batch).evidenceSequences.has(sequence);
    const latestMs = unixMs(at) + AHEAD_MS;
    const foreign = foreignTo(entry.gateway);
    const outcome = take(batch, item, { latestMs, isEvidence, changes, foreign });
    if (typeof outcome !== 'string') return { ok: false, ...outcome };
    changes.commit();
    close(id, { state: 'released', at, by, reason: null });
    return { ok: true, outcome };
  };
}

function itemOf({ payload }: QuarantineEntry): UplinkItem | null {
  try {
    return UplinkItem.safeParse(JSON.parse(payload)).data ?? null;
  } catch {
    return null;
  }
}

/** What gets things out of quarantine: an operator's word, a clock put right, meters moved. */
function decisionOperations(db: DatabaseSync) {
  const release = releaser(db);
  const move = meterMover(db);
  const heldForeign = db.prepare(
    `SELECT q.id, q.payload FROM quarantine q LEFT JOIN quarantine_closed c USING (id)
     WHERE q.code = 'foreign_meter' AND q.gateway = ? AND c.id IS NULL ORDER BY q.id`,
  );
  const ahead = db.prepare(
    `SELECT q.id, q.payload, q.at FROM quarantine q LEFT JOIN quarantine_closed c USING (id)
     WHERE q.code = 'future_timestamp' AND c.id IS NULL AND q.at >= ?`,
  );
  return {
    releaseQuarantined: (request: { id: number; at: string; by: string }): Release =>
      transaction(db, () => release(request)),
    releaseAfterClockStep({ since, stepMs, at }: { since: string; stepMs: number; at: string }): number {
      return transaction(db, () => {
        let stored = 0;
        for (const row of ahead.all(since)) {
          const item = itemOf(row as unknown as QuarantineEntry);
          const stamp =
            item?.kind === 'reading' ? item.readAt : item?.kind === 'evidence' ? item.evidence.at : null;
          if (stamp === null || unixMs(stamp) > unixMs(row.at as string) + stepMs + AHEAD_MS) continue;
          if (release({ id: row.id as number, at, by: 'clock' }).ok) stored += 1;
        }
        return stored;
      });
    },
    assignMeters(request: { meters: string[]; gateway: string; at: string; by: string }): Assignment {
      const { meters, gateway, at, by } = request;
      return transaction(db, () => {
        const moved = move(meters, gateway, unixMs(at));
        const wanted = new Set(meters);
        let released = 0;
        for (const row of heldForeign.all(gateway)) {
          const item = itemOf(row as unknown as QuarantineEntry);
          const meter = item === null || item.kind === 'evidence' ? null : item.meter;
          if (meter !== null && wanted.has(meter) && release({ id: row.id as number, at, by }).ok)
            released += 1;
        }
        return { moved, released };
      });
    },
    metersOfGateway: metersOf(db),
  };
}

export function operations(db: DatabaseSync): IngestOperations {
  const take = itemTaker(db);
  const find = itemFinder(db);
  const quarantine = quarantineInserter(db);
  const marker = changeMarker(db);
  const foreignTo = ownershipReader(db);
  const failed = db.prepare(
    `INSERT INTO failed_batch (key, tries, at) VALUES (?, 1, ?)
     ON CONFLICT DO UPDATE SET tries = tries + 1, at = excluded.at RETURNING tries`,
  );
  const forget = db.prepare(
    `DELETE FROM failed_batch WHERE key IN (SELECT key FROM failed_batch ORDER BY at DESC LIMIT -1 OFFSET ${MOST_FAILED})`,
  );
  const settled = db.prepare('DELETE FROM failed_batch WHERE key = ?');

  return {
    ...decisionOperations(db),
    ingestBatch(batch: Batch, ingestedAt: string): IngestResult {
      const latestMs = unixMs(ingestedAt) + AHEAD_MS;
      const { gateway, epoch } = batch;
      return transaction(db, () => {
        const { evidenceSequences, heldPayloads } = find(batch);
        const result = { stored: 0, duplicates: 0, quarantined: 0 };
        const changes = marker();
        const foreign = foreignTo(gateway);
        for (const item of batch.items) {
          // What was quarantined stays so when it is sent again, whatever the clock says by then.
          const held = heldPayloads.size > 0 && heldPayloads.has(JSON.stringify(item));
          const isEvidence = evidenceSequences.has(item.sequence);
          const outcome = held ? 'held' : take(batch, item, { latestMs, isEvidence, changes, foreign });
          if (outcome === 'stored') result.stored += 1;
          else if (outcome === 'duplicate') result.duplicates += 1;
          else {
            result.quarantined += 1;
            if (outcome === 'held') continue;
            const entry = {
              gateway,
              topic: readingsTopic(gateway),
              payload: JSON.stringify(item),
              at: ingestedAt,
            };
            quarantine({ ...entry, ...outcome }, { epoch, sequence: item.sequence });
          }
        }
        changes.commit();
        return result;
      });
    },
    batchFailed({ key, at }: { key: string; at: string }): number {
      return transaction(db, () => {
        const tries = failed.get(key, at)?.tries as number;
        forget.run();
        return tries;
      });
    },
    batchSettled(key: string): void {
      settled.run(key);
    },
  };
}
