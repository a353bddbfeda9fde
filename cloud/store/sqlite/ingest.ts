/**
 * The way in. One batch of a gateway is one transaction: its readings and gap markers, the quarantine of what cannot be
 * stored, the last values, and the marks of what has to be derived or exported again. Any number of processes may ingest:
 * the keys alone decide.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { GapMarker, Reading } from '../../../protocols/reading.ts';
import { readingsTopic } from '../../../protocols/topics.ts';
import type { Batch, UplinkItem } from '../../../protocols/uplink.ts';
import { type Admitted, admit, type Refusal, unixMs } from './admit.ts';
import { appendOnly } from './append-only.ts';
import { changeMarker } from './changes.ts';
import { evidenceWriter } from './evidence.ts';
import { quarantineInserter } from './quarantine.ts';
import { COLUMNS, hourOf, type ReadingRow, readingRow } from './readings.ts';
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
`;

/** Every item of the batch is counted once. */
export interface IngestResult {
  stored: number;
  /** Stored before, under the same key or as the same register at the same instant with the same value. */
  duplicates: number;
  /** In quarantine, now or since before. */
  quarantined: number;
}

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
    reading({ gateway, epoch }: Batch, item: Reading, admitted: Admitted): Outcome {
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
    gap({ gateway, epoch }: Batch, item: GapMarker): Outcome {
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
  const held = db.prepare(`SELECT payload FROM quarantine ${where}`);
  return ({ gateway, epoch, from, to }: Batch) => ({
    evidenceSequences: new Set(evidence.all(gateway, epoch, from, to).map((row) => row.sequence as number)),
    heldPayloads: new Set(held.all(gateway, epoch, from, to).map((row) => row.payload as string)),
  });
}

export function operations(db: DatabaseSync) {
  const write = itemWriter(db);
  const writeEvidence = evidenceWriter(db);
  const find = itemFinder(db);
  const quarantine = quarantineInserter(db);
  const marker = changeMarker(db);

  return {
    /**
     * Stores what is new of the batch and accounts for the rest. Meters that no park knows are stored as well.
     * @param ingestedAt RFC 3339; a reading stamped more than 10 minutes later is quarantined
     */
    ingestBatch(batch: Batch, ingestedAt: string): IngestResult {
      const latestMs = unixMs(ingestedAt) + 10 * 60_000;
      return transaction(db, () => {
        const { evidenceSequences, heldPayloads } = find(batch);
        const result = { stored: 0, duplicates: 0, quarantined: 0 };
        const changes = marker();

        const outcomeOf = (item: UplinkItem): Outcome => {
          if (item.kind === 'evidence') {
            return write.holdsReading(batch, item.sequence)
              ? conflict('a reading is stored under this sequence')
              : writeEvidence(batch, item, latestMs);
          }
          if (item.kind === 'gap') {
            const outcome = write.gap(batch, item);
            if (outcome === 'stored') changes.gap(item.meter, unixMs(item.from), unixMs(item.to));
            return outcome;
          }
          if (evidenceSequences.has(item.sequence)) return conflict('evidence is stored under this sequence');
          const admitted = admit(item, latestMs);
          if ('code' in admitted) return admitted;
          const outcome = write.reading(batch, item, admitted);
          if (outcome === 'stored') changes.reading(item.meter, item.register, admitted.atMs);
          return outcome;
        };

        for (const item of batch.items) {
          // What was quarantined stays so when it is sent again, whatever the clock says by then.
          const held = heldPayloads.size > 0 && heldPayloads.has(JSON.stringify(item));
          const outcome = held ? 'held' : outcomeOf(item);
          if (outcome === 'stored') result.stored += 1;
          else if (outcome === 'duplicate') result.duplicates += 1;
          else {
            result.quarantined += 1;
            if (outcome === 'held') continue;
            const payload = JSON.stringify(item);
            const entry = {
              gateway: batch.gateway,
              topic: readingsTopic(batch.gateway),
              payload,
              at: ingestedAt,
            };
            quarantine({ ...entry, ...outcome }, { epoch: batch.epoch, sequence: item.sequence });
          }
        }
        changes.commit();
        return result;
      });
    },
  };
}
