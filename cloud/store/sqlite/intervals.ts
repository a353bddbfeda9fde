/** Intervals: consumption over `[start, end)`, derived from readings and written anew whenever those change. */

import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Quality } from '../../../protocols/api.ts';
import type { IntervalRow, IntervalsOperations, IntervalTotal, SpanSum } from '../port/intervals.ts';
import { lateMarker } from './run-records.ts';
import { transaction } from './transaction.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS interval (
  meter TEXT NOT NULL,
  start INTEGER NOT NULL,     -- Unix milliseconds
  "end" INTEGER NOT NULL,
  quantity INTEGER,           -- millionths of the unit, after the multiplier
  quality TEXT NOT NULL,
  method TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (meter, start),
  CHECK ("end" > start),
  CHECK ((quantity IS NULL) = (quality = 'missing'))
) STRICT, WITHOUT ROWID;
`;

const intervalRow = (row: Record<string, SQLOutputValue>): IntervalRow => ({
  meter: row.meter as string,
  startMs: Number(row.start),
  endMs: Number(row.end),
  quantity: row.quantity as bigint | null,
  quality: row.quality as Quality,
  method: row.method as string,
  reason: row.reason as string,
});

/** `intervalTotals` for each of many spans: where time of use cuts the month. Spans without intervals are left out. */
function spanSums(
  db: DatabaseSync,
): (query: { meters: string[]; spans: { fromMs: number; toMs: number }[] }) => SpanSum[] {
  // Its order is that of the key: so the sums come out of one walk along the meter's intervals.
  db.exec('CREATE TEMP TABLE IF NOT EXISTS span (id INTEGER PRIMARY KEY, start INTEGER, "end" INTEGER)');
  const addSpan = db.prepare('INSERT INTO temp.span SELECT key, value ->> 0, value ->> 1 FROM json_each(?)');
  const sums = db.prepare(
    `SELECT s.id, count(*), sum(i.quantity), sum(i."end" - i.start), count(nullif(i.quality, 'actual')), max(i."end")
     FROM temp.span s CROSS JOIN interval i
     WHERE i.meter = ? AND i.start >= s.start AND i.start < s."end" GROUP BY s.id`,
  );
  sums.setReadBigInts(true);
  sums.setReturnArrays(true);
  return ({ meters, spans }) => {
    db.exec('DELETE FROM temp.span');
    addSpan.run(JSON.stringify(spans.map(({ fromMs, toMs }) => [fromMs, toMs])));
    return meters.flatMap((meter) =>
      (sums.all(meter) as unknown as (bigint | null)[][]).map(
        ([span, intervals, quantity, coveredMs, unsettled, endMs]) => ({
          meter,
          span: Number(span),
          intervals: Number(intervals),
          quantity: quantity ?? 0n,
          coveredMs: Number(coveredMs),
          unsettled: Number(unsettled),
          endMs: Number(endMs),
        }),
      ),
    );
  };
}

export function operations(db: DatabaseSync): IntervalsOperations {
  const late = lateMarker(db);
  const remove = db.prepare('DELETE FROM interval WHERE meter = ? AND start >= ? AND start < ?');
  const insert = db.prepare(
    'INSERT INTO interval (meter, start, "end", quantity, quality, method, reason) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const select = db.prepare(
    `SELECT i.* FROM json_each(:meters) m CROSS JOIN interval i
     WHERE i.meter = m.value AND i.start >= :from AND i.start < :to ORDER BY i.meter, i.start`,
  );
  select.setReadBigInts(true);
  const unsettled = db.prepare(
    `SELECT * FROM interval WHERE meter = ? AND start >= ? AND start < ? AND quality <> 'actual' ORDER BY start`,
  );
  unsettled.setReadBigInts(true);
  const total = db.prepare(
    `SELECT i.meter, coalesce(sum(i.quantity), 0) AS quantity,
       coalesce(sum(i.quantity) FILTER (WHERE i.quality <> 'actual'), 0) AS estimated,
       count(i.quantity) AS known, count(*) - count(i.quantity) AS missing
     FROM json_each(:meters) m CROSS JOIN interval i
     WHERE i.meter = m.value AND i.start >= :from AND i.start < :to GROUP BY i.meter ORDER BY i.meter`,
  );
  total.setReadBigInts(true);
  const lastKnown = db.prepare(
    `SELECT m.value AS meter, (SELECT i."end" FROM interval i
       WHERE i.meter = m.value AND i.start < :before AND i.quantity IS NOT NULL ORDER BY i.start DESC LIMIT 1) AS endMs
     FROM json_each(:meters) m WHERE endMs IS NOT NULL ORDER BY m.value`,
  );
  // Steps from meter to meter along the key instead of reading every interval.
  const known = db.prepare(`
    WITH RECURSIVE meters (meter) AS (
      SELECT min(meter) FROM interval
      UNION ALL
      SELECT (SELECT min(i.meter) FROM interval i WHERE i.meter > meters.meter) FROM meters WHERE meter IS NOT NULL
    )
    SELECT json_group_array(meter) AS meters FROM meters WHERE meter IS NOT NULL`);

  /** A meter's intervals as one text, to tell whether they are others than before. */
  const textOf = (meter: string, { fromMs, toMs }: { fromMs: number; toMs: number }): string =>
    select
      .all({ meters: JSON.stringify([meter]), from: fromMs, to: toMs })
      .map((row) => Object.values(row).join())
      .join('\n');

  return {
    replaceIntervals(meter: string, fromMs: number, toMs: number, rows: IntervalRow[]): void {
      transaction(db, () => {
        const issued = late.issuedSpans(fromMs, toMs).map((span) => {
          const common = { fromMs: Math.max(fromMs, span.fromMs), toMs: Math.min(toMs, span.toMs) };
          return { period: span.period, common, before: textOf(meter, common) };
        });
        remove.run(meter, fromMs, toMs);
        for (const { startMs, endMs, quantity, quality, method, reason } of rows) {
          if (startMs < fromMs || startMs >= toMs)
            throw new RangeError('an interval starts outside the span');
          insert.run(meter, startMs, endMs, quantity, quality, method, reason);
        }
        for (const { period, common, before } of issued)
          if (textOf(meter, common) !== before) late.markLate(period, meter);
      });
    },
    intervals(query: { meters: string[] | null; fromMs: number; toMs: number }): IntervalRow[] {
      const { meters, fromMs: from, toMs: to } = query;
      const list = meters === null ? (known.get()?.meters as string) : JSON.stringify(meters);
      return select.all({ meters: list, from, to }).map(intervalRow);
    },
    unsettledIntervals(query: { meter: string; fromMs: number; toMs: number }): IntervalRow[] {
      return unsettled.all(query.meter, query.fromMs, query.toMs).map(intervalRow);
    },
    intervalTotals(query: { meters: string[]; fromMs: number; toMs: number }): IntervalTotal[] {
      const { meters, fromMs: from, toMs: to } = query;
      return total.all({ meters: JSON.stringify(meters), from, to }).map((row) => ({
        meter: row.meter as string,
        quantity: row.quantity as bigint,
        estimated: row.estimated as bigint,
        known: Number(row.known),
        missing: Number(row.missing),
      }));
    },
    intervalSums: spanSums(db),
    lastKnownEnds(query: { meters: string[]; beforeMs: number }): { meter: string; endMs: number }[] {
      const { meters, beforeMs: before } = query;
      const rows = lastKnown.all({ meters: JSON.stringify(meters), before });
      return rows as unknown as { meter: string; endMs: number }[];
    },
  };
}
