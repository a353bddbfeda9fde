/**
 * Readings as the gateways sent them: the raw truth, only ever added to. Each is stored once, under two keys: where it
 * came from (gateway, epoch, sequence) and what it is (meter, register, instant). The primary key leads with time, so
 * that what arrives together lies together.
 */

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import {
  HOUR_MS,
  hourOf,
  type ReadingPoint,
  type ReadingRow,
  type ReadingsOperations,
} from '../port/readings.ts';
import { appendOnly } from './append-only.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS reading (
  hour INTEGER NOT NULL,      -- whole hours since 1970
  meter TEXT NOT NULL,
  register TEXT NOT NULL,
  instant INTEGER NOT NULL,   -- Unix milliseconds
  value INTEGER,              -- millionths of the unit
  unit TEXT NOT NULL,
  code TEXT,
  raw TEXT,
  source TEXT NOT NULL,
  gateway TEXT NOT NULL,
  epoch TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (hour, meter, register, instant),
  UNIQUE (gateway, epoch, sequence),
  CHECK (value IS NOT NULL OR code IS NOT NULL)
) STRICT, WITHOUT ROWID;
${appendOnly('reading')}
CREATE TABLE IF NOT EXISTS last_reading (
  meter TEXT NOT NULL,
  register TEXT NOT NULL,
  instant INTEGER NOT NULL,
  PRIMARY KEY (meter, register)
) STRICT, WITHOUT ROWID;
`;

export const COLUMNS =
  'r.meter, r.register, r.instant, r.value, r.unit, r.code, r.raw, r.source, r.gateway, r.epoch, r.sequence';

/** Of a statement that reads integers as bigints, so that no value is rounded. */
export function readingRow(row: Record<string, SQLOutputValue>): ReadingRow {
  return {
    meter: row.meter as string,
    register: row.register as string,
    atMs: Number(row.instant),
    value: row.value as bigint | null,
    unit: row.unit as string,
    code: row.code as string | null,
    raw: row.raw as string | null,
    source: row.source as string,
    gateway: row.gateway as string,
    epoch: row.epoch as string,
    sequence: Number(row.sequence),
  };
}

export function operations(db: DatabaseSync): ReadingsOperations {
  const exact = (sql: string) => {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  };
  // The key leads with the hour: step from one hour that has readings to the next, and seek the meter in each.
  const range = exact(`
    WITH RECURSIVE hours (hour) AS (
      SELECT min(hour) FROM reading WHERE hour >= :first
      UNION ALL
      SELECT (SELECT min(n.hour) FROM reading n WHERE n.hour > hours.hour) FROM hours WHERE hours.hour < :last
    )
    SELECT ${COLUMNS} FROM hours CROSS JOIN reading r
    WHERE r.hour = hours.hour AND r.meter = :meter AND r.register = :register AND r.instant >= :from AND r.instant < :to
    ORDER BY r.instant LIMIT :limit`);
  const inHour = 'FROM reading r WHERE r.hour = ? AND r.meter = ? AND r.register = ?';
  const lastUpTo = exact(`SELECT ${COLUMNS} ${inHour} AND r.instant <= ? ORDER BY r.instant DESC LIMIT 1`);
  const firstFrom = exact(`SELECT ${COLUMNS} ${inHour} AND r.instant >= ? ORDER BY r.instant LIMIT 1`);
  const hourBefore = db.prepare('SELECT max(hour) AS hour FROM reading WHERE hour < ?');
  const hourAfter = db.prepare('SELECT min(hour) AS hour FROM reading WHERE hour > ?');
  const lastInstant = db.prepare('SELECT instant FROM last_reading WHERE meter = ? AND register = ?');
  const last = exact(
    `SELECT ${COLUMNS} FROM last_reading l JOIN reading r
     ON r.hour = l.instant / ${HOUR_MS} AND r.meter = l.meter AND r.register = l.register AND r.instant = l.instant
     ORDER BY l.meter, l.register`,
  );

  return {
    readings(query: {
      meter: string;
      register: string;
      fromMs: number;
      toMs: number;
      limit?: number;
    }): ReadingRow[] {
      const { meter, register, fromMs: from, toMs: to, limit = -1 } = query;
      return range
        .all({ meter, register, from, to, limit, first: hourOf(from), last: hourOf(to - 1) })
        .map(readingRow);
    },
    readingAtOrBefore({ meter, register, ms }: ReadingPoint): ReadingRow | null {
      const newest = lastInstant.get(meter, register)?.instant as number | undefined;
      if (newest === undefined) return null;
      const start = Math.min(ms, newest);
      for (let hour: number | null = hourOf(start); hour !== null; ) {
        const row = lastUpTo.get(hour, meter, register, start);
        if (row !== undefined) return readingRow(row);
        hour = hourBefore.get(hour)?.hour as number | null;
      }
      return null;
    },
    readingAtOrAfter({ meter, register, ms }: ReadingPoint): ReadingRow | null {
      const newest = lastInstant.get(meter, register)?.instant as number | undefined;
      if (newest === undefined || newest < ms) return null;
      for (let hour: number | null = hourOf(ms); hour !== null; ) {
        const row = firstFrom.get(hour, meter, register, ms);
        if (row !== undefined) return readingRow(row);
        hour = hourAfter.get(hour)?.hour as number | null;
      }
      return null;
    },
    lastReadings(): ReadingRow[] {
      return last.all().map(readingRow);
    },
  };
}
