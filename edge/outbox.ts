/**
 * The gateway's durable buffer between the meters and the cloud. A reading is accepted when its commit is on the disk; it
 * leaves only on a receipt of the cloud. Each accepted reading has a sequence, and each sequence goes up, as the reading
 * or as the marker of its hole.
 *
 * When the buffer is full, readings that bill nothing are given up, oldest first: their records become holes that keep
 * their sequence. When none of those is left, new readings are refused, and a marker tells of them as soon as there is
 * room. So a billing reading, once accepted, is never given up for another.
 */
import type { GapMarker } from '../protocols/reading.ts';
import type { Receipt } from '../protocols/uplink.ts';
import { type Disk, systemDisk } from './buffer/disk.ts';
import { appendDurably } from './buffer/durable-file.ts';
import {
  type Accepted,
  isDiskFull,
  keepReserve,
  type LogPlace,
  lockFolder,
  markText,
  named,
  paths,
  segmentSize,
  whenThereIsRoom,
} from './buffer/outbox-folder.ts';
import type {
  NewEvidenceItem,
  NewReading,
  OutboxItem,
  OutboxOptions,
  OutboxStats,
} from './buffer/outbox-items.ts';
import {
  evidenceRecord,
  instantMs,
  itemText,
  keyOf,
  markerRecord,
  noteAccepted,
  readingRecord,
} from './buffer/outbox-items.ts';
import type { Damage, OutboxLog } from './buffer/outbox-log.ts';
import { lostRecord, type OutboxRecord, recordBytes } from './buffer/outbox-record.ts';
import { Refusals } from './buffer/outbox-refusals.ts';
import { type Restored, restoreOutbox, saveAccepted } from './buffer/outbox-restore.ts';
import type { Segment } from './buffer/outbox-segment.ts';
import { SequenceRanges } from './buffer/sequence-ranges.ts';
import { WaitingTime } from './buffer/waiting-time.ts';

const DEFAULT_BATCH_BYTES = 512 * 1024;

/** @throws OutboxError when another process holds the folder, it is another gateway's, or the disk fails */
export function openOutbox(options: OutboxOptions): Outbox {
  systemDisk.makeFolder(options.folder);
  const unlock = lockFolder(options.folder);
  try {
    return openOutboxOn(systemDisk, options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** @param unlock called when it is closed */
export function openOutboxOn(disk: Disk, options: OutboxOptions, unlock = (): void => undefined): Outbox {
  const { folder, gateway, maxBytes } = options;
  try {
    const place = { disk, folder, segmentBytes: segmentSize(Math.min(maxBytes, disk.capacity(folder))) };
    return new Outbox(place, options, { ...restoreOutbox(place, gateway), unlock });
  } catch (error) {
    throw named(error);
  }
}

export class Outbox {
  /**
   * 16 hex digits; with the sequence it is the idempotency key of a reading. A new one is minted when it is not sure that
   * every sequence that ever was is still known.
   */
  readonly epoch: string;
  /** Not null when the log was damaged. */
  readonly damage: Damage | null;
  readonly #place: LogPlace;
  readonly #options: OutboxOptions;
  readonly #unlock: () => void;
  readonly #log: OutboxLog;
  readonly #accepted: Map<string, Accepted>;
  readonly #refusals: Refusals;
  readonly #waiting: WaitingTime;
  readonly #mark: number;
  /** What was handed out may already be on its way, and is not changed any more. */
  readonly #handedOut = new SequenceRanges();
  /** Receipted behind sequences that are not yet. */
  readonly #receipted = new SequenceRanges();
  #acknowledgedTo: number;
  #givenUp = 0;
  #refused = 0;
  #deadLetters = 0;

  constructor(
    place: LogPlace,
    options: OutboxOptions,
    { log, accepted, acknowledgedTo, epoch, damage, unlock }: Restored & { unlock: () => void },
  ) {
    this.#place = place;
    this.#options = options;
    this.#unlock = unlock;
    this.#log = log;
    this.#accepted = accepted;
    this.#acknowledgedTo = acknowledgedTo;
    this.epoch = epoch;
    this.damage = damage;
    const { disk } = place;
    const files = paths(options.folder);
    this.#refusals = new Refusals(disk, files.refused);
    this.#waiting = new WaitingTime(disk, files.waiting, log.nextSequence);
    // Over what is there, if it is: on a full disk it cannot be made anew.
    this.#mark = disk.open(files.mark, disk.size(files.mark) === null ? 'w' : 'r+');
    this.#writeMark();
    keepReserve(this.#place);
  }

  /**
   * Commits the readings together. @returns those that found no room: they were never accepted
   * @throws OutboxError nothing was accepted
   */
  append(readings: readonly NewReading[]): { refused: NewReading[] } {
    try {
      return this.#commit(readings);
    } catch (error) {
      // A full disk is the buffer's other bound; everything else is a fault.
      if (!isDiskFull(error)) throw named(error);
    }
    try {
      if (this.#clearDisk(readings)) return this.#commit(readings);
    } catch (error) {
      if (!isDiskFull(error)) throw named(error);
    } finally {
      keepReserve(this.#place);
    }
    this.#refuse(readings);
    return { refused: [...readings] };
  }

  /** Commits evidence among the readings; false: there is no room. @throws OutboxError it was not accepted */
  appendEvidence(item: NewEvidenceItem): boolean {
    const record = evidenceRecord(item, this.#log.nextSequence);
    try {
      if (!this.#makeRoom(recordBytes(record))) return false;
      this.#log.append([record]);
    } catch (error) {
      if (isDiskFull(error)) return false;
      throw named(error);
    }
    this.#writeMark();
    return true;
  }

  /** The newest sequence that is acknowledged together with all before it. */
  get acknowledgedTo(): number {
    return this.#acknowledgedTo;
  }

  /** The sequence that the next reading gets. */
  get nextSequence(): number {
    return this.#log.nextSequence;
  }

  /** The first sequence from `sequence` on that is not receipted; it may be the next one to be given. */
  firstUnreceipted(sequence: number): number {
    return this.#receipted.firstMissing(Math.max(sequence, this.#acknowledgedTo + 1));
  }

  /** A sequence that is receipted, though one before it is not; null without one. */
  anyReceipted(): number | null {
    return this.#receipted.first;
  }

  /** The instant of the last accepted reading of a register; survives restarts and deletes. */
  lastAcceptedMs(meter: string, register: string): number | null {
    return this.#accepted.get(keyOf({ meter, register }))?.atMs ?? null;
  }

  /** The last accepted reading of a register; survives restarts and deletes. */
  lastAccepted(meter: string, register: string): { atMs: number; value: string | null } | null {
    return this.#accepted.get(keyOf({ meter, register })) ?? null;
  }

  /** True when the last accepted reading of the register has this instant and this value. */
  repeats(reading: NewReading): boolean {
    const last = this.#accepted.get(keyOf(reading));
    return last !== undefined && last.value === reading.value && last.atMs === instantMs(reading.readAt);
  }

  /**
   * The items after `sequence` (or after what is acknowledged), in order and without a hole: at most `limit`, of
   * about `maxBytes` together. A record that cannot be read any more goes up as a gap marker.
   */
  after(sequence: number, limit: number, maxBytes = DEFAULT_BATCH_BYTES): OutboxItem[] {
    const items: OutboxItem[] = [];
    let bytes = 0;
    let nearMs = 0;
    for (const read of this.#log.read(Math.max(sequence, this.#acknowledgedTo) + 1, limit)) {
      const record = read.record ?? lostRecord(read.sequence, nearMs);
      nearMs = record.atMs;
      const json = itemText(record, this.#options.gateway);
      bytes += json.length;
      if (bytes > maxBytes && items.length > 0) break;
      items.push({ sequence: read.sequence, json });
    }
    const [first, last] = [items[0], items.at(-1)];
    if (first !== undefined && last !== undefined) this.#handedOut.add(first.sequence, last.sequence);
    return items;
  }

  /**
   * Gives up what a receipt covers when it joins up with what was acknowledged before; otherwise keeps it in mind until
   * it does. A receipt of another epoch, or for what was not handed out, is ignored.
   */
  acknowledge({ epoch, from, to }: Pick<Receipt, 'epoch' | 'from' | 'to'>): void {
    if (epoch !== this.epoch || from > to || to <= this.#acknowledgedTo) return;
    if (!this.#handedOut.covers(Math.max(from, this.#acknowledgedTo + 1), to)) return;
    this.#receipted.add(from, to);
    const end = this.#receipted.firstMissing(this.#acknowledgedTo + 1) - 1;
    if (end === this.#acknowledgedTo) return;
    this.#receipted.removeTo(end);
    this.#handedOut.removeTo(end);
    this.#acknowledgedTo = end;
    this.#writeMark();
    try {
      this.#deleteReceipted();
    } catch (error) {
      throw named(error);
    }
  }

  /**
   * Gives up readings that have waited too long, leaving holes; markers and evidence stay.
   * @param ranMs how long the process ran since the last call. @returns how many readings
   */
  expire(ranMs: number, maxAgeMs: number): number {
    const before = this.#givenUp;
    whenThereIsRoom(undefined, () => {
      const to = this.#waiting.pass({ ranMs, maxAgeMs }, this.stats());
      for (const segment of this.#log.segments.filter(({ first }) => first <= to))
        this.#giveUp(segment, 'buffer_age', ({ key, sequence }) => key !== '' && sequence <= to);
      this.#waiting.save();
    });
    return this.#givenUp - before;
  }

  /**
   * Takes out of the line what the cloud never receipts, whatever is tried: it goes to the dead letters beside the log, and
   * its marker goes up in its place. @returns false when it is a marker already, or the disk has no room for it now
   */
  setAside(sequence: number): boolean {
    const segment = this.#log.segments.find(({ last }) => last >= sequence);
    const [record] = segment?.read(sequence, sequence) ?? [];
    if (segment === undefined || record?.kind !== 'item') return false;
    const { disk, folder } = this.#place;
    return whenThereIsRoom(false, () => {
      appendDurably(paths(folder).deadLetters, `${record.text}\n`, disk);
      this.#deadLetters += segment.hollow('dead_letter', (one) => one.sequence === sequence);
      return true;
    });
  }

  stats(): OutboxStats {
    const next = this.#acknowledgedTo + 1;
    const [oldest] = this.#log.read(next, 1);
    return {
      nextSequence: this.#log.nextSequence,
      acknowledgedTo: this.#acknowledgedTo,
      rows: this.#log.nextSequence - next,
      bytes: this.#bytes(),
      oldestMs: oldest?.record?.atMs ?? null,
      givenUp: this.#givenUp,
      refused: this.#refused,
      deadLetters: this.#deadLetters,
    };
  }

  close(): void {
    this.#log.close();
    this.#place.disk.close(this.#mark);
    this.#unlock();
  }

  #bytes(): number {
    return this.#log.bytesAfter(this.#acknowledgedTo);
  }

  /** @throws Error of the system: nothing was accepted */
  #commit(readings: readonly NewReading[]): { refused: NewReading[] } {
    const records: OutboxRecord[] = [];
    const told: Pick<GapMarker, 'meter' | 'register'>[] = [];
    const refused: NewReading[] = [];
    let bytes = 0;
    const place = (record: OutboxRecord): boolean => {
      const size = recordBytes(record);
      if (!this.#makeRoom(bytes + size)) return false;
      bytes += size;
      records.push(record);
      return true;
    };
    const next = (): number => this.#log.nextSequence + records.length;
    for (const { marker, fromMs } of this.#refusals.untold())
      if (place(markerRecord({ ...marker, sequence: next() }, fromMs))) told.push(marker);
    for (const reading of readings) if (!place(this.#record(reading, next()))) refused.push(reading);
    this.#log.append(records);
    this.#writeMark();
    for (const marker of told) this.#refusals.told(marker);
    // They are accepted: a full disk changes nothing any more, and the next refusal or marker takes the note.
    if (told.length > 0 && refused.length === 0) whenThereIsRoom(undefined, () => this.#refusals.save());
    this.#refuse(refused);
    const left = new Set(refused);
    for (const reading of readings) if (!left.has(reading)) noteAccepted(this.#accepted, reading);
    return { refused };
  }

  #record(reading: NewReading, sequence: number): OutboxRecord {
    const billing = this.#options.isBilling?.(reading.meter, reading.register) ?? true;
    return readingRecord(reading, { sequence, billing });
  }

  #refuse(readings: readonly NewReading[]): void {
    if (readings.length === 0) return;
    for (const reading of readings) this.#refusals.add(reading);
    this.#refused += readings.length;
    // A full disk takes no note: the next refusal, or the marker, will.
    whenThereIsRoom(undefined, () => this.#refusals.save());
  }

  /** Whether there is room for so many bytes more, when readings that bill nothing are given up for them. */
  #makeRoom(bytes: number): boolean {
    const needed = this.#bytes() + bytes - this.#options.maxBytes;
    return needed <= 0 || this.#evict(needed) >= needed;
  }

  /** Gives up readings that bill nothing, oldest first. @returns how many bytes that made free */
  #evict(bytes: number): number {
    let freed = 0;
    // A quarter of a segment at least: each time a file is written anew.
    const enough = Math.max(bytes, this.#place.segmentBytes / 4);
    for (const segment of this.#log.segments) {
      if (freed >= enough) break;
      if (segment.evictable === 0 || this.#handedOut.covers(segment.first, segment.last)) continue;
      const before = this.#bytes();
      let left = enough - freed;
      this.#giveUp(segment, 'buffer_full', ({ billing, text }) => {
        if (billing || left <= 0) return false;
        left -= text.length - 'buffer_full'.length;
        return true;
      });
      freed += before - this.#bytes();
    }
    return freed;
  }

  /** Leaves holes in the place of the chosen readings of a segment that are not under way. */
  #giveUp(segment: Segment, reason: GapMarker['reason'], chosen: (record: OutboxRecord) => boolean): void {
    const isFree = (record: OutboxRecord): boolean => !this.#handedOut.has(record.sequence);
    this.#givenUp += segment.hollow(reason, (record) => isFree(record) && chosen(record));
  }

  /** @returns whether a full disk has room again for the readings, since others were given up for them */
  #clearDisk(readings: readonly NewReading[]): boolean {
    const bytes = readings.reduce((sum, reading) => sum + recordBytes(this.#record(reading, 0)), 0);
    this.#place.disk.remove(paths(this.#place.folder).reserve);
    return this.#evict(bytes) >= bytes;
  }

  #deleteReceipted(): void {
    const deletedTo = this.#log.deletableTo(this.#acknowledgedTo);
    if (deletedTo === null) return;
    const save = (): void => saveAccepted(this.#place, deletedTo, this.#accepted);
    try {
      save();
      this.#log.deleteTo(deletedTo);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      // Room first: until it is noted, the mark tells what was receipted.
      this.#log.deleteTo(deletedTo);
      save();
    }
    keepReserve(this.#place);
  }

  #writeMark(): void {
    const mark = { nextSequence: this.#log.nextSequence, acknowledgedTo: this.#acknowledgedTo };
    this.#place.disk.write(this.#mark, Buffer.from(markText(mark)), 0);
  }
}
