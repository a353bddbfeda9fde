/** The outbox's database file: its tables, how it is opened, and how a damaged one is recognised. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { z } from 'zod';

/** One place in the line. `body` is the JSON of the uplink item; null when the reading was given up and only its hole is left. */
export interface OutboxRow {
  sequence: number;
  meter: string;
  register: string;
  atMs: number;
  /** 1: given up last. */
  billing: number;
  body: string | null;
  /** Why the reading was given up. */
  reason: string | null;
}

/** The last accepted reading of a register: outlives the rows, so that no instant is read twice. */
export interface Accepted {
  meter: string;
  register: string;
  atMs: number;
  value: string | null;
}

/** The outbox cannot be used, and nothing may be acknowledged. `code`: `outbox_locked`, `outbox_of_another_gateway`, `sqlite_<n>`. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
  readonly code: string;
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** The file itself is damaged: opening it again will not mend it. */
export class OutboxDamage extends Error {
  override readonly name = 'OutboxDamage';
}

const schema = `
CREATE TABLE IF NOT EXISTS gateway (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  name TEXT NOT NULL,
  epoch TEXT NOT NULL,
  next_sequence INTEGER NOT NULL,
  acknowledged_to INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS item (
  sequence INTEGER PRIMARY KEY,
  meter TEXT NOT NULL,
  register TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  billing INTEGER NOT NULL,
  body TEXT,
  reason TEXT,
  checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS item_evictable ON item (sequence) WHERE billing = 0 AND body IS NOT NULL;
CREATE TABLE IF NOT EXISTS accepted (
  meter TEXT NOT NULL,
  register TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  value TEXT,
  PRIMARY KEY (meter, register)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (
  meter TEXT NOT NULL,
  register TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (meter, register)
) STRICT, WITHOUT ROWID;
`;

export const selectItems =
  'SELECT sequence, meter, register, at_ms AS atMs, billing, body, reason, checksum FROM item';
export const selectAccepted = 'SELECT meter, register, at_ms AS atMs, value FROM accepted';
export const selectGateway =
  'SELECT name, epoch, next_sequence AS nextSequence, acknowledged_to AS acknowledgedTo FROM gateway';

/** SQLite notices a torn page, not a flipped bit inside a text: each row carries a checksum of its own. */
export function checksum(row: OutboxRow): number {
  const { sequence, meter, register, atMs, billing, body, reason } = row;
  return crc32(`${sequence}|${meter}|${register}|${atMs}|${billing}|${reason}|${body}`);
}

/**
 * Opens or creates the file, and looks whether it is whole.
 * @throws OutboxDamage when it is not; OutboxError when it is another gateway's, or held by another process
 */
export function openChecked(file: string, gateway: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    // One process owns the file: a second one is refused, and no shared memory file is needed.
    db.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
    assert.equal(db.prepare('PRAGMA synchronous').get()?.synchronous, 2, 'the outbox needs synchronous=FULL');
    db.exec(`PRAGMA wal_autocheckpoint=${logPages(file)}`);
    const verdict = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    if (verdict !== 'ok') throw new OutboxDamage(`quick_check: ${verdict}`);
    db.exec(schema);
    const mint = 'INSERT INTO gateway VALUES (1, ?, ?, 1, 0) ON CONFLICT (one) DO NOTHING';
    const minted = db.prepare(mint).run(gateway, randomBytes(8).toString('hex')).changes === 1;
    checkHead(db, file, gateway, minted);
    return db;
  } catch (error) {
    db.close();
    throw named(error);
  }
}

const PAGE_BYTES = 4096;
const MOST_LOG_PAGES = 1000;

/** How long the write-ahead log may grow: a sixteenth of a small disk. */
function logPages(file: string): number {
  const { blocks, bsize } = statfsSync(dirname(file));
  return Math.max(16, Math.min(MOST_LOG_PAGES, Math.floor((blocks * bsize) / PAGE_BYTES / 16)));
}

/**
 * Tells whether new rows may come in. On a disk that is full to the last byte SQLite cannot even delete: so the room for
 * the log, for its copying back and for one large commit is kept free.
 */
export function spareRoom(db: DatabaseSync, file: string): () => boolean {
  const reserve = 3 * logPages(file) * PAGE_BYTES;
  const freePages = db.prepare('PRAGMA freelist_count');
  return () => {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize + Number(freePages.get()?.freelist_count) * PAGE_BYTES >= reserve;
  };
}

/**
 * SQLite drops, without a word, everything in the write-ahead log behind a damaged frame. The mark beside the file is
 * written after each commit: a database that is behind it has lost its newest rows, and would mint their sequences again.
 */
function checkHead(db: DatabaseSync, file: string, gateway: string, minted: boolean): void {
  const head = db.prepare(selectGateway).get();
  if (head?.name !== gateway)
    throw new OutboxError('outbox_of_another_gateway', `${file} belongs to gateway "${head?.name}"`);
  const oldest = db.prepare('SELECT min(sequence) AS oldest FROM item').get()?.oldest;
  if (typeof oldest === 'number' && oldest <= Number(head.acknowledgedTo))
    throw new OutboxDamage('rows that were acknowledged are still there');
  const mark = readMark(file);
  if (minted && mark === null) return;
  if (mark !== null && (mark.epoch !== head.epoch || mark.nextSequence > Number(head.nextSequence)))
    throw new OutboxDamage('the newest commits are gone');
}

/** The witness of the newest commit of a file. */
export interface Mark {
  epoch: string;
  nextSequence: number;
}
export const markFile = (file: string): string => `${file}.mark`;
/** Always as long, so that the file never grows. */
export const markText = ({ epoch, nextSequence }: Mark): string =>
  `${epoch} ${nextSequence}`.padEnd(47).concat('\n');
export const writeMark = (file: string, mark: Mark): void => writeFileSync(markFile(file), markText(mark));

/** @returns null when there is none, or none that can be read */
export function readMark(file: string): Mark | null {
  if (!existsSync(markFile(file))) return null;
  const match = /^([0-9a-f]{16}) (\d{1,15}) *\n$/.exec(readFileSync(markFile(file), 'utf8'));
  if (match === null) return null;
  return { epoch: match[1] ?? '', nextSequence: Number(match[2]) };
}

/** SQLite's primary result code, or null when the error is not SQLite's. */
function resultCode(error: unknown): number | null {
  const parsed = z.object({ code: z.literal('ERR_SQLITE_ERROR'), errcode: z.number() }).safeParse(error);
  return parsed.success ? parsed.data.errcode & 0xff : null;
}
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** True when the disk has no room left: nothing is broken, and it may have room again later. */
export const isDiskFull = (error: unknown): boolean => resultCode(error) === FULL;

/** Gives an error of SQLite its name. */
export function named(error: unknown): unknown {
  const code = resultCode(error);
  if (code === null) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (code === CORRUPT || code === NOT_A_DATABASE) return new OutboxDamage(text, { cause: error });
  if (code === BUSY) return new OutboxError('outbox_locked', 'another process holds the outbox', error);
  return new OutboxError(`sqlite_${code}`, text, error);
}
