/**
 * What ingest leaves behind, as one hash: whoever stored the same messages, in whatever order and however often, has the same one.
 * When a message came, and under which number it was counted, is not part of it.
 */
import { createHash } from 'node:crypto';

/** Tables and columns are the same in every store. */
const QUERIES = [
  `SELECT gateway, epoch, sequence, meter, register, instant, value, unit, code, raw, source
   FROM reading ORDER BY gateway, epoch, sequence`,
  `SELECT gateway, epoch, sequence, meter, register, from_instant, to_instant, count, reason
   FROM gap_marker ORDER BY gateway, epoch, sequence`,
  'SELECT gateway, epoch, sequence, digest, signature FROM evidence ORDER BY gateway, epoch, sequence',
  'SELECT gateway, epoch, sequence, topic, code, payload FROM quarantine ORDER BY digest',
  'SELECT meter, register, instant FROM last_reading ORDER BY meter, register',
  'SELECT meter, day FROM dirty_day ORDER BY meter, day',
  'SELECT DISTINCT hour FROM export_dirty ORDER BY hour',
];

/** @param rows answers a query; integers may be numbers or bigints */
export async function stateHash(
  rows: (sql: string) => Iterable<object> | AsyncIterable<object>,
): Promise<string> {
  const hash = createHash('sha256');
  for (const query of QUERIES) {
    hash.update(query);
    for await (const row of rows(query)) hash.update(JSON.stringify(Object.values(row).map(textOf)));
  }
  return hash.digest('hex');
}

const textOf = (value: unknown): string | null => (value === null ? null : String(value));
