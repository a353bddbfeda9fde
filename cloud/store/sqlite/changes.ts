/**
 * What new readings, or new facts of a meter, make stale: intervals by (meter, UTC day), exported curves by hour (exports.ts). A mark carries the
 * number of the last change that set it and is cleared only under that number, so that what arrives meanwhile is not lost.
 */

import type { DatabaseSync } from 'node:sqlite';
import type { ChangesOperations, DirtyDay } from '../port/changes.ts';
import { dayOf, staleMarks } from '../stale-marks.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS ingest_count (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO ingest_count VALUES (1, 0);
CREATE TABLE IF NOT EXISTS dirty_day (
  meter TEXT NOT NULL,
  day INTEGER NOT NULL,       -- Unix milliseconds of 00:00Z
  version INTEGER NOT NULL,
  PRIMARY KEY (meter, day)
) STRICT, WITHOUT ROWID;
`;

const NEXT_VERSION = 'UPDATE ingest_count SET version = version + 1 RETURNING version';
const PUT_DAY =
  'INSERT INTO dirty_day (meter, day, version) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version';

/** Collects the marks of one transaction, and writes each once. */
export function changeMarker(db: DatabaseSync) {
  const nextVersion = db.prepare(NEXT_VERSION);
  const putLast = db.prepare(
    `INSERT INTO last_reading (meter, register, instant) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET instant = excluded.instant WHERE excluded.instant > instant`,
  );
  const putDay = db.prepare(PUT_DAY);
  const putHour = db.prepare(
    'INSERT INTO export_dirty (hour, version) VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version',
  );

  return () => {
    const marks = staleMarks();
    return {
      ...marks,
      /** Writes the marks, inside the caller's transaction. */
      commit(): void {
        if (marks.meters.size === 0) return;
        const version = nextVersion.get()?.version as number;
        for (const [meter, { last, days }] of marks.meters) {
          for (const [register, ms] of last) putLast.run(meter, register, ms);
          for (const day of days) putDay.run(meter, day, version);
        }
        for (const hour of marks.hours) putHour.run(hour, version);
      },
    };
  };
}

export function operations(db: DatabaseSync): ChangesOperations {
  const days = db.prepare('SELECT meter, day AS dayMs, version FROM dirty_day ORDER BY meter, day');
  const clearDay = db.prepare('DELETE FROM dirty_day WHERE meter = ? AND day = ? AND version = ?');
  const nextVersion = db.prepare(NEXT_VERSION);
  const putDay = db.prepare(PUT_DAY);
  // The key of a reading leads with the hour: step from one to the next, and seek the meter in each.
  const firstInHours = db.prepare(`
    WITH RECURSIVE hours (hour) AS (
      SELECT min(hour) FROM reading
      UNION ALL
      SELECT (SELECT min(n.hour) FROM reading n WHERE n.hour > hours.hour) FROM hours WHERE hours.hour IS NOT NULL
    )
    SELECT (SELECT min(r.instant) FROM reading r WHERE r.hour = hours.hour AND r.meter = ?) AS ms FROM hours`);
  return {
    dirtyDays(): DirtyDay[] {
      return days.all() as unknown as DirtyDay[];
    },
    markDirty(meters: string[]): void {
      if (meters.length === 0) return;
      transaction(db, () => {
        const version = nextVersion.get()?.version as number;
        for (const meter of meters) {
          const marked = new Set<number>();
          for (const { ms } of firstInHours.all(meter) as { ms: number | null }[])
            if (ms !== null) marked.add(dayOf(ms)).add(dayOf(ms - 1));
          for (const day of marked) putDay.run(meter, day, version);
        }
      });
    },
    clearDirty(rows: DirtyDay[]): void {
      transaction(db, () => {
        for (const { meter, dayMs, version } of rows) clearDay.run(meter, dayMs, version);
      });
    },
  };
}
