/** How near the store comes to bare inserts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openStore } from '../cloud/store/store.ts';
import { micro } from '../protocols/units.ts';
import type { Batch } from '../protocols/uplink.ts';
import { benchBatches, INGESTED_MS } from './bench-readings.ts';
import { type BenchRow, benchRow, type Cost, costOf, interleave } from './measure.ts';

const INGESTED_AT = Temporal.Instant.fromEpochMilliseconds(INGESTED_MS).toString();

/** Batches through the store's worker, and the same rows into a plain table by prepared inserts in this thread. */
export async function ingestStore(size: {
  name: string;
  rounds: number;
  batches: number;
  items: number;
}): Promise<BenchRow[]> {
  const { name, rounds, items } = size;
  const folder = mkdtempSync(join(tmpdir(), 'meterline-bench-'));
  const store = await openStore({ file: join(folder, 'store.db') });
  const bare = openBareTable(join(folder, 'bare.db'));
  const readings = size.batches * items;
  const taken = { store: 0, bare: 0 };
  const next = (side: keyof typeof taken): Batch[] => {
    const batches = benchBatches(taken[side], size);
    taken[side] += readings;
    return batches;
  };
  const rate = ({ seconds }: Cost): number => readings / seconds;
  try {
    const rates = await interleave(rounds, {
      async store() {
        const batches = next('store');
        const ingested = await costOf(async () => {
          for (const batch of batches) await store.ingestBatch(batch, INGESTED_AT);
        });
        return rate(ingested);
      },
      async bare() {
        const batches = next('bare').map(bareRows);
        return rate(await costOf(() => batches.forEach(bare.insert)));
      },
    });
    const note = `commits of ${items} readings, fsynced, through the worker; limit: prepared INSERTs of ready rows into a table of the same columns without a key, same commits`;
    return [benchRow({ name, unit: 'readings/s', note }, { value: rates.store, limit: rates.bare })];
  } finally {
    await store.close();
    bare.close();
    rmSync(folder, { recursive: true });
  }
}

type BareRow = (string | number | bigint | null)[];

const bareRows = ({ gateway, epoch, items }: Batch): BareRow[] =>
  items.flatMap((item) => {
    if (item.kind !== 'reading' || item.value === null) return [];
    const { meter, register, readAt, value, unit, raw = null, source, sequence } = item;
    const atMs = Temporal.Instant.from(readAt).epochMilliseconds;
    const hour = Math.floor(atMs / 3_600_000);
    return [[hour, meter, register, atMs, micro(value), unit, null, raw, source, gateway, epoch, sequence]];
  });

function openBareTable(file: string): { insert: (rows: BareRow[]) => void; close: () => void } {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
  db.exec(`CREATE TABLE reading (hour INTEGER, meter TEXT, register TEXT, instant INTEGER, value INTEGER, unit TEXT,
    code TEXT, raw TEXT, source TEXT, gateway TEXT, epoch TEXT, sequence INTEGER) STRICT`);
  const statement = db.prepare('INSERT INTO reading VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  return {
    insert(rows) {
      db.exec('BEGIN IMMEDIATE');
      for (const row of rows) statement.run(...row);
      db.exec('COMMIT');
    },
    close: () => db.close(),
  };
}
