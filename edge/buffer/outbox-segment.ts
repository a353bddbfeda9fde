/**
 * One file of the outbox's log: records of ascending sequences without a hole. Records are added at its end; the file as a
 * whole is written anew when readings in it are given up.
 */
import { dirname } from 'node:path';
import { type Disk, writeAll } from './disk.ts';
import {
  decodeRecord,
  encodeRecord,
  lostRecord,
  type OutboxRecord,
  recordLength,
  scanRecords,
} from './outbox-record.ts';

/** What a scan of a file found beside whole records. */
export interface SegmentFindings {
  records: OutboxRecord[];
  /** Bytes between records, or in front of the first. */
  damagedBytes: number;
  /** Behind the last whole record: never accepted, or lost. */
  tailBytes: number;
}

interface Encoded {
  bytes: Buffer;
  lengths: number[];
}

export class Segment {
  readonly file: string;
  readonly first: number;
  readonly #disk: Disk;
  #fd: number;
  /** Where the record of `first + i` begins. */
  #offsets: number[] = [];
  #size = 0;
  #evictable = 0;

  private constructor(disk: Disk, file: string, first: number) {
    this.#disk = disk;
    this.file = file;
    this.first = first;
    this.#fd = disk.open(file, 'a+');
  }

  static create(disk: Disk, file: string, first: number): Segment {
    const segment = new Segment(disk, file, first);
    disk.flushFolder(dirname(file));
    return segment;
  }

  /** When the records have holes or there are bytes in none, the segment is of use only after a `rewrite`. */
  static open(disk: Disk, file: string, first: number): { segment: Segment; findings: SegmentFindings } {
    const bytes = disk.readAll(file);
    const { places, damagedBytes, end } = scanRecords(bytes);
    const segment = new Segment(disk, file, first);
    const tailBytes = bytes.length - end;
    // What a process before this one wrote may still be in the system's memory only.
    disk.flush(segment.#fd);
    const records = places.map(({ at }) => decodeRecord(bytes, at));
    segment.#size = places[0]?.at ?? 0;
    segment.#index(
      records,
      places.map(({ length }) => length),
    );
    return { segment, findings: { records, damagedBytes, tailBytes } };
  }

  /** The newest sequence in it; `first - 1` when it is empty. */
  get last(): number {
    return this.first + this.#offsets.length - 1;
  }

  get bytes(): number {
    return this.#size;
  }

  /** How many of its readings may be given up for others. */
  get evictable(): number {
    return this.#evictable;
  }

  /** How many bytes lie before the record of `sequence`. */
  bytesBefore(sequence: number): number {
    return this.#offsets[sequence - this.first] ?? (sequence > this.last ? this.#size : 0);
  }

  /**
   * Adds records; they are on the disk when this returns.
   * @throws Error of the system: then none of them counts, and the file is cut back to what did before
   */
  append(records: readonly OutboxRecord[]): void {
    const { bytes, lengths } = encodeAll(records);
    try {
      writeAll(this.#disk, this.#fd, bytes);
      this.#disk.flush(this.#fd);
    } catch (error) {
      this.#disk.cut(this.#fd, this.#size);
      throw error;
    }
    this.#index(records, lengths);
  }

  /** The records of `from..to`, which lie in it; null in the place of one that cannot be read any more. */
  read(from: number, to: number): (OutboxRecord | null)[] {
    const start = this.bytesBefore(from);
    const bytes = Buffer.alloc(this.bytesBefore(to + 1) - start);
    this.#disk.read(this.#fd, bytes, start);
    return Array.from({ length: to - from + 1 }, (_, i) => {
      const at = this.bytesBefore(from + i) - start;
      const record = recordLength(bytes, at) === null ? null : decodeRecord(bytes, at);
      return record?.sequence === from + i ? record : null;
    });
  }

  /** Puts these records in place of all that the file holds, at once or not at all. @throws Error of the system */
  rewrite(records: readonly OutboxRecord[]): void {
    const { bytes, lengths } = encodeAll(records);
    const fresh = `${this.file}.new`;
    const disk = this.#disk;
    disk.remove(fresh);
    const fd = disk.open(fresh, 'a+');
    try {
      writeAll(disk, fd, bytes);
      disk.flush(fd);
      disk.rename(fresh, this.file);
      disk.flushFolder(dirname(this.file));
    } catch (error) {
      disk.close(fd);
      disk.remove(fresh);
      throw error;
    }
    disk.close(this.#fd);
    this.#fd = fd;
    this.#offsets = [];
    this.#size = 0;
    this.#evictable = 0;
    this.#index(records, lengths);
  }

  /** Leaves holes in the place of the chosen items. @returns how many there were */
  hollow(reason: string, chosen: (record: OutboxRecord) => boolean): number {
    let holes = 0;
    let nearMs = 0;
    const records = this.read(this.first, this.last).map((read, i): OutboxRecord => {
      const record = read ?? lostRecord(this.first + i, nearMs);
      nearMs = record.atMs;
      if (record.kind === 'hole' || !chosen(record)) return record;
      holes += 1;
      return { ...record, kind: 'hole', text: reason };
    });
    if (holes > 0) this.rewrite(records);
    return holes;
  }

  close(): void {
    this.#disk.close(this.#fd);
  }

  delete(): void {
    this.close();
    this.#disk.remove(this.file);
  }

  #index(records: readonly OutboxRecord[], lengths: readonly number[]): void {
    for (const [i, { kind, billing }] of records.entries()) {
      this.#offsets.push(this.#size);
      this.#size += lengths[i] ?? 0;
      if (kind === 'item' && !billing) this.#evictable += 1;
    }
  }
}

function encodeAll(records: readonly OutboxRecord[]): Encoded {
  const encoded = records.map(encodeRecord);
  return { bytes: Buffer.concat(encoded), lengths: encoded.map(({ length }) => length) };
}
