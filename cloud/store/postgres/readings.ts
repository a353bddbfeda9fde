/**
 * Readings as the gateways sent them: the raw truth, only ever added to, in a partition for each month. The primary key leads with
 * time, so that what arrives together lies together; `item_key` holds (gateway, epoch, sequence) across the months.
 */
import type { Reading } from '../../../protocols/reading.ts';
import type { Batch } from '../../../protocols/uplink.ts';
import type { Admitted } from '../admit.ts';
import { HOUR_MS, hourOf, type ReadingPoint, type ReadingRow } from '../port/readings.ts';
import type { Database } from './open-database.ts';
import type { Row, Session } from './session.ts';

export const COLUMNS =
  'r.meter, r.register, r.instant, r.value, r.unit, r.code, r.raw, r.source, r.gateway, r.epoch, r.sequence';

export function readingRow(row: Row): ReadingRow {
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

export type NewReading = Admitted & { item: Reading };

/**
 * In the order of the primary key, so that no two who insert the same wait for each other. Of two for one key the first sequence stays.
 * Each key is looked up by itself: joined, all keys of the gateway would be read.
 */
const INSERT = `INSERT INTO reading (instant, value, sequence, hour, meter, register, unit, code, raw, source, gateway, epoch)
  SELECT i.instant, i.value, i.sequence, i.instant / ${HOUR_MS}, i.meter, i.register, i.unit, i.code, i.raw, i.source, $9::text, $10::text
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $11::text[])
    AS i (instant, value, sequence, meter, register, unit, code, raw, source)
  WHERE (SELECT k.sequence FROM item_key k WHERE k.gateway = $9::text AND k.epoch = $10::text AND k.sequence = i.sequence) IS NULL
  ORDER BY i.instant / ${HOUR_MS}, i.meter, i.register, i.instant, i.sequence
  ON CONFLICT DO NOTHING RETURNING sequence`;

/** Inserts what is new, inside the caller's transaction. @returns the sequences of those */
export async function insertReadings(
  session: Session,
  { gateway, epoch }: Pick<Batch, 'gateway' | 'epoch'>,
  list: readonly NewReading[],
): Promise<Set<number>> {
  const column = <T>(of: (reading: NewReading) => T): T[] => list.map(of);
  const rows = await session.rows(INSERT, [
    column(({ atMs }) => atMs),
    column(({ value }) => value),
    column(({ item }) => item.sequence),
    column(({ item }) => item.meter),
    column(({ item }) => item.register),
    column(({ item }) => item.unit),
    column(({ item }) => item.code ?? null),
    column(({ item }) => item.raw ?? null),
    gateway,
    epoch,
    column(({ item }) => item.source),
  ]);
  return new Set(rows.map(({ sequence }) => Number(sequence)));
}

const STANDING = `SELECT i.sequence AS asked,
    (SELECT k.sequence FROM item_key k WHERE k.gateway = $5 AND k.epoch = $6 AND k.sequence = i.sequence) IS NOT NULL AS taken, ${COLUMNS}
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS i (instant, sequence, meter, register)
  LEFT JOIN LATERAL (SELECT * FROM reading r WHERE r.hour = (i.instant / ${HOUR_MS})::integer AND r.meter = i.meter
    AND r.register = i.register AND r.instant = i.instant LIMIT 1) r ON true`;

/** What stands in the way of readings that were not inserted. */
export interface Standing {
  /** The key (gateway, epoch, sequence) is taken. */
  taken: boolean;
  /** What is stored of the register at the instant. */
  known: ReadingRow | null;
}

/** By sequence, inside the caller's transaction. */
export async function whatStands(
  session: Session,
  { gateway, epoch }: Pick<Batch, 'gateway' | 'epoch'>,
  list: readonly NewReading[],
): Promise<Map<number, Standing>> {
  const rows = await session.rows(STANDING, [
    list.map(({ atMs }) => atMs),
    list.map(({ item }) => item.sequence),
    list.map(({ item }) => item.meter),
    list.map(({ item }) => item.register),
    gateway,
    epoch,
  ]);
  return new Map(
    rows.map((row) => [
      Number(row.asked),
      { taken: row.taken as boolean, known: row.meter === null ? null : readingRow(row) },
    ]),
  );
}

/** A query that steps through the hours that have readings, and seeks the register in each; sorted inside, so that it is not turned round. */
const inHours = (order: string, limit: string): string => `FROM reading_hour h CROSS JOIN LATERAL (
    SELECT * FROM reading r WHERE r.hour = h.hour AND r.meter = $1 AND r.register = $2 AND r.instant >= $3 AND r.instant <= $4
    ORDER BY r.instant ${order} LIMIT ${limit}) r
  WHERE h.hour BETWEEN $5 AND $6 ORDER BY h.hour ${order}, r.instant ${order}`;
const RANGE = `SELECT ${COLUMNS} ${inHours('', 'ALL')} LIMIT $7`;
const NEWEST = `SELECT ${COLUMNS} ${inHours('DESC', '1')} LIMIT 1`;
const OLDEST = `SELECT ${COLUMNS} ${inHours('', '1')} LIMIT 1`;
const LAST_INSTANT = 'SELECT instant FROM last_reading WHERE meter = $1 AND register = $2';
const LAST = `SELECT ${COLUMNS} FROM last_reading l CROSS JOIN LATERAL (
    SELECT * FROM reading r WHERE r.hour = (l.instant / ${HOUR_MS})::integer AND r.meter = l.meter AND r.register = l.register
      AND r.instant = l.instant LIMIT 1) r
  ORDER BY l.meter, l.register`;

export function operations(db: Database) {
  const between = (
    text: string,
    { meter, register }: Omit<ReadingPoint, 'ms'>,
    fromMs: number,
    toMs: number,
  ) => db.rows(text, [meter, register, fromMs, toMs, hourOf(fromMs), hourOf(toMs)]);
  const newestOf = async (meter: string, register: string): Promise<number | null> => {
    const [row] = await db.rows(LAST_INSTANT, [meter, register]);
    return row === undefined ? null : Number(row.instant);
  };

  return {
    async readings(query: {
      meter: string;
      register: string;
      fromMs: number;
      toMs: number;
      limit?: number;
    }): Promise<ReadingRow[]> {
      const { meter, register, fromMs, toMs, limit = null } = query;
      const last = toMs - 1;
      const values = [meter, register, fromMs, last, hourOf(fromMs), hourOf(last), limit];
      return (await db.rows(RANGE, values)).map(readingRow);
    },
    async readingAtOrBefore({ meter, register, ms }: ReadingPoint): Promise<ReadingRow | null> {
      const newest = await newestOf(meter, register);
      if (newest === null) return null;
      const [row] = await between(NEWEST, { meter, register }, 0, Math.min(ms, newest));
      return row === undefined ? null : readingRow(row);
    },
    async readingAtOrAfter({ meter, register, ms }: ReadingPoint): Promise<ReadingRow | null> {
      const newest = await newestOf(meter, register);
      if (newest === null || newest < ms) return null;
      const [row] = await between(OLDEST, { meter, register }, ms, newest);
      return row === undefined ? null : readingRow(row);
    },
    async lastReadings(): Promise<ReadingRow[]> {
      return (await db.rows(LAST)).map(readingRow);
    },
  };
}
