/**
 * Decides on the items of one gateway and stores what is new, inside the caller's transaction: few statements for any number of
 * items. What cannot be stored gets the reason. Any number of processes may do this at the same time: the keys alone decide.
 */
import type { GapMarker, Reading } from '../../../protocols/reading.ts';
import type { Batch, UplinkItem } from '../../../protocols/uplink.ts';
import { type Admitted, admit, type Refusal, unixMs } from '../admit.ts';
import type { ReadingRow } from '../port/readings.ts';
import { staleMarks } from '../stale-marks.ts';
import { putMarks } from './changes.ts';
import { putEvidence } from './evidence.ts';
import { claimMeters, type Owners, ownersOf } from './ownership.ts';
import { insertReadings, type NewReading, type Standing, whatStands } from './readings.ts';
import type { Session } from './session.ts';

export type Outcome = 'stored' | 'duplicate' | Refusal;
type Sender = Pick<Batch, 'gateway' | 'epoch'>;

const conflict = (detail: string): Refusal => ({ code: 'conflict', detail });

const sameValue = (row: ReadingRow, { item, value }: NewReading): boolean =>
  row.value === value && row.unit === item.unit && row.code === (item.code ?? null);

/** What becomes of a reading that was not inserted: the same again, or something else in its place. */
function outcomeOf(reading: NewReading, { gateway, epoch }: Sender, { taken, known }: Standing): Outcome {
  const { item } = reading;
  if (taken) {
    const isSent =
      known !== null &&
      known.gateway === gateway &&
      known.epoch === epoch &&
      known.sequence === item.sequence;
    return isSent &&
      sameValue(known, reading) &&
      known.raw === (item.raw ?? null) &&
      known.source === item.source
      ? 'duplicate'
      : conflict('another reading is stored under this sequence');
  }
  if (known === null) throw new Error(`reading ${item.sequence} was neither inserted nor in the way`);
  return sameValue(known, reading)
    ? 'duplicate'
    : conflict('the register is stored with another value at this instant');
}

const EVIDENCE =
  'SELECT sequence FROM evidence WHERE gateway = $1 AND epoch = $2 AND sequence BETWEEN $3 AND $4';
const PUT_GAPS = `INSERT INTO gap_marker (sequence, meter, register, from_instant, to_instant, count, reason, gateway, epoch)
  SELECT i.*, $8, $9 FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
    AS i (sequence, meter, register, from_instant, to_instant, count, reason)
  ORDER BY i.sequence ON CONFLICT DO NOTHING RETURNING sequence`;
const SAME_GAPS = `SELECT i.sequence FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
    AS i (sequence, meter, register, from_instant, to_instant, count, reason)
  JOIN gap_marker g USING (sequence, meter, register, from_instant, to_instant, count, reason) WHERE g.gateway = $8 AND g.epoch = $9`;

/** @returns by sequence */
async function takeGaps(
  session: Session,
  { gateway, epoch }: Sender,
  gaps: readonly GapMarker[],
): Promise<Map<number, Outcome>> {
  const column = <T>(of: (gap: GapMarker) => T): T[] => gaps.map(of);
  const values = [
    column(({ sequence }) => sequence),
    column(({ meter }) => meter),
    column(({ register }) => register),
    column(({ from }) => unixMs(from)),
    column(({ to }) => unixMs(to)),
    column(({ count }) => count),
    column(({ reason }) => reason),
    gateway,
    epoch,
  ];
  const sequencesOf = async (text: string): Promise<Set<number>> =>
    new Set((await session.rows(text, values)).map(({ sequence }) => Number(sequence)));
  const stored = await sequencesOf(PUT_GAPS);
  const same = stored.size === gaps.length ? stored : await sequencesOf(SAME_GAPS);
  return new Map(
    gaps.map(({ sequence }): [number, Outcome] => {
      if (stored.has(sequence)) return [sequence, 'stored'];
      if (same.has(sequence)) return [sequence, 'duplicate'];
      return [sequence, conflict('another gap marker is stored under this sequence')];
    }),
  );
}

async function takeReadings(
  session: Session,
  sender: Sender,
  list: readonly NewReading[],
): Promise<Map<number, Outcome>> {
  const stored = await insertReadings(session, sender, list);
  const rest = list.filter(({ item }) => !stored.has(item.sequence));
  const standing = rest.length === 0 ? null : await whatStands(session, sender, rest);
  return new Map(
    list.map((reading): [number, Outcome] => {
      const { sequence } = reading.item;
      const inTheWay = standing?.get(sequence);
      return [sequence, inTheWay === undefined ? 'stored' : outcomeOf(reading, sender, inTheWay)];
    }),
  );
}

/** Readings whose value and stamp can be stored; the reason of the others goes to `outcomes`. */
function admitted(
  readings: readonly Reading[],
  latestMs: number,
  evidence: ReadonlySet<number>,
  outcomes: Map<number, Outcome>,
): NewReading[] {
  return readings.flatMap((item) => {
    const result: Admitted | Refusal = evidence.has(item.sequence)
      ? conflict('evidence is stored under this sequence')
      : admit(item, latestMs);
    if (!('code' in result)) return [{ ...result, item }];
    outcomes.set(item.sequence, result);
    return [];
  });
}

/** What the store has of the items' sequences and meters beside readings. */
export interface Surroundings {
  /** Sequences under which evidence is stored. */
  evidence: ReadonlySet<number>;
  owners: Owners;
}

export async function surroundings(
  session: Session,
  { gateway, epoch }: Sender,
  items: readonly UplinkItem[],
): Promise<Surroundings> {
  const [first, last] = [items[0]?.sequence ?? 0, items.at(-1)?.sequence ?? 0];
  const meters = items.flatMap((item) => (item.kind === 'evidence' ? [] : [item.meter]));
  const [rows, owners] = await Promise.all([
    session.rows(EVIDENCE, [gateway, epoch, first, last]),
    ownersOf(session, gateway, [...new Set(meters)]),
  ]);
  return { evidence: new Set(rows.map(({ sequence }) => Number(sequence))), owners };
}

/** @param latestMs no reading may be later @returns what became of each, by sequence */
export async function takeItems(
  session: Session,
  sender: Sender,
  items: readonly UplinkItem[],
  { evidence, owners, latestMs }: Surroundings & { latestMs: number },
): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  const readings = admitted(
    items.filter((item) => item.kind === 'reading'),
    latestMs,
    evidence,
    outcomes,
  );
  const gaps = items.filter((item) => item.kind === 'gap');
  const meters = [...readings.map(({ item }) => item.meter), ...gaps.map(({ meter }) => meter)];
  const foreign = await claimMeters(session, sender.gateway, meters, owners);
  const isOwn = (meter: string, ms: number, sequence: number): boolean => {
    const refusal = foreign(meter, ms);
    if (refusal !== null) outcomes.set(sequence, refusal);
    return refusal === null;
  };
  const ownReadings = readings.filter(({ item, atMs }) => isOwn(item.meter, atMs, item.sequence));
  const ownGaps = gaps.filter(({ meter, from, sequence }) => isOwn(meter, unixMs(from), sequence));
  const marks = staleMarks();
  if (ownReadings.length > 0)
    for (const [sequence, outcome] of await takeReadings(session, sender, ownReadings))
      outcomes.set(sequence, outcome);
  for (const { item, atMs } of ownReadings)
    if (outcomes.get(item.sequence) === 'stored') marks.reading(item.meter, item.register, atMs);
  if (ownGaps.length > 0)
    for (const [sequence, outcome] of await takeGaps(session, sender, ownGaps))
      outcomes.set(sequence, outcome);
  for (const { meter, from, to, sequence } of ownGaps)
    if (outcomes.get(sequence) === 'stored') marks.gap(meter, unixMs(from), unixMs(to));
  for (const item of items)
    if (item.kind === 'evidence')
      outcomes.set(item.sequence, await putEvidence(session, sender, item, latestMs));
  await putMarks(session, marks);
  return outcomes;
}
