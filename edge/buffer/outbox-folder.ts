/**
 * What lies beside the log of the outbox in its folder:
 *
 * | file            | holds                                                            | flushed                        |
 * |-----------------|------------------------------------------------------------------|--------------------------------|
 * | `<first>.log`   | a segment, named by its first sequence                           | with each commit               |
 * | `head.json`     | gateway and epoch                                                | when written                   |
 * | `accepted.json` | last accepted reading of each register, when segments were deleted | before they are              |
 * | `refused.json`  | spans that found no room, until a marker tells of them           | when written                   |
 * | `waiting.json`  | how long the gateway ran, and which sequences there were when    | when written, every hour       |
 * | `mark`          | the newest commit and the newest receipt                         | not: it outlives the process only |
 * | `lock`          | held by the process that owns the folder                         |                                |
 * | `reserve`       | room kept free, so that a full disk can be cleared               |                                |
 * | `dead-letters.jsonl` | readings that the cloud never receipted, whatever was tried     | when written                   |
 * | `damaged-<n>/`  | segments as they were found damaged                              |                                |
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { type Disk, writeAll } from './disk.ts';

/** The outbox cannot be used, and nothing may be acknowledged. `code`: `outbox_locked`, `outbox_of_another_gateway`, or the system's. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export const Head = z.strictObject({ gateway: z.string(), epoch: z.string().regex(/^[0-9a-f]{16}$/) });
export type Head = z.infer<typeof Head>;

/** The last accepted reading of a register: outlives its record, so that no instant is read twice. */
export interface Accepted {
  atMs: number;
  value: string | null;
}

export const AcceptedFile = z.strictObject({
  /** All sequences up to this one were receipted, and their segments deleted. */
  deletedTo: z.int().nonnegative(),
  accepted: z.array(z.tuple([z.string(), z.number(), z.string().nullable()])),
});

export const paths = (folder: string) => ({
  head: join(folder, 'head.json'),
  accepted: join(folder, 'accepted.json'),
  refused: join(folder, 'refused.json'),
  waiting: join(folder, 'waiting.json'),
  deadLetters: join(folder, 'dead-letters.jsonl'),
  mark: join(folder, 'mark'),
  reserve: join(folder, 'reserve'),
  segment: (first: number) => join(folder, `${String(first).padStart(16, '0')}.log`),
});

/** Where a log lies, and how long its segments may be. */
export interface LogPlace {
  disk: Disk;
  folder: string;
  segmentBytes: number;
}

/** The first sequences of the segments that are there, ascending. What a rewrite left behind is removed. */
export function listSegments(disk: Disk, folder: string): number[] {
  const names = disk.list(folder);
  for (const name of names.filter((one) => one.endsWith('.new'))) disk.remove(join(folder, name));
  return names
    .filter((name) => /^\d{16}\.log$/.test(name))
    .map((name) => Number(name.slice(0, 16)))
    .sort((a, b) => a - b);
}

/** @returns a new folder for what was found damaged */
export function newDamageFolder(disk: Disk, folder: string): string {
  let number = 1;
  while (disk.list(folder).includes(`damaged-${number}`)) number += 1;
  const aside = join(folder, `damaged-${number}`);
  disk.makeFolder(aside);
  return aside;
}

/** The witness of the newest commit and the newest receipt, written after each. */
export interface Mark {
  nextSequence: number;
  acknowledgedTo: number;
}

/** Always as long, so that the file never grows. */
export function markText({ nextSequence, acknowledgedTo }: Mark): string {
  const text = `${nextSequence} ${acknowledgedTo}`.padEnd(40);
  return `${text} ${crc32(text).toString(16).padStart(8, '0')}\n`;
}

/** @returns null when there is none, or none that can be read */
export function readMark(disk: Disk, folder: string): Mark | null {
  let text: string;
  try {
    text = disk.readAll(paths(folder).mark).toString();
  } catch {
    return null;
  }
  const match = /^(\d{1,16}) (\d{1,16}) /.exec(text);
  if (match === null) return null;
  const mark = { nextSequence: Number(match[1]), acknowledgedTo: Number(match[2]) };
  return markText(mark) === text ? mark : null;
}

/** Keeps room for writing a segment anew, and for noting what was receipted, when the disk is full. */
export function keepReserve({ disk, folder, segmentBytes }: LogPlace): void {
  const { reserve } = paths(folder);
  if (disk.size(reserve) === segmentBytes) return;
  try {
    const fd = disk.open(reserve, 'w');
    try {
      writeAll(disk, fd, Buffer.alloc(segmentBytes));
    } finally {
      disk.close(fd);
    }
  } catch (error) {
    disk.remove(reserve);
    if (!isDiskFull(error)) throw error;
  }
}

const Busy = z.object({ code: z.literal('ERR_SQLITE_ERROR'), errcode: z.literal(5) });

/**
 * One process owns the folder. Node has no file locks; SQLite's end with the process, however it ends.
 * @returns what gives it up; @throws OutboxError `outbox_locked`
 */
export function lockFolder(folder: string): () => void {
  const lock = new DatabaseSync(join(folder, 'lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!Busy.safeParse(error).success) throw error;
    throw new OutboxError('outbox_locked', `another process holds the outbox ${folder}`, error);
  }
  return () => lock.close();
}

const Full = z.object({ code: z.enum(['ENOSPC', 'EDQUOT']) });
/** True when the disk has no room left: nothing is broken, and it may have room again later. */
export const isDiskFull = (error: unknown): boolean => Full.safeParse(error).success;

/** Gives an error of the system its name. */
export function named(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OutboxError) return error;
  const code = 'code' in error ? String(error.code) : null;
  return code === null ? error : new OutboxError(`outbox_${code.toLowerCase()}`, error.message, error);
}

const SMALLEST_SEGMENT = 16 * 1024;
const LARGEST_SEGMENT = 4 * 1024 * 1024;
/** A segment takes at most this part of the disk, and of what may be buffered: room comes back a segment at a time. */
const SEGMENTS = 32;

/** @param room bytes, of the disk or of what may be buffered, the smaller */
export function segmentSize(room: number): number {
  return Math.max(SMALLEST_SEGMENT, Math.min(LARGEST_SEGMENT, Math.floor(room / SEGMENTS)));
}

/** Does what can wait until the disk has room; anything else that goes wrong is a fault. */
export function whenThereIsRoom<T>(otherwise: T, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isDiskFull(error)) throw named(error);
    return otherwise;
  }
}
