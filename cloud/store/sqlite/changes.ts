/**
 * What new readings make stale: intervals by (meter, UTC day), exported curves by hour (exports.ts). A mark carries the
 * number of the last ingest that set it and is cleared only under that number, so that what arrives meanwhile is not lost.
 */
import type { DatabaseSync } from 'node:sqlite';
import { HOUR_MS, hourOf } from './readings.ts';
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

export interface DirtyDay {
  meter: string;
  /** 00:00Z of the day. */
  dayMs: number;
  version: number;
}

const DAY_MS = 24 * HOUR_MS;
const dayOf = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS;

/** Collects the marks of one transaction and writes each once. */
export function changeMarker(db: DatabaseSync) {
  const nextVersion = db.prepare('UPDATE ingest_count SET version = version + 1 RETURNING version');
  const putLast = db.prepare(
    `INSERT INTO last_reading (meter, register, instant) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET instant = excluded.instant WHERE excluded.instant > instant`,
  );
  const putDay = db.prepare(
    'INSERT INTO dirty_day (meter, day, version) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version',
  );
  const putHour = db.prepare(
    'INSERT INTO export_dirty (hour, version) VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version',
  );

  return () => {
    const meters = new Map<string, { last: Map<string, number>; days: Set<number> }>();
    const hours = new Set<number>();
    const of = (meter: string) => {
      const known = meters.get(meter);
      if (known !== undefined) return known;
      const fresh = { last: new Map<string, number>(), days: new Set<number>() };
      meters.set(meter, fresh);
      return fresh;
    };
    return {
      /** A reading at midnight also closes the last interval of the day before. */
      reading(meter: string, register: string, ms: number): void {
        const { last, days } = of(meter);
        if (ms > (last.get(register) ?? Number.NEGATIVE_INFINITY)) last.set(register, ms);
        days.add(dayOf(ms));
        days.add(dayOf(ms - 1));
        hours.add(hourOf(ms));
      },
      gap(meter: string, fromMs: number, toMs: number): void {
        of(meter).days.add(dayOf(fromMs)).add(dayOf(toMs));
      },
      /** Writes the marks, inside the caller's transaction. */
      commit(): void {
        if (meters.size === 0) return;
        const version = nextVersion.get()?.version as number;
        for (const [meter, { last, days }] of meters) {
          for (const [register, ms] of last) putLast.run(meter, register, ms);
          for (const day of days) putDay.run(meter, day, version);
        }
        for (const hour of hours) putHour.run(hour, version);
      },
    };
  };
}

export function operations(db: DatabaseSync) {
  const days = db.prepare('SELECT meter, day AS dayMs, version FROM dirty_day ORDER BY meter, day');
  const clearDay = db.prepare('DELETE FROM dirty_day WHERE meter = ? AND day = ? AND version = ?');
  return {
    /**
     * Days in which readings or gap markers of a meter arrived since they were last cleared. What a reading changes may
     * reach beyond its day, to the neighbouring readings: see `readingAtOrBefore` and `readingAtOrAfter`.
     */
    dirtyDays(): DirtyDay[] {
      return days.all() as unknown as DirtyDay[];
    },
    /** Clears the days as they were seen; one that was marked again since stays. */
    clearDirty(rows: DirtyDay[]): void {
      transaction(db, () => {
        for (const { meter, dayMs, version } of rows) clearDay.run(meter, dayMs, version);
      });
    },
  };
}
