/**
 * Which gateway may write which meter: the first that wrote it is remembered, and an operator moves meters to another gateway. The one
 * before may still send what it read until then.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Refusal } from '../admit.ts';

export const schema = `
CREATE TABLE IF NOT EXISTS meter_gateway (
  meter TEXT NOT NULL,
  gateway TEXT NOT NULL,
  until INTEGER,              -- Unix milliseconds: of earlier readings only; null: of all
  PRIMARY KEY (meter, gateway)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS meter_gateway_now ON meter_gateway (meter) WHERE until IS NULL;
`;

/** Checks and claims inside the caller's transaction; what is asked again in it is remembered. */
export function ownershipReader(db: DatabaseSync) {
  const all = db.prepare('SELECT gateway, until FROM meter_gateway WHERE meter = ?');
  const claim = db.prepare('INSERT INTO meter_gateway (meter, gateway) VALUES (?, ?)');
  return (gateway: string) => {
    /** Until when the gateway may write the meter; null: it is another's. */
    const known = new Map<string, number | null>();
    const mayWriteUntil = (meter: string): number | null => {
      const rows = all.all(meter) as { gateway: string; until: number | null }[];
      const own = rows.find((row) => row.gateway === gateway);
      if (own !== undefined) return own.until ?? Number.POSITIVE_INFINITY;
      if (rows.some(({ until }) => until === null)) return null;
      claim.run(meter, gateway);
      return Number.POSITIVE_INFINITY;
    };
    /** @param ms of the reading @returns why the gateway may not write it, or null */
    return (meter: string, ms: number): Refusal | null => {
      let until = known.get(meter);
      if (until === undefined) {
        until = mayWriteUntil(meter);
        known.set(meter, until);
      }
      if (until !== null && ms < until) return null;
      const detail = until === null ? 'is of another gateway' : 'was moved to another gateway before that';
      return { code: 'foreign_meter', detail: `${meter} ${detail}` };
    };
  };
}

/** Gives meters to a gateway, inside the caller's transaction. @returns those that were another's */
export function meterMover(db: DatabaseSync) {
  const end = db.prepare(
    'UPDATE meter_gateway SET until = ? WHERE meter = ? AND until IS NULL AND gateway <> ? RETURNING meter',
  );
  const put = db.prepare(
    'INSERT INTO meter_gateway (meter, gateway) VALUES (?, ?) ON CONFLICT DO UPDATE SET until = NULL',
  );
  return (meters: readonly string[], gateway: string, atMs: number): string[] => {
    const moved = meters.filter((meter) => end.get(atMs, meter, gateway) !== undefined);
    for (const meter of meters) put.run(meter, gateway);
    return moved;
  };
}

export function metersOf(db: DatabaseSync) {
  const list = db.prepare(
    'SELECT meter FROM meter_gateway WHERE gateway = ? AND until IS NULL ORDER BY meter',
  );
  return (gateway: string): string[] => list.all(gateway).map(({ meter }) => meter as string);
}
