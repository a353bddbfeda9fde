/** What the optional curve store has not got yet: hours with new readings, each to be written whole. */

import type { DatabaseSync } from 'node:sqlite';
import type { DirtyHour, ExportsOperations } from '../port/exports.ts';
import { hourOf, type ReadingRow } from '../port/readings.ts';
import { COLUMNS, readingRow } from './readings.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS export_dirty (
  hour INTEGER PRIMARY KEY,   -- whole hours since 1970
  version INTEGER NOT NULL
) STRICT;
`;

export function operations(db: DatabaseSync): ExportsOperations {
  const hours = db.prepare('SELECT hour, version FROM export_dirty WHERE hour > ? ORDER BY hour LIMIT ?');
  const clear = db.prepare('DELETE FROM export_dirty WHERE hour = ? AND version = ?');
  const count = db.prepare('UPDATE ingest_count SET version = version + 1');
  const markAgain = db.prepare(
    `INSERT INTO export_dirty (hour, version)
     SELECT DISTINCT hour, (SELECT version FROM ingest_count) FROM reading WHERE hour BETWEEN ? AND ?
     ON CONFLICT DO UPDATE SET version = excluded.version`,
  );
  const rows = db.prepare(
    `SELECT ${COLUMNS} FROM reading r WHERE r.hour = ? AND (r.meter, r.register, r.instant) > (?, ?, ?)
     ORDER BY r.meter, r.register, r.instant LIMIT ?`,
  );
  rows.setReadBigInts(true);

  return {
    exportDirtyHours({ afterHour, limit }: { afterHour: number; limit: number }): DirtyHour[] {
      return hours.all(afterHour, limit) as unknown as DirtyHour[];
    },
    hourReadings(query: { hour: number; after: ReadingRow | null; limit: number }): ReadingRow[] {
      const { hour, after, limit } = query;
      return rows
        .all(hour, after?.meter ?? '', after?.register ?? '', after?.atMs ?? 0, limit)
        .map(readingRow);
    },
    clearExportDirty({ hour, version }: DirtyHour): { cleared: boolean } {
      return { cleared: clear.run(hour, version).changes > 0 };
    },
    exportAgain({ fromMs, toMs }: { fromMs: number; toMs: number }): { hours: number } {
      return transaction(db, () => {
        count.run();
        return { hours: Number(markAgain.run(hourOf(fromMs), hourOf(toMs - 1)).changes) };
      });
    },
  };
}
