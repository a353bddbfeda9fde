/**
 * Reading data and addresses over DL/T 645, for both sides. There is no function here that writes. An item is named by
 * its data identifier, DI3 to DI0 in hex (`00010000`, forward total) or in 1997 DI1 and DI0 (`9010`).
 */
import { bytesFromDigits, digitsFromBytes, isAddressed } from '../bcd.ts';
import { ANY_ADDRESS, type Dlt645Frame } from './frame.ts';

export type Dlt645Version = 2007 | 1997;

/** What is asked: an item, the rest of an item that did not fit one frame, or (2007) the meter's address. */
export type Dlt645Request = {
  version: Dlt645Version;
  /** 12 digits; the digit `A` stands for any. */
  address: string;
} & (
  | {
      kind: 'item';
      item: string /** Digits behind the identifier, sent low first: from when, how many. */;
      given?: string;
    }
  | { kind: 'rest'; item: string /** Counts from 1; not sent in 1997. */; part: number }
  | { kind: 'address' }
);

const ANSWER = 0x80;
const REFUSED = 0x40;
const MORE = 0x20;
const controls = { 2007: { item: 0x11, rest: 0x12, address: 0x13 }, 1997: { item: 0x01, rest: 0x02 } };
const itemBytes = (version: Dlt645Version): number => (version === 2007 ? 4 : 2);

/** Asks whoever is alone on the line for its address. */
export const addressRequest: Dlt645Request = { version: 2007, address: ANY_ADDRESS, kind: 'address' };

export function buildRequest(request: Dlt645Request): Dlt645Frame {
  const { address } = request;
  if (request.kind === 'address')
    return { address, control: controls[2007].address, data: new Uint8Array(0) };
  const part = request.kind === 'rest' && request.version === 2007 ? [request.part] : [];
  const given = request.kind === 'item' ? bytesFromDigits(request.given ?? '') : [];
  const data = Uint8Array.of(...bytesFromDigits(request.item), ...given, ...part);
  return { address, control: controls[request.version][request.kind], data };
}

/** A request as a meter reads it, or null for what it does not answer. */
export function parseRequest(
  version: Dlt645Version,
  { address, control, data }: Dlt645Frame,
): Dlt645Request | null {
  const length = itemBytes(version);
  const item = digitsFromBytes(data.subarray(0, length));
  const { item: whole, rest } = controls[version];
  if (control === whole && data.length >= length) {
    const given = digitsFromBytes(data.subarray(length));
    return { version, address, kind: 'item', item, ...(given === '' ? {} : { given }) };
  }
  const partBytes = version === 2007 ? 1 : 0;
  if (control === rest && data.length === length + partBytes)
    return { version, address, kind: 'rest', item, part: data[length] ?? 0 };
  if (version === 2007 && control === controls[2007].address && data.length === 0)
    return { version, address, kind: 'address' };
  return null;
}

/** What a meter answers: data, of which there may be more than fits the frame, or its error byte. */
export type Dlt645Answer = { ok: true; data: Uint8Array; more: boolean } | { ok: false; error: number };

/** @param address the meter's own, whatever address was asked */
export function buildReply(request: Dlt645Request, address: string, answer: Dlt645Answer): Dlt645Frame {
  const control = buildRequest(request).control | ANSWER;
  if (!answer.ok) return { address, control: control | REFUSED, data: Uint8Array.of(answer.error) };
  if (request.kind === 'address') return { address, control, data: bytesFromDigits(address) };
  const part = request.kind === 'rest' && request.version === 2007 ? [request.part] : [];
  return {
    address,
    control: answer.more ? control | MORE : control,
    data: Uint8Array.of(...bytesFromDigits(request.item), ...answer.data, ...part),
  };
}

/** What a master makes of a frame that claims to answer `request`, or the reason why this can be no answer to it. */
export type Dlt645Reply =
  | { ok: true; address: string; answer: Dlt645Answer }
  | { ok: false; code: 'wrong_unit' | 'wrong_function' | 'wrong_item' | 'wrong_byte_count' };

export function parseReply(request: Dlt645Request, { address, control, data }: Dlt645Frame): Dlt645Reply {
  const asked = buildRequest(request);
  if (!isAddressed(request.address, address)) return { ok: false, code: 'wrong_unit' };
  if (control === (asked.control | ANSWER | REFUSED)) {
    if (data.length !== 1) return { ok: false, code: 'wrong_byte_count' };
    return { ok: true, address, answer: { ok: false, error: data[0] ?? 0 } };
  }
  const more = control === (asked.control | ANSWER | MORE);
  if (control !== (asked.control | ANSWER) && !more) return { ok: false, code: 'wrong_function' };
  if (request.kind === 'address') {
    if (data.length !== 6) return { ok: false, code: 'wrong_byte_count' };
    return { ok: true, address: digitsFromBytes(data), answer: { ok: true, data, more: false } };
  }
  const head = itemBytes(request.version);
  // Of what was given with an item the answer repeats nothing, but it repeats the number of a part.
  const part = request.kind === 'rest' ? asked.data.subarray(head) : new Uint8Array(0);
  const tail = part.length;
  if (data.length < head + tail) return { ok: false, code: 'wrong_byte_count' };
  const named = Uint8Array.of(...data.subarray(0, head), ...data.subarray(data.length - tail));
  if (digitsFromBytes(named) !== digitsFromBytes(Uint8Array.of(...bytesFromDigits(request.item), ...part)))
    return { ok: false, code: 'wrong_item' };
  return { ok: true, address, answer: { ok: true, data: data.slice(head, data.length - tail), more } };
}
