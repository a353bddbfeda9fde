/**
 * Load records of DL/T 645-2007 (annex B): what a meter wrote down at each interval. A record is A0 A0 (E0 E0 when it is
 * spoilt), its length up to the sum, its time (mm hh DD MM YY), one block for each of six classes with AA behind it,
 * the sum of all bytes before it, and E5. A class that was not asked for, or is not kept, is an empty block; some meters
 * leave such blocks out altogether. The layout is that of several public drivers of concentrators.
 */
import { bytesFromDigits, digitsFromBytes } from '../bcd.ts';
import { bcdMinuteBytes, bcdTime } from '../meter-time.ts';
import { sum } from '../sum-frame.ts';

export interface LoadRecord {
  at: Temporal.PlainDateTime;
  /** The block of the one class that was asked for. */
  block: Uint8Array;
  /** The bytes of the time and of the block. */
  raw: Uint8Array;
}

export type LoadRecords = { ok: true; records: LoadRecord[] } | { ok: false; code: 'bad_record' };

const START = 0xa0;
const SPOILT = 0xe0;
/** No BCD digit, so it stands in no block. */
const SEPARATOR = 0xaa;
const END = 0xe5;
const HEAD_BYTES = 3;
const TIME_BYTES = 5;

/** What is sent behind the identifier: `count` records from `from` on. As digits, sent low first. */
export function loadRecordQuery(from: Temporal.PlainDateTime, count: number): string {
  return digitsFromBytes(Uint8Array.of(count, ...bcdMinuteBytes(from)));
}

/** The reverse; null for what is none. */
export function parseLoadRecordQuery(given: string): { from: Temporal.PlainDateTime; count: number } | null {
  const bytes = bytesFromDigits(given);
  const from = bcdTime(bytes.subarray(1));
  return bytes.length === 1 + TIME_BYTES && from !== null ? { from, count: bytes[0] ?? 0 } : null;
}

/**
 * @param data records of one class, whole, one behind the other; spoilt ones are left out
 * @param blockBytes how long a block of that class is
 */
export function parseLoadRecords(data: Uint8Array, blockBytes: number): LoadRecords {
  const records: LoadRecord[] = [];
  for (let rest = data; rest.length > 0; ) {
    const end = HEAD_BYTES + (rest[2] ?? 0);
    const spoilt = rest[0] === SPOILT && rest[1] === SPOILT;
    const begins = spoilt || (rest[0] === START && rest[1] === START);
    if (!begins || rest[end] !== sum(rest.subarray(0, end)) || rest[end + 1] !== END)
      return { ok: false, code: 'bad_record' };
    const record = spoilt ? null : parseBody(rest.subarray(HEAD_BYTES, end), blockBytes);
    if (record === undefined) return { ok: false, code: 'bad_record' };
    if (record !== null) records.push(record);
    rest = rest.subarray(end + 2);
  }
  return { ok: true, records };
}

function parseBody(body: Uint8Array, blockBytes: number): LoadRecord | undefined {
  const time = body.subarray(0, TIME_BYTES);
  const at = bcdTime(time);
  const [block, ...others] = blocksOf(body.subarray(TIME_BYTES)).filter(({ length }) => length > 0);
  if (at === null || block?.length !== blockBytes || others.length > 0) return undefined;
  return { at, block, raw: Uint8Array.of(...time, ...block) };
}

function blocksOf(bytes: Uint8Array): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  let from = 0;
  for (let at = bytes.indexOf(SEPARATOR); at >= 0; at = bytes.indexOf(SEPARATOR, from)) {
    blocks.push(bytes.subarray(from, at));
    from = at + 1;
  }
  return [...blocks, bytes.subarray(from)];
}

/** A record of `blocks` by class, as a meter sends it; classes that are not there are empty. */
export function buildLoadRecord(
  at: Temporal.PlainDateTime,
  blocks: ReadonlyMap<number, Uint8Array>,
): Uint8Array {
  const classes = [1, 2, 3, 4, 5, 6].flatMap((one) => [...(blocks.get(one) ?? []), SEPARATOR]);
  const body = [...bcdMinuteBytes(at), ...classes];
  const record = [START, START, body.length, ...body];
  return Uint8Array.of(...record, sum(record), END);
}
