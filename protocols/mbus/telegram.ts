/** What a meter sends as the answer to "send your data" (EN 13757-3): a header that names it, and its records. */
import { digitsFromBytes } from '../bcd.ts';
import { makerLetters, secondaryAddress } from './address.ts';
import { type MbusRecord, parseRecords } from './records.ts';

export interface MbusHeader {
  /** Eight digits, as printed on the meter. */
  id: string;
  /** Three letters, such as `ABB`. */
  maker: string;
  version: number;
  medium: number;
  /** What a selection of this meter names; see `address.ts`. */
  secondary: string;
  /** Counts the answers of most meters. */
  accessNumber: number;
  status: number;
}

export type ParsedTelegram =
  | { ok: true; header: MbusHeader | null; records: MbusRecord[]; more: boolean }
  /** The meter's own refusal. */
  | { ok: true; applicationError: number }
  | { ok: false; code: 'unsupported' | 'encrypted' | 'bad_records' };

const APPLICATION_ERROR = 0x70;
/** Control information by the header behind it; the same with bit 2 set sends numbers high byte first. */
const headers = new Map([
  [0x72, { bytes: 12, highFirst: false }],
  [0x76, { bytes: 12, highFirst: true }],
  [0x7a, { bytes: 4, highFirst: false }],
  [0x78, { bytes: 0, highFirst: false }],
]);
/** Identification, maker, version and medium, which a short header lacks. */
const NAME_BYTES = 8;
/** Security modes of EN 13757-7: records of them are ciphertext. Other bits of the word mean other things to older meters. */
const LAST_SECURITY_MODE = 15;

/** @param ci the control information of the frame @param data what follows it */
export function parseTelegram(ci: number, data: Uint8Array): ParsedTelegram {
  if (ci === APPLICATION_ERROR) return { ok: true, applicationError: data[0] ?? 0 };
  const shape = headers.get(ci);
  if (shape === undefined) return { ok: false, code: 'unsupported' };
  const { bytes, highFirst } = shape;
  if (data.length < bytes) return { ok: false, code: 'bad_records' };
  const head = data.subarray(0, bytes);
  const mode = (head.at(-1) ?? 0) & 0x1f;
  if (bytes > 0 && !highFirst && mode > 0 && mode <= LAST_SECURITY_MODE)
    return { ok: false, code: 'encrypted' };
  const parsed = parseRecords(data.subarray(bytes), highFirst);
  if (!parsed.ok) return { ok: false, code: 'bad_records' };
  const { records, more } = parsed;
  return { ok: true, header: bytes > NAME_BYTES ? parseHeader(head, highFirst) : null, records, more };
}

function parseHeader(head: Uint8Array, highFirst: boolean): MbusHeader {
  const field = (from: number, end: number): Uint8Array =>
    highFirst ? head.slice(from, end).reverse() : head.slice(from, end);
  const [id, maker] = [field(0, 4), field(4, 6)];
  const [version = 0, medium = 0, accessNumber = 0, status = 0] = head.subarray(6);
  return {
    id: digitsFromBytes(id),
    maker: makerLetters((maker[0] ?? 0) | ((maker[1] ?? 0) << 8)),
    version,
    medium,
    secondary: secondaryAddress(Uint8Array.of(...id, ...maker, version, medium)),
    accessNumber,
    status,
  };
}
