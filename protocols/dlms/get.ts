/**
 * Reading attributes of COSEM objects (IEC 62056-53, GET): the request, what answers it, and the blocks of a long answer.
 * There is no function here that writes or acts.
 */

import { type CosemData, parseData, parseLength } from './data.ts';
import type { AnswerDoubt } from './doubt.ts';

const GET_REQUEST = 0xc0;
const GET_RESPONSE = 0xc4;
const EXCEPTION_RESPONSE = 0xd8;
/** The state error of a service that needs an association. */
const NOT_ALLOWED = 0x01;
const NORMAL = 0x01;
const BLOCK = 0x02;
/** Confirmed, and of high priority: meters answer those in turn. */
const CONFIRMED = 0xc0;
const INVOKE_IDS = 0x0f;

export interface Attribute {
  classId: number;
  /** `1-0:1.8.0`; the sixth value group is 255. */
  obis: string;
  attribute: number;
}

/** Which entries of a profile's buffer: counted from 1, both included; of each its first `columns`, which are all. */
export interface Entries {
  from: number;
  to: number;
  columns: number;
}

/** The six bytes of an OBIS code. */
export function logicalName(obis: string): Uint8Array {
  const groups = obis.split(/[-:.]/).map((group) => parseInt(group, 10));
  return Uint8Array.of(...groups, ...(groups.length === 5 ? [0xff] : []));
}

/** The reverse, without the sixth group where it is 255. */
export function obisFromName(bytes: Uint8Array): string {
  const [a, b, c, d, e, f] = bytes;
  return `${a}-${b}:${c}.${d}.${e}${f === 0xff ? '' : `.${f}`}`;
}

/**
 * @param invoke 0 to 15: the answer repeats it
 * @param entries the part of a profile's buffer that is wanted; all that the attribute holds when not given
 */
export function buildGet(
  { classId, obis, attribute }: Attribute,
  invoke: number,
  entries?: Entries,
): Uint8Array {
  const selection = entries === undefined ? [0] : [1, ...entrySelection(entries)];
  return Uint8Array.of(
    ...[GET_REQUEST, NORMAL, CONFIRMED | invoke],
    ...[classId >> 8, classId & 0xff, ...logicalName(obis), attribute],
    ...selection,
  );
}

/** Selector 2, entry descriptor (IEC 62056-62, profile generic). */
const entrySelection = ({ from, to, columns }: Entries): number[] => [
  ...[0x02, 0x02, 0x04],
  ...[0x06, ...longBytes(from), 0x06, ...longBytes(to)],
  ...[0x12, 0x00, 0x01, 0x12, columns >> 8, columns & 0xff],
];

const longBytes = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);

/** Asks for the block that follows `block`, and acknowledges all up to it. */
export const buildGetNext = (invoke: number, block: number): Uint8Array =>
  Uint8Array.of(GET_REQUEST, BLOCK, CONFIRMED | invoke, ...longBytes(block));

/** `refused`: the meter's data-access-result. `exception`: it does not know the service, or not allow it now. */
export type GetAnswer =
  | { kind: 'data'; data: CosemData; bytes: Uint8Array }
  | { kind: 'block'; block: number; last: boolean; bytes: Uint8Array }
  | { kind: 'refused'; error: number }
  | { kind: 'exception'; allowed: boolean; error: number };

export type Judged<T> = { ok: true; answer: T } | { ok: false; code: AnswerDoubt };

/** What a PDU is worth as an answer to the request `invoke`; `block`: the number of the block that was asked for. */
export function judgeGet(pdu: Uint8Array, invoke: number, block?: number): Judged<GetAnswer> {
  if (pdu[0] === EXCEPTION_RESPONSE)
    return pdu.length < 3
      ? refuse('wrong_byte_count')
      : { ok: true, answer: { kind: 'exception', allowed: pdu[1] !== NOT_ALLOWED, error: pdu[2] ?? 0 } };
  const [tag, form, header] = pdu;
  if (tag !== GET_RESPONSE) return refuse('wrong_function');
  if (header === undefined) return refuse('wrong_byte_count');
  if ((header & INVOKE_IDS) !== invoke) return refuse('wrong_transaction');
  if (form === NORMAL && block === undefined) return judgeNormal(pdu);
  if (form === BLOCK) return judgeBlock(pdu, block ?? 1);
  // A meter that has lost its place says so in the normal form.
  return form === NORMAL && pdu[3] === 1 ? judgeNormal(pdu) : refuse('wrong_function');
}

const refuse = (code: AnswerDoubt): { ok: false; code: AnswerDoubt } => ({ ok: false, code });

function judgeNormal(pdu: Uint8Array): Judged<GetAnswer> {
  const [choice, error] = pdu.subarray(3);
  if (choice === undefined || error === undefined) return refuse('wrong_byte_count');
  if (choice === 1)
    return pdu.length === 5 ? { ok: true, answer: { kind: 'refused', error } } : refuse('wrong_byte_count');
  return choice === 0 ? judgeData(pdu.slice(4)) : refuse('bad_frame');
}

/** Bytes that are to be one value, and all of it. */
export function judgeData(bytes: Uint8Array): Judged<GetAnswer & { kind: 'data' }> {
  const parsed = parseData(bytes);
  if (parsed === null) return refuse('bad_frame');
  if (parsed.end !== bytes.length) return refuse('wrong_byte_count');
  return { ok: true, answer: { kind: 'data', data: parsed.data, bytes } };
}

function judgeBlock(pdu: Uint8Array, block: number): Judged<GetAnswer> {
  if (pdu.length < 10) return refuse('wrong_byte_count');
  const number = pdu.subarray(4, 8).reduce((sum, byte) => sum * 256 + byte, 0);
  if (number !== block) return refuse('wrong_item');
  if (pdu[8] === 1) return { ok: true, answer: { kind: 'refused', error: pdu[9] ?? 0 } };
  const length = parseLength(pdu, 9);
  if (pdu[8] !== 0 || length === null) return refuse('bad_frame');
  if (length.end + length.value !== pdu.length) return refuse('wrong_byte_count');
  const bytes = pdu.slice(length.end);
  return { ok: true, answer: { kind: 'block', block, last: pdu[3] !== 0, bytes } };
}
