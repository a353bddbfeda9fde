/**
 * One record of the outbox's log, as bytes:
 *
 * | at | bytes | what                                                        |
 * |----|-------|-------------------------------------------------------------|
 * | 0  | 4     | CRC-32 of all that follows in the record                    |
 * | 4  | 4     | length of the whole record                                  |
 * | 8  | 2     | 0x4C4D, by which a reader finds its way again behind damage |
 * | 10 | 1     | 1 item, 2 hole                                              |
 * | 11 | 1     | 1: billing, given up last                                   |
 * | 12 | 4     | length of the key                                           |
 * | 16 | 8     | sequence                                                    |
 * | 24 | 8     | instant of the reading, Unix milliseconds                   |
 * | 32 |       | key: `meter register`, empty when it is no reading of one; then the text |
 *
 * Numbers are little endian. The text is the JSON of the uplink item, or why only a hole is left of it.
 */
import { crc32 } from 'node:zlib';

export interface OutboxRecord {
  sequence: number;
  atMs: number;
  billing: boolean;
  kind: 'item' | 'hole';
  key: string;
  text: string;
}

/** What was found in the bytes of a segment. */
export interface Scan {
  /** Where the whole records lie. */
  places: { at: number; length: number }[];
  /** In front of the last whole record, and in none. */
  damagedBytes: number;
  /** Behind the last whole record. */
  end: number;
}

const HEADER_BYTES = 32;
const MAGIC = 0x4c4d;
const MAGIC_BYTES = Buffer.from([0x4d, 0x4c]);
const MAGIC_AT = 8;
const ITEM = 1;
const HOLE = 2;

/** In the place of a reading that was accepted and can no longer be read. */
export const lostRecord = (sequence: number, nearMs: number): OutboxRecord => ({
  sequence,
  atMs: nearMs,
  billing: true,
  kind: 'hole',
  key: '',
  text: 'corrupt',
});

/** What a record takes on the disk. */
export const recordBytes = ({ key, text }: OutboxRecord): number =>
  HEADER_BYTES + Buffer.byteLength(key) + Buffer.byteLength(text);

export function encodeRecord({ sequence, atMs, billing, kind, key, text }: OutboxRecord): Buffer {
  const body = Buffer.from(key + text);
  const keyBytes = Buffer.byteLength(key);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  bytes.writeUInt32LE(bytes.length, 4);
  bytes.writeUInt16LE(MAGIC, MAGIC_AT);
  bytes.writeUInt8(kind === 'item' ? ITEM : HOLE, 10);
  bytes.writeUInt8(billing ? 1 : 0, 11);
  bytes.writeUInt32LE(keyBytes, 12);
  bytes.writeDoubleLE(sequence, 16);
  bytes.writeDoubleLE(atMs, 24);
  body.copy(bytes, HEADER_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** @param at where a whole record begins */
export function decodeRecord(bytes: Buffer, at: number): OutboxRecord {
  const keyEnd = at + HEADER_BYTES + bytes.readUInt32LE(at + 12);
  return {
    sequence: sequenceAt(bytes, at),
    atMs: bytes.readDoubleLE(at + 24),
    billing: bytes.readUInt8(at + 11) === 1,
    kind: bytes.readUInt8(at + 10) === HOLE ? 'hole' : 'item',
    key: bytes.toString('utf8', at + HEADER_BYTES, keyEnd),
    text: bytes.toString('utf8', keyEnd, at + lengthAt(bytes, at)),
  };
}

const lengthAt = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + 4);
const sequenceAt = (bytes: Buffer, at: number): number => bytes.readDoubleLE(at + 16);

/** @returns the length of the whole and unharmed record that begins here; null when there is none */
export function recordLength(bytes: Buffer, at: number): number | null {
  if (at + HEADER_BYTES > bytes.length || bytes.readUInt16LE(at + MAGIC_AT) !== MAGIC) return null;
  const length = lengthAt(bytes, at);
  if (length < HEADER_BYTES + bytes.readUInt32LE(at + 12) || at + length > bytes.length) return null;
  return crc32(bytes.subarray(at + 4, at + length)) === bytes.readUInt32LE(at) ? length : null;
}

/** Finds every whole record, also those behind damage. Sequences ascend: a record that goes back is damage too. */
export function scanRecords(bytes: Buffer): Scan {
  const scan: Scan = { places: [], damagedBytes: 0, end: 0 };
  let last = 0;
  for (let at = 0; at >= 0 && at < bytes.length; ) {
    const length = recordLength(bytes, at);
    const sequence = length === null ? 0 : sequenceAt(bytes, at);
    if (length === null || sequence <= last) {
      const magic = bytes.indexOf(MAGIC_BYTES, at + MAGIC_AT + 1);
      at = magic === -1 ? -1 : magic - MAGIC_AT;
      continue;
    }
    scan.damagedBytes += at - scan.end;
    scan.places.push({ at, length });
    at += length;
    scan.end = at;
    last = sequence;
  }
  return scan;
}
