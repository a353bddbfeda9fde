/**
 * A damaged outbox: what can be read of it goes on in a new file with a new epoch, what cannot is told by a gap marker,
 * and the old file is kept aside. The gateway starts either way.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { UplinkItem } from '../protocols/reading.ts';
import {
  type Accepted,
  checksum,
  type Mark,
  OutboxDamage,
  type OutboxRow,
  openChecked,
  readMark,
  selectAccepted,
  selectGateway,
  selectItems,
  writeMark,
} from './outbox-database.ts';

export interface Damage {
  /** Where the damaged file lies now. */
  file: string;
  /** Why it was found damaged. */
  detail: string;
  carriedOver: number;
  lost: number;
}

interface Salvage {
  rows: OutboxRow[];
  accepted: Accepted[];
  lost: number;
}

/** The register of a marker that stands for readings of unknown registers of the gateway. */
const NO_REGISTER = '0-0:0.0.0';

/**
 * Opens the outbox, repaired if it must be.
 * @throws OutboxError when another process holds the file, it is another gateway's, or the disk fails
 */
export function openOrRepair(file: string, gateway: string): { db: DatabaseSync; damage: Damage | null } {
  const rebuilt = `${file}.rebuilt`;
  // A repair that was cut off between its two renames.
  if (!existsSync(file) && existsSync(rebuilt)) renameSync(rebuilt, file);
  try {
    return { db: openChecked(file, gateway), damage: null };
  } catch (error) {
    if (!(error instanceof OutboxDamage)) throw error;
    const damage = repair(file, rebuilt, gateway, error.message);
    return { db: openChecked(file, gateway), damage };
  }
}

function repair(file: string, rebuilt: string, gateway: string, detail: string): Damage {
  for (const old of [rebuilt, `${rebuilt}-wal`, `${rebuilt}.mark`]) rmSync(old, { force: true });
  const salvage = readDamaged(file);
  const fresh = openChecked(rebuilt, gateway);
  const mark = carryOver(fresh, salvage, gateway);
  fresh.close();
  let number = 1;
  while (existsSync(`${file}.damaged-${number}`)) number += 1;
  const aside = `${file}.damaged-${number}`;
  // The log first: a new database must never find the log of an old one beside it.
  if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${aside}-wal`);
  renameSync(file, aside);
  renameSync(rebuilt, file);
  writeMark(file, mark);
  return { file: aside, detail, carriedOver: salvage.rows.length, lost: salvage.lost };
}

function readDamaged(file: string): Salvage {
  const mark = readMark(file);
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(file);
  } catch {
    return { rows: [], accepted: [], lost: 1 };
  }
  const rows = new Map<number, OutboxRow>();
  // A broken page ends a scan: the second one reads the far side of it.
  for (const direction of ['ASC', 'DESC']) {
    for (const item of untilBroken(db, `${selectItems} ORDER BY sequence ${direction}`)) {
      const row = item as unknown as OutboxRow & { checksum: number };
      if (checksum(row) === row.checksum) rows.set(row.sequence, row);
    }
  }
  const accepted = [...untilBroken(db, selectAccepted)] as unknown as Accepted[];
  const [head] = untilBroken(db, selectGateway);
  db.close();
  const kept = [...rows.values()].sort((a, b) => a.sequence - b.sequence);
  return { rows: kept, accepted, lost: countLost(kept, head, mark) };
}

/** @returns at least 1 when it cannot be known */
function countLost(kept: OutboxRow[], head: Record<string, unknown> | undefined, mark: Mark | null): number {
  const last = kept.at(-1)?.sequence ?? 0;
  const next = Math.max(last + 1, Number(head?.nextSequence ?? 0), mark?.nextSequence ?? 0);
  const first = head === undefined ? (kept[0]?.sequence ?? next) : Number(head.acknowledgedTo) + 1;
  const lost = Math.max(0, next - first - kept.length);
  return head === undefined ? Math.max(1, lost) : lost;
}

function* untilBroken(db: DatabaseSync, sql: string): Generator<Record<string, unknown>> {
  try {
    yield* db.prepare(sql).iterate();
  } catch {
    // The rest of this scan lies behind the damage.
  }
}

/** Writes what was saved into a fresh file, under its new epoch, and the marker of what was lost. */
function carryOver(db: DatabaseSync, salvage: Salvage, gateway: string): Mark {
  const insert = db.prepare('INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const accept = db.prepare('INSERT OR REPLACE INTO accepted VALUES (?, ?, ?, ?)');
  let sequence = 0;
  db.exec('BEGIN IMMEDIATE');
  const rows = salvage.lost === 0 ? salvage.rows : [lossMarker(salvage, gateway), ...salvage.rows];
  for (const old of rows) {
    sequence += 1;
    const body = old.body === null ? null : JSON.stringify({ ...JSON.parse(old.body), sequence });
    const row = { ...old, sequence, body };
    insert.run(sequence, row.meter, row.register, row.atMs, row.billing, row.body, row.reason, checksum(row));
  }
  for (const { meter, register, atMs, value } of salvage.accepted) accept.run(meter, register, atMs, value);
  db.prepare('UPDATE gateway SET next_sequence = ?').run(sequence + 1);
  db.exec('COMMIT');
  return { epoch: String(db.prepare(selectGateway).get()?.epoch), nextSequence: sequence + 1 };
}

/** Somewhere in the span of what was readable, that many readings of this gateway are gone. */
function lossMarker({ rows, accepted, lost }: Salvage, gateway: string): OutboxRow {
  const instants = [...rows, ...accepted].map(({ atMs }) => atMs);
  const fromMs = instants.reduce((a, b) => Math.min(a, b), instants[0] ?? 0);
  const toMs = instants.reduce((a, b) => Math.max(a, b), instants[0] ?? 0);
  return corruptMarker({ sequence: 1, meter: gateway, register: NO_REGISTER, fromMs, toMs, count: lost });
}

/** A row that tells of readings which were accepted and can no longer be read. */
export function corruptMarker(marker: {
  sequence: number;
  meter: string;
  register?: string;
  fromMs: number;
  toMs: number;
  count: number;
}): OutboxRow {
  const { sequence, meter, register = NO_REGISTER, fromMs, toMs, count } = marker;
  const [from, to] = [fromMs, toMs].map((ms) => Temporal.Instant.fromEpochMilliseconds(ms).toString());
  const item = UplinkItem.parse({
    kind: 'gap',
    sequence,
    meter,
    register,
    from,
    to,
    count,
    reason: 'corrupt',
  });
  return { sequence, meter, register, atMs: fromMs, billing: 1, body: JSON.stringify(item), reason: null };
}
