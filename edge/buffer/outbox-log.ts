/**
 * The outbox's log on the disk: segments of records whose sequences have no hole. A log that is found damaged is mended when
 * it is opened: what can be read stays, what cannot becomes a hole, and the files as they were are kept aside.
 */
import { basename, join } from 'node:path';
import type { Disk } from './disk.ts';
import { isDiskFull, type LogPlace, listSegments, newDamageFolder, paths } from './outbox-folder.ts';
import { lostRecord, type OutboxRecord } from './outbox-record.ts';
import { Segment, type SegmentFindings } from './outbox-segment.ts';

export interface Damage {
  /** Where the damaged files lie now. */
  folder: string;
  /** What was found. */
  detail: string;
  carriedOver: number;
  lost: number;
}

/** What is known of the log from beside it. */
export interface Witness {
  /** All sequences up to this one may be gone; null: not known. */
  deletedTo: number | null;
  /** No sequence from this one on was ever accepted; null: not known. */
  nextSequence: number | null;
}

export interface OpenedLog {
  log: OutboxLog;
  damage: Damage | null;
  /** Whether a sequence may have been minted that is no longer known: those to come need another epoch. */
  doubtful: boolean;
}

export class OutboxLog {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #segments: Segment[];
  #nextSequence: number;

  constructor({ disk, folder, segmentBytes }: LogPlace, segments: Segment[], firstSequence: number) {
    this.#disk = disk;
    this.#folder = folder;
    this.#segmentBytes = segmentBytes;
    this.#segments = segments;
    this.#nextSequence = (segments.at(-1)?.last ?? firstSequence - 1) + 1;
  }

  /** Of the oldest record that is there, or of the first that will be. */
  get firstSequence(): number {
    return this.#segments[0]?.first ?? this.#nextSequence;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** What the records behind `sequence` take. */
  bytesAfter(sequence: number): number {
    let bytes = 0;
    for (const segment of this.#segments)
      bytes += segment.bytes - (sequence < segment.first ? 0 : segment.bytesBefore(sequence + 1));
    return bytes;
  }

  /** Adds records, the first of which has `nextSequence`. They are on the disk when this returns, or none is and it throws. */
  append(records: readonly OutboxRecord[]): void {
    if (records.length === 0) return;
    this.#active().append(records);
    this.#nextSequence += records.length;
  }

  /** The records from `from` on, in order: at most `limit`. */
  *read(from: number, limit: number): Generator<{ sequence: number; record: OutboxRecord | null }> {
    const end = Math.min(this.#nextSequence, from + limit);
    for (let next = from; next < end; ) {
      const segment = this.#segmentOf(next);
      if (segment === undefined) return;
      // In pieces, so that who wants a few of them does not pay for many.
      const to = Math.min(end - 1, segment.last, next + READ_AT_ONCE - 1);
      for (const record of segment.read(next, to)) yield { sequence: next++, record };
    }
  }

  /** The newest sequence of the segments that hold nothing behind `sequence`; null without one. The newest segment stays. */
  deletableTo(sequence: number): number | null {
    const done = this.#segments.slice(0, -1).filter(({ last }) => last <= sequence);
    return done.at(-1)?.last ?? null;
  }

  deleteTo(sequence: number): void {
    while ((this.#segments[0]?.last ?? sequence + 1) <= sequence) this.#segments.shift()?.delete();
  }

  close(): void {
    for (const segment of this.#segments) segment.close();
  }

  #active(): Segment {
    const newest = this.#segments.at(-1);
    if (newest !== undefined && newest.bytes < this.#segmentBytes) return newest;
    const segment = Segment.create(
      this.#disk,
      paths(this.#folder).segment(this.#nextSequence),
      this.#nextSequence,
    );
    this.#segments.push(segment);
    return segment;
  }

  #segmentOf(sequence: number): Segment | undefined {
    return this.#segments.find(({ last }) => last >= sequence);
  }
}

const READ_AT_ONCE = 1_000;

/** @param visit called with each record that is there, oldest first */
export function openLog(
  place: LogPlace,
  { deletedTo, nextSequence }: Witness,
  visit: (record: OutboxRecord) => void,
): OpenedLog {
  const { disk, folder } = place;
  const repair = new Repair(disk, folder);
  const segments: Segment[] = [];
  const firsts = listSegments(disk, folder);
  if (deletedTo === null) repair.note('accepted.json unreadable');
  else if (firsts[0] !== undefined && firsts[0] > deletedTo + 1)
    segments.push(repair.lostSegment(deletedTo + 1, firsts[0] - 1));
  for (const [index, first] of firsts.entries()) {
    const { segment, findings } = Segment.open(disk, paths(folder).segment(first), first);
    repair.mend(segment, findings, { follower: firsts[index + 1], nextSequence });
    for (const record of findings.records) visit(record);
    segments.push(segment);
  }
  const log = new OutboxLog(place, segments, (deletedTo ?? 0) + 1);
  const { nextSequence: next } = log;
  if (nextSequence !== null && nextSequence > next) {
    repair.note(`${nextSequence - next} newest gone`);
    log.append(repair.lost(next, nextSequence - 1));
  }
  return { log, damage: repair.damage, doubtful: repair.doubtful };
}

/** What is found damaged while a log is opened, and what is done about it. */
class Repair {
  damage: Damage | null = null;
  doubtful = false;
  readonly #disk: Disk;
  readonly #folder: string;
  #readable = 0;
  #newestMs = 0;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  mend(
    segment: Segment,
    { records, damagedBytes, tailBytes }: SegmentFindings,
    { follower, nextSequence }: { follower: number | undefined; nextSequence: number | null },
  ): void {
    const last = records.at(-1)?.sequence ?? segment.first - 1;
    const to = follower === undefined ? last : follower - 1;
    const missing = to - segment.first + 1 - records.length;
    // A process that ends while it writes leaves such a tail, of which nothing was accepted.
    const torn = follower === undefined && tailBytes > 0;
    const tailLost = torn && nextSequence !== null && nextSequence > last + 1;
    if (damagedBytes > 0 || missing > 0 || tailLost)
      this.note(`${basename(segment.file)}: ${damagedBytes + tailBytes} bytes unreadable`, segment.file);
    // Without a witness of the newest commit, what was torn may have been accepted and even sent.
    if (torn && nextSequence !== last + 1) this.doubtful = true;
    const whole = missing > 0 ? this.#withHoles(records, segment.first, to) : records;
    if (damagedBytes + tailBytes > 0 || missing > 0) segment.rewrite(whole);
    this.#readable += records.length;
    if (this.damage !== null) this.damage.carriedOver = this.#readable;
    this.#newestMs = records.at(-1)?.atMs ?? this.#newestMs;
  }

  /** A file in the place of those that are missing. */
  lostSegment(from: number, to: number): Segment {
    this.note(`${to - from + 1} oldest gone`);
    const segment = Segment.create(this.#disk, paths(this.#folder).segment(from), from);
    segment.append(this.lost(from, to));
    return segment;
  }

  lost(from: number, to: number): OutboxRecord[] {
    const records = Array.from({ length: to - from + 1 }, (_, i) => lostRecord(from + i, this.#newestMs));
    this.#count(records.length);
    return records;
  }

  /** @param file kept as it is found, unless the disk has no room for it */
  note(detail: string, file?: string): void {
    this.doubtful = true;
    this.damage ??= {
      folder: newDamageFolder(this.#disk, this.#folder),
      detail: '',
      carriedOver: this.#readable,
      lost: 0,
    };
    this.damage.detail += `${this.damage.detail === '' ? '' : '; '}${detail}`;
    if (file === undefined) return;
    try {
      this.#disk.copy(file, join(this.damage.folder, basename(file)));
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  #withHoles(records: readonly OutboxRecord[], from: number, to: number): OutboxRecord[] {
    const found = new Map(records.map((record) => [record.sequence, record]));
    let nearMs = records[0]?.atMs ?? this.#newestMs;
    let lost = 0;
    const whole = Array.from({ length: to - from + 1 }, (_, i) => {
      const record = found.get(from + i);
      if (record === undefined) lost += 1;
      else nearMs = record.atMs;
      return record ?? lostRecord(from + i, nearMs);
    });
    this.#count(lost);
    return whole;
  }

  #count(lost: number): void {
    if (this.damage !== null) this.damage.lost += lost;
  }
}
