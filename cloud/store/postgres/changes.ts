/** What new readings, or new facts of a meter, make stale: intervals by (meter, UTC day), exported curves by hour (exports.ts). */
import type { DirtyDay } from '../port/changes.ts';
import { HOUR_MS } from '../port/readings.ts';
import type { StaleMarks } from '../stale-marks.ts';
import type { Database } from './open-database.ts';
import type { Session } from './session.ts';

const PUT_LAST = `INSERT INTO last_reading (meter, register, instant)
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) AS i (meter, register, instant) ORDER BY 1, 2
  ON CONFLICT (meter, register) DO UPDATE SET instant = excluded.instant WHERE excluded.instant > last_reading.instant`;
const PUT_DAY = `INSERT INTO dirty_day (meter, day, version)
  SELECT meter, day, nextval('change_number') FROM unnest($1::text[], $2::bigint[]) AS i (meter, day) ORDER BY 1, 2
  ON CONFLICT (meter, day) DO UPDATE SET version = excluded.version`;
/** More slots than there are workers in most parks; a few that meet wait for each other. */
const SLOTS = 16;
export const PUT_HOUR = `INSERT INTO export_dirty (hour, slot, version)
  SELECT hour, pg_backend_pid() % ${SLOTS}, nextval('change_number') FROM unnest($1::integer[]) AS i (hour) ORDER BY 1
  ON CONFLICT (hour, slot) DO UPDATE SET version = greatest(excluded.version, export_dirty.version + 1)`;

/** Writes the marks, inside the caller's transaction, in the order of their keys: no two who mark the same wait for each other for ever. */
export async function putMarks(session: Session, { meters, hours }: StaleMarks): Promise<void> {
  if (meters.size === 0) return;
  const last = [...meters].flatMap(([meter, { last }]) =>
    [...last].map(([register, ms]) => ({ meter, register, ms })),
  );
  const days = [...meters].flatMap(([meter, { days }]) => [...days].map((day) => ({ meter, day })));
  await Promise.all([
    session.run(PUT_LAST, [
      last.map(({ meter }) => meter),
      last.map(({ register }) => register),
      last.map(({ ms }) => ms),
    ]),
    session.run(PUT_DAY, [days.map(({ meter }) => meter), days.map(({ day }) => day)]),
    session.run(PUT_HOUR, [[...hours]]),
  ]);
}

const DAYS = 'SELECT meter, day, version FROM dirty_day ORDER BY meter, day';
const CLEAR = `DELETE FROM dirty_day d USING unnest($1::text[], $2::bigint[], $3::bigint[]) AS i (meter, day, version)
  WHERE d.meter = i.meter AND d.day = i.day AND d.version = i.version`;
/** The days of each hour's first reading, and those that it closes. */
const MARK = `INSERT INTO dirty_day (meter, day, version)
  SELECT meter, day, nextval('change_number') FROM (
    SELECT DISTINCT m.meter, ms / ${24 * HOUR_MS} * ${24 * HOUR_MS} AS day
    FROM unnest($1::text[]) AS m (meter) CROSS JOIN reading_hour h CROSS JOIN LATERAL (
      SELECT r.instant FROM reading r WHERE r.hour = h.hour AND r.meter = m.meter ORDER BY r.instant LIMIT 1) r
    CROSS JOIN LATERAL unnest(ARRAY[r.instant, r.instant - 1]) AS s (ms)) AS d ORDER BY 1, 2
  ON CONFLICT (meter, day) DO UPDATE SET version = excluded.version`;

export function operations(db: Database) {
  return {
    async dirtyDays(): Promise<DirtyDay[]> {
      const rows = await db.rows(DAYS);
      return rows.map(({ meter, day, version }) => ({
        meter: meter as string,
        dayMs: Number(day),
        version: Number(version),
      }));
    },
    async markDirty(meters: string[]): Promise<void> {
      await db.run(MARK, [meters]);
    },
    async clearDirty(rows: DirtyDay[]): Promise<void> {
      await db.run(CLEAR, [
        rows.map(({ meter }) => meter),
        rows.map(({ dayMs }) => dayMs),
        rows.map(({ version }) => version),
      ]);
    },
  };
}
