/**
 * The gateway's durable buffer between the meters and the cloud. A reading is accepted when its commit is on the disk; it
 * leaves only on a receipt of the cloud. Each accepted reading has a sequence, and each sequence goes up, as the reading
 * or as the marker of its hole.
 *
 * When the buffer is full, readings that bill nothing are given up, oldest first: their rows become holes that keep
 * their sequence. When none of those is left, new readings are refused, and a marker tells of them as soon as there is
 * room. So a billing reading, once accepted, is never given up for another.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { GapMarker, Reading } from '../protocols/reading.ts';
import type { Receipt } from '../protocols/uplink.ts';
import {
  type Accepted,
  checksum,
  isDiskFull,
  markFile,
  markText,
  named,
  type OutboxRow,
  selectAccepted,
  selectGateway,
  selectItems,
  spareRoom,
  writeMark,
} from './outbox-database.ts';
import { Refusals } from './outbox-refusals.ts';
import { corruptMarker, type Damage, openOrRepair } from './outbox-repair.ts';

/** A reading before it has its place in the outbox. */
export type NewReading = Omit<Reading, 'kind' | 'sequence'>;

/** An uplink item ready to be sent: `json` is the text of a `Reading` or a `GapMarker`. */
export interface OutboxItem {
  sequence: number;
  json: string;
}

export interface OutboxOptions {
  file: string;
  gateway: string;
  maxBytes: number;
  /** Registers that are given up last; all of them when not told. */
  isBilling?: (meter: string, register: string) => boolean;
}

/** What the rows add up to; restored when a transaction fails. */
interface Counts {
  nextSequence: number;
  /** The newest sequence that is acknowledged together with all before it. */
  acknowledgedTo: number;
  rows: number;
  bytes: number;
  givenUp: number;
  refused: number;
}

/** What a row costs beside its body: columns, b-tree, index. */
const ROW_BYTES = 96;
const EVICTED_AT_ONCE = 256;
const EXPIRED_AT_ONCE = 1000;
const DELETED_AT_ONCE = 1000;
const DEFAULT_BATCH_BYTES = 512 * 1024;
const bytesOf = (body: string | null): number => ROW_BYTES + (body?.length ?? 0);
const keyOf = ({ meter, register }: { meter: string; register: string }): string => `${meter} ${register}`;
const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
const instantMs = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;

/** @throws OutboxError when another process holds the file, it is another gateway's, or the disk fails */
export function openOutbox(options: OutboxOptions): Outbox {
  const { db, damage } = openOrRepair(options.file, options.gateway);
  return new Outbox(db, damage, options);
}

export class Outbox {
  /** 16 hex digits, minted once per database. With the sequence it is the idempotency key of a reading. */
  readonly epoch: string;
  /** Not null when the file was damaged: what was readable went on under this new epoch. */
  readonly damage: Damage | null;
  readonly #db: DatabaseSync;
  readonly #sql: Statements;
  readonly #gateway: string;
  readonly #maxBytes: number;
  readonly #isBilling: (meter: string, register: string) => boolean;
  readonly #accepted = new Map<string, Accepted>();
  readonly #earlyReceipts = new Map<number, number>();
  readonly #mark: number;
  readonly #refusals: Refusals;
  readonly #hasSpareRoom: () => boolean;
  #counts: Counts;
  /** The newest sequence that was handed out: what may already be on its way is not changed any more. */
  #handedOutTo = 0;

  constructor(db: DatabaseSync, damage: Damage | null, options: OutboxOptions) {
    this.#db = db;
    this.damage = damage;
    this.#gateway = options.gateway;
    this.#maxBytes = options.maxBytes;
    this.#isBilling = options.isBilling ?? (() => true);
    this.#sql = prepareAll(db);
    const head = db.prepare(selectGateway).get();
    this.epoch = String(head?.epoch);
    this.#counts = {
      nextSequence: Number(head?.nextSequence),
      acknowledgedTo: Number(head?.acknowledgedTo),
      ...this.#measure(Number.MAX_SAFE_INTEGER),
      givenUp: 0,
      refused: 0,
    };
    for (const row of db.prepare(selectAccepted).all() as unknown as Accepted[])
      this.#accepted.set(keyOf(row), row);
    this.#refusals = new Refusals(db);
    this.#hasSpareRoom = spareRoom(db, options.file);
    writeMark(options.file, { epoch: this.epoch, nextSequence: this.#counts.nextSequence });
    this.#mark = openSync(markFile(options.file), 'r+');
  }

  /**
   * Commits the readings in one transaction. @returns those that found no room: they were never accepted
   * @throws OutboxError nothing was accepted
   */
  append(readings: readonly NewReading[]): { refused: NewReading[] } {
    if (!this.#hasSpareRoom()) return this.#refuseAll(readings);
    const placed: Accepted[] = [];
    const refused: NewReading[] = [];
    try {
      this.#transaction(() => {
        this.#tellRefusals();
        for (const reading of readings) {
          const accepted = this.#place(reading);
          if (accepted === null) refused.push(reading);
          else placed.push(accepted);
        }
        this.#refuse(refused);
        this.#refusals.store();
        this.#sql.advance.run(this.#counts.nextSequence);
      });
    } catch (error) {
      // A full disk is the buffer's other bound; everything else is a fault.
      if (!isDiskFull(error)) throw named(error);
      return this.#refuseAll(readings);
    }
    for (const accepted of placed) {
      const last = this.#accepted.get(keyOf(accepted));
      if (last === undefined || last.atMs <= accepted.atMs) this.#accepted.set(keyOf(accepted), accepted);
    }
    return { refused };
  }

  /** The newest sequence that is acknowledged together with all before it. */
  get acknowledgedTo(): number {
    return this.#counts.acknowledgedTo;
  }

  /** How many items stand behind `sequence`. */
  countAfter(sequence: number): number {
    return this.#counts.nextSequence - 1 - Math.max(sequence, this.#counts.acknowledgedTo);
  }

  /** The instant of the last accepted reading of a register; survives restarts and deletes. */
  lastAcceptedMs(meter: string, register: string): number | null {
    return this.#accepted.get(keyOf({ meter, register }))?.atMs ?? null;
  }

  /** True when the last accepted reading of the register has this instant and this value. */
  repeats(reading: NewReading): boolean {
    const last = this.#accepted.get(keyOf(reading));
    return last !== undefined && last.value === reading.value && last.atMs === instantMs(reading.readAt);
  }

  /**
   * The items after `sequence` (or after what is acknowledged), in order and without a hole: at most `limit`, of
   * about `maxBytes` together. A row that cannot be read any more goes up as a gap marker.
   */
  after(sequence: number, limit: number, maxBytes = DEFAULT_BATCH_BYTES): OutboxItem[] {
    const start = Math.max(sequence, this.#counts.acknowledgedTo);
    const found = this.#sql.after.all(start, limit) as unknown as CheckedRow[];
    const end = found.length < limit ? this.#counts.nextSequence : (found.at(-1)?.sequence ?? start) + 1;
    const items: OutboxItem[] = [];
    let bytes = 0;
    let index = 0;
    for (let next = start + 1; next < end && items.length < limit; next += 1) {
      const row = found[index];
      const json = row?.sequence === next ? this.#textOf(row) : this.#missing(next, row?.atMs ?? 0);
      if (row?.sequence === next) index += 1;
      bytes += json.length;
      if (bytes > maxBytes && items.length > 0) break;
      items.push({ sequence: next, json });
    }
    this.#handedOutTo = Math.max(this.#handedOutTo, items.at(-1)?.sequence ?? 0);
    return items;
  }

  /**
   * Deletes what a receipt covers when it joins up with what was acknowledged before; otherwise keeps it in mind until
   * it does. A receipt of another epoch, or for what was not handed out, is ignored.
   */
  acknowledge({ epoch, from, to }: Pick<Receipt, 'epoch' | 'from' | 'to'>): void {
    const { acknowledgedTo } = this.#counts;
    if (epoch !== this.epoch || to > this.#handedOutTo || from > to || to <= acknowledgedTo) return;
    this.#earlyReceipts.set(from, Math.max(to, this.#earlyReceipts.get(from) ?? 0));
    let end = acknowledgedTo;
    for (const [start, stop] of [...this.#earlyReceipts].sort(([a], [b]) => a - b)) {
      if (start > end + 1) break;
      end = Math.max(end, stop);
      this.#earlyReceipts.delete(start);
    }
    if (end === acknowledgedTo) return;
    try {
      // In pieces: on a full disk there is room to log a few deletes, not all.
      while (this.#counts.acknowledgedTo < end)
        this.#deleteTo(Math.min(end, this.#counts.acknowledgedTo + DELETED_AT_ONCE));
    } catch (error) {
      // No room even to delete: the rows stay, go up again, and are receipted again.
      if (!isDiskFull(error)) throw named(error);
    }
  }

  /** Gives up what was read before `ms`, oldest first, leaving holes. @returns how many readings */
  expire(ms: number): number {
    const before = this.#counts.givenUp;
    for (;;) {
      const rows = this.#sql.oldest.all(this.#handedOutTo, EXPIRED_AT_ONCE) as unknown as OutboxRow[];
      const young = rows.findIndex((row) => row.atMs >= ms);
      const old = young === -1 ? rows : rows.slice(0, young);
      if (old.length > 0) this.#transaction(() => this.#giveUp(old, 'buffer_age'));
      if (old.length < EXPIRED_AT_ONCE) return this.#counts.givenUp - before;
    }
  }

  /** `givenUp` and `refused` count readings since the file was opened. */
  stats(): Counts & { oldestMs: number | null } {
    const oldest = this.#sql.first.get() as { atMs: number } | undefined;
    return { ...this.#counts, oldestMs: oldest?.atMs ?? null };
  }

  close(): void {
    this.#db.close();
    closeSync(this.#mark);
  }

  /** Puts the reading into its row, or returns null when there is no room. */
  #place(reading: NewReading): Accepted | null {
    const { meter, register, value } = reading;
    const sequence = this.#counts.nextSequence;
    const accepted = { meter, register, atMs: instantMs(reading.readAt), value };
    const row: OutboxRow = {
      sequence,
      meter,
      register,
      atMs: accepted.atMs,
      billing: this.#isBilling(meter, register) ? 1 : 0,
      body: JSON.stringify({ kind: 'reading', sequence, ...reading }),
      reason: null,
    };
    if (!this.#makeRoom(bytesOf(row.body))) return null;
    this.#insert(row);
    this.#sql.accept.run(meter, register, accepted.atMs, value);
    return accepted;
  }

  #insert(row: OutboxRow): void {
    const { sequence, meter, register, atMs, billing, body, reason } = row;
    this.#sql.insert.run(sequence, meter, register, atMs, billing, body, reason, checksum(row));
    this.#counts.nextSequence += 1;
    this.#counts.rows += 1;
    this.#counts.bytes += bytesOf(body);
  }

  #makeRoom(bytes: number): boolean {
    while (this.#counts.bytes + bytes > this.#maxBytes) {
      const rows = this.#sql.evictable.all(this.#handedOutTo, EVICTED_AT_ONCE) as unknown as OutboxRow[];
      if (rows.length === 0) return false;
      this.#giveUp(rows, 'buffer_full');
    }
    return true;
  }

  /** Leaves the hole of each row in its place. */
  #giveUp(rows: OutboxRow[], reason: GapMarker['reason']): void {
    for (const row of rows) {
      this.#sql.hollow.run(reason, checksum({ ...row, body: null, reason }), row.sequence);
      this.#counts.bytes -= row.body?.length ?? 0;
    }
    this.#counts.givenUp += rows.length;
  }

  /** A marker takes its place in the line for each register that was refused, as far as there is room. */
  #tellRefusals(): void {
    this.#refusals.tell((marker, atMs) => {
      const sequence = this.#counts.nextSequence;
      const { meter, register } = marker;
      const body = JSON.stringify({ ...marker, sequence });
      if (this.#counts.bytes + bytesOf(body) > this.#maxBytes) return false;
      this.#insert({ sequence, meter, register, atMs, billing: 1, body, reason: null });
      return true;
    });
  }

  #refuseAll(readings: readonly NewReading[]): { refused: NewReading[] } {
    this.#refuse(readings);
    return { refused: [...readings] };
  }

  #refuse(readings: readonly NewReading[]): void {
    for (const reading of readings) this.#refusals.add(reading);
    this.#counts.refused += readings.length;
  }

  #deleteTo(sequence: number): void {
    const { rows, bytes } = this.#measure(sequence);
    this.#transaction(() => {
      this.#sql.delete.run(sequence);
      this.#sql.acknowledge.run(sequence);
      this.#counts.rows -= rows;
      this.#counts.bytes -= bytes;
      this.#counts.acknowledgedTo = sequence;
    });
  }

  /** Rows up to a sequence, and what they cost. */
  #measure(sequence: number): { rows: number; bytes: number } {
    const { rows, bodies } = this.#sql.measure.get(sequence) as { rows: number; bodies: number };
    return { rows, bytes: rows * ROW_BYTES + bodies };
  }

  /** All of `work` is on the disk when this returns; or nothing is, in the file and in memory, and it throws. */
  #transaction(work: () => void): void {
    const counts = { ...this.#counts };
    const restoreRefusals = this.#refusals.snapshot();
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#counts = counts;
      restoreRefusals();
      throw error;
    }
    writeSync(this.#mark, markText({ epoch: this.epoch, nextSequence: this.#counts.nextSequence }), 0);
  }

  #textOf(row: CheckedRow): string {
    const { sequence, meter, register, atMs, body, reason } = row;
    if (checksum(row) !== row.checksum) return this.#missing(sequence, atMs);
    if (body !== null) return body;
    const at = instantText(atMs);
    return JSON.stringify({ kind: 'gap', sequence, meter, register, from: at, to: at, count: 1, reason });
  }

  /** The marker for a row that was accepted and cannot be read any more; `nearMs` is the best that is known of its time. */
  #missing(sequence: number, nearMs: number): string {
    const known = Math.abs(nearMs) < 1e14 ? nearMs : 0;
    const marker = { sequence, meter: this.#gateway, fromMs: known, toMs: known, count: 1 };
    return String(corruptMarker(marker).body);
  }
}

type CheckedRow = OutboxRow & { checksum: number };

const statements = {
  insert: 'INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  accept: `INSERT INTO accepted VALUES (?, ?, ?, ?) ON CONFLICT (meter, register)
    DO UPDATE SET at_ms = excluded.at_ms, value = excluded.value WHERE excluded.at_ms >= at_ms`,
  advance: 'UPDATE gateway SET next_sequence = ?',
  acknowledge: 'UPDATE gateway SET acknowledged_to = ?',
  delete: 'DELETE FROM item WHERE sequence <= ?',
  after: `${selectItems} WHERE sequence > ? ORDER BY sequence LIMIT ?`,
  first: 'SELECT at_ms AS atMs FROM item ORDER BY sequence LIMIT 1',
  measure: 'SELECT count(*) AS rows, coalesce(sum(length(body)), 0) AS bodies FROM item WHERE sequence <= ?',
  evictable: `${selectItems} WHERE sequence > ? AND billing = 0 AND body IS NOT NULL ORDER BY sequence LIMIT ?`,
  oldest: `${selectItems} WHERE sequence > ? AND body IS NOT NULL ORDER BY sequence LIMIT ?`,
  hollow: 'UPDATE item SET body = NULL, reason = ?, checksum = ? WHERE sequence = ?',
};
type Statements = Record<keyof typeof statements, StatementSync>;

function prepareAll(db: DatabaseSync): Statements {
  const prepared = Object.entries(statements).map(([name, sql]) => [name, db.prepare(sql)]);
  return Object.fromEntries(prepared) as Statements;
}
