/** Which gateway may write which meter: the first that wrote it is remembered, and an operator moves meters to another gateway. */
import type { Refusal } from '../admit.ts';
import type { Session } from './session.ts';

const OWNERS = 'SELECT meter, gateway, until FROM meter_gateway WHERE meter = ANY($1::text[])';
const CLAIM = `INSERT INTO meter_gateway (meter, gateway)
  SELECT meter, $2 FROM unnest($1::text[]) AS i (meter) ORDER BY 1 ON CONFLICT DO NOTHING`;

/** Until when the gateway may write each meter; null: it is another's. Not there: nobody's yet. */
export type Owners = ReadonlyMap<string, number | null>;

export async function ownersOf(
  session: Session,
  gateway: string,
  meters: readonly string[],
): Promise<Owners> {
  const until = new Map<string, number | null>();
  for (const row of await session.rows(OWNERS, [meters])) {
    const meter = row.meter as string;
    const toEnd = row.until === null ? Number.POSITIVE_INFINITY : Number(row.until);
    if (row.gateway === gateway) until.set(meter, toEnd);
    else if (row.until === null && !until.has(meter)) until.set(meter, null);
  }
  return until;
}

/**
 * Claims what is nobody's, inside the caller's transaction. Of two gateways that claim a meter at the same time one waits for the
 * other's commit, and sees it.
 * @param known what was found of the meters
 * @returns why the gateway may not write a reading of this instant, or null
 */
export async function claimMeters(
  session: Session,
  gateway: string,
  meters: readonly string[],
  known: Owners,
): Promise<(meter: string, ms: number) => Refusal | null> {
  const free = [...new Set(meters)].filter((meter) => !known.has(meter));
  if (free.length > 0) await session.run(CLAIM, [free, gateway]);
  const owners = free.length > 0 ? await ownersOf(session, gateway, meters) : known;
  return (meter, ms) => {
    const until = owners.get(meter) ?? null;
    if (until !== null && ms < until) return null;
    const detail = until === null ? 'is of another gateway' : 'was moved to another gateway before that';
    return { code: 'foreign_meter', detail: `${meter} ${detail}` };
  };
}

const END = `UPDATE meter_gateway SET until = $3 WHERE meter = ANY($1::text[]) AND until IS NULL AND gateway <> $2 RETURNING meter`;
const PUT = `INSERT INTO meter_gateway (meter, gateway) SELECT meter, $2 FROM unnest($1::text[]) AS i (meter) ORDER BY 1
  ON CONFLICT (meter, gateway) DO UPDATE SET until = NULL`;

/** Gives meters to a gateway, inside the caller's transaction. @returns those that were another's */
export async function moveMeters(
  session: Session,
  meters: readonly string[],
  gateway: string,
  atMs: number,
): Promise<string[]> {
  const list = [...new Set(meters)];
  const ended = new Set((await session.rows(END, [list, gateway, atMs])).map(({ meter }) => meter));
  await session.run(PUT, [list, gateway]);
  return meters.filter((meter) => ended.has(meter));
}

export async function metersOf(session: Session, gateway: string): Promise<string[]> {
  const rows = await session.rows(
    'SELECT meter FROM meter_gateway WHERE gateway = $1 AND until IS NULL ORDER BY meter',
    [gateway],
  );
  return rows.map(({ meter }) => meter as string);
}
