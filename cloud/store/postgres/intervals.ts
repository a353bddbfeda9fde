/** Intervals: consumption over `[start, end)`, derived from readings and written anew whenever those change. */
import type { Quality } from '../../../protocols/api.ts';
import type { IntervalRow, IntervalTotal, SpanSum } from '../port/intervals.ts';
import type { Database } from './open-database.ts';
import { issuedSpans, markLate } from './run-records.ts';
import type { Row, Session } from './session.ts';

const intervalRow = (row: Row): IntervalRow => ({
  meter: row.meter as string,
  startMs: Number(row.start),
  endMs: Number(row.end),
  quantity: row.quantity as bigint | null,
  quality: row.quality as Quality,
  method: row.method as string,
  reason: row.reason as string,
});

const REMOVE = 'DELETE FROM "interval" WHERE meter = $1 AND start >= $2 AND start < $3';
const INSERT = `INSERT INTO "interval" (meter, start, "end", quantity, quality, method, reason)
  SELECT $1, i.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
    AS i (start, "end", quantity, quality, method, reason)`;
const OF_METERS = `SELECT i.* FROM unnest($1::text[]) AS m (meter) CROSS JOIN LATERAL (
    SELECT * FROM "interval" i WHERE i.meter = m.meter AND i.start >= $2 AND i.start < $3 ORDER BY i.start) i
  ORDER BY i.meter, i.start`;
const UNSETTLED = `SELECT * FROM "interval" WHERE meter = $1 AND start >= $2 AND start < $3 AND quality <> 'actual' ORDER BY start`;
const TOTALS = `SELECT m.meter, i.* FROM unnest($1::text[]) AS m (meter) CROSS JOIN LATERAL (
    SELECT coalesce(sum(i.quantity), 0) AS quantity, coalesce(sum(i.quantity) FILTER (WHERE i.quality <> 'actual'), 0) AS estimated,
      count(i.quantity) AS known, count(*) - count(i.quantity) AS missing
    FROM "interval" i WHERE i.meter = m.meter AND i.start >= $2 AND i.start < $3) i
  WHERE i.known + i.missing > 0 ORDER BY m.meter COLLATE "C"`;
const SUMS = `SELECT m.meter, s.id - 1 AS span, i.* FROM unnest($1::text[]) AS m (meter)
    CROSS JOIN unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS s (start, "end", id) CROSS JOIN LATERAL (
    SELECT count(*) AS intervals, coalesce(sum(i.quantity), 0) AS quantity, sum(i."end" - i.start) AS covered,
      count(*) FILTER (WHERE i.quality <> 'actual') AS unsettled, max(i."end") AS "end"
    FROM "interval" i WHERE i.meter = m.meter AND i.start >= s.start AND i.start < s."end") i
  WHERE i.intervals > 0 ORDER BY m.meter COLLATE "C", s.id`;
const LAST_KNOWN = `SELECT m.meter, i."end" FROM unnest($1::text[]) AS m (meter) CROSS JOIN LATERAL (
    SELECT i."end" FROM "interval" i WHERE i.meter = m.meter AND i.start < $2 AND i.quantity IS NOT NULL
    ORDER BY i.start DESC LIMIT 1) i
  ORDER BY m.meter COLLATE "C"`;
/** Steps from meter to meter along the key instead of reading every interval. */
const METERS = `WITH RECURSIVE meters (meter) AS (
    SELECT min(meter)::word FROM "interval"
    UNION ALL
    SELECT (SELECT min(i.meter)::word FROM "interval" i WHERE i.meter > meters.meter) FROM meters WHERE meter IS NOT NULL
  ) SELECT meter FROM meters WHERE meter IS NOT NULL`;

interface Span {
  fromMs: number;
  toMs: number;
}

/** A meter's intervals as one text, to tell whether they are others than before. */
async function textOf(session: Session, meter: string, { fromMs, toMs }: Span): Promise<string> {
  const rows = await session.rows(OF_METERS, [[meter], fromMs, toMs]);
  return rows.map((row) => Object.values(row).join()).join('\n');
}

/** The issued periods that the span reaches into, and what the meter has there. */
async function inIssuedSpans(session: Session, meter: string, { fromMs, toMs }: Span) {
  const found: { period: string; common: Span; text: string }[] = [];
  for (const span of await issuedSpans(session, { fromMs, toMs })) {
    const common = { fromMs: Math.max(fromMs, span.fromMs), toMs: Math.min(toMs, span.toMs) };
    found.push({ period: span.period, common, text: await textOf(session, meter, common) });
  }
  return found;
}

export function operations(db: Database) {
  return {
    async replaceIntervals(meter: string, fromMs: number, toMs: number, rows: IntervalRow[]): Promise<void> {
      if (rows.some(({ startMs }) => startMs < fromMs || startMs >= toMs))
        throw new RangeError('an interval starts outside the span');
      const column = <T>(of: (row: IntervalRow) => T): T[] => rows.map(of);
      await db.transaction(async (tx) => {
        const before = await inIssuedSpans(tx, meter, { fromMs, toMs });
        await tx.run(REMOVE, [meter, fromMs, toMs]);
        await tx.run(INSERT, [
          meter,
          column(({ startMs }) => startMs),
          column(({ endMs }) => endMs),
          column(({ quantity }) => quantity),
          column(({ quality }) => quality),
          column(({ method }) => method),
          column(({ reason }) => reason),
        ]);
        for (const { period, common, text } of before)
          if ((await textOf(tx, meter, common)) !== text) await markLate(tx, period, meter);
      });
    },
    async intervals({ meters, fromMs, toMs }: Span & { meters: string[] | null }): Promise<IntervalRow[]> {
      const list = meters ?? (await db.rows(METERS)).map(({ meter }) => meter as string);
      return (await db.rows(OF_METERS, [list, fromMs, toMs])).map(intervalRow);
    },
    unsettledIntervals: async ({ meter, fromMs, toMs }: Span & { meter: string }): Promise<IntervalRow[]> =>
      (await db.rows(UNSETTLED, [meter, fromMs, toMs])).map(intervalRow),
    intervalTotals: async ({ meters, fromMs, toMs }: Span & { meters: string[] }): Promise<IntervalTotal[]> =>
      (await db.rows(TOTALS, [meters, fromMs, toMs])).map((row) => ({
        meter: row.meter as string,
        quantity: row.quantity as bigint,
        estimated: row.estimated as bigint,
        known: Number(row.known),
        missing: Number(row.missing),
      })),
    async intervalSums({ meters, spans }: { meters: string[]; spans: Span[] }): Promise<SpanSum[]> {
      const [from, to] = [spans.map(({ fromMs }) => fromMs), spans.map(({ toMs }) => toMs)];
      return (await db.rows(SUMS, [meters, from, to])).map((row) => ({
        meter: row.meter as string,
        span: Number(row.span),
        intervals: Number(row.intervals),
        quantity: row.quantity as bigint,
        coveredMs: Number(row.covered),
        unsettled: Number(row.unsettled),
        endMs: Number(row.end),
      }));
    },
    async lastKnownEnds(query: {
      meters: string[];
      beforeMs: number;
    }): Promise<{ meter: string; endMs: number }[]> {
      const rows = await db.rows(LAST_KNOWN, [query.meters, query.beforeMs]);
      return rows.map(({ meter, end }) => ({ meter: meter as string, endMs: Number(end) }));
    },
  };
}
