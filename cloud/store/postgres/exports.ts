/** What the optional curve store has not got yet: hours with new readings, each to be written whole. */
import type { DirtyHour } from '../port/exports.ts';
import { hourOf, type ReadingRow } from '../port/readings.ts';
import { PUT_HOUR } from './changes.ts';
import type { Database } from './open-database.ts';
import { COLUMNS, readingRow } from './readings.ts';

const HOURS =
  'SELECT hour, sum(version) AS version FROM export_dirty WHERE hour > $1 GROUP BY hour ORDER BY hour LIMIT $2';
const PAGE = `SELECT ${COLUMNS} FROM reading r WHERE r.hour = $1 AND (r.meter, r.register, r.instant) > ($2, $3, $4)
  ORDER BY r.meter, r.register, r.instant LIMIT $5`;
const SEEN = 'SELECT slot, version FROM export_dirty WHERE hour = $1 ORDER BY slot FOR UPDATE';
const CLEAR = 'DELETE FROM export_dirty WHERE hour = $1 AND slot = ANY($2::integer[])';
const WITH_READINGS = 'SELECT hour FROM reading_hour WHERE hour BETWEEN $1 AND $2';

export function operations(db: Database) {
  return {
    async exportDirtyHours({ afterHour, limit }: { afterHour: number; limit: number }): Promise<DirtyHour[]> {
      const rows = await db.rows(HOURS, [afterHour, limit]);
      return rows.map(({ hour, version }) => ({ hour: hour as number, version: Number(version) }));
    },
    async hourReadings(query: {
      hour: number;
      after: ReadingRow | null;
      limit: number;
    }): Promise<ReadingRow[]> {
      const { hour, after, limit } = query;
      const from = [after?.meter ?? '', after?.register ?? '', after?.atMs ?? 0];
      return (await db.rows(PAGE, [hour, ...from, limit])).map(readingRow);
    },
    /** A slot that is new since it was looked at stays, and one that has grown keeps them all. */
    clearExportDirty: ({ hour, version }: DirtyHour): Promise<{ cleared: boolean }> =>
      db.transaction(async (tx) => {
        const slots = await tx.rows(SEEN, [hour]);
        const sum = slots.reduce((total, slot) => total + Number(slot.version), 0);
        if (slots.length === 0 || sum !== version) return { cleared: false };
        await tx.run(CLEAR, [hour, slots.map(({ slot }) => slot as number)]);
        return { cleared: true };
      }),
    exportAgain: ({ fromMs, toMs }: { fromMs: number; toMs: number }): Promise<{ hours: number }> =>
      db.transaction(async (tx) => {
        const rows = await tx.rows(WITH_READINGS, [hourOf(fromMs), hourOf(toMs - 1)]);
        return { hours: await tx.run(PUT_HOUR, [rows.map(({ hour }) => hour as number)]) };
      }),
  };
}
