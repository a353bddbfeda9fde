/**
 * Reading data over CJ/T 188, for both sides. There is no function here that writes or moves a valve. An item is named
 * by its data identifier, DI1 and DI0 in hex (`901F`, metering data), which meters send in either order.
 */
import { digitsFromBytes, isAddressed } from '../bcd.ts';
import type { Cjt188Frame } from './frame.ts';

/** Whether DI0 or DI1 goes first on the wire. */
export type Cjt188ItemOrder = 'low_first' | 'high_first';

export interface Cjt188Request {
  /** Two hex digits; the digit `A` stands for any here and in the address. */
  type: string;
  address: string;
  item: string;
  order: Cjt188ItemOrder;
  /** The answer repeats it: 0 to 255. */
  serial: number;
}

const READ = 0x01;
const ANSWER = 0x80;
const REFUSED = 0x40;
/** The identifier and the serial number. */
const HEAD_BYTES = 3;

function head({ item, order, serial }: Cjt188Request): number[] {
  const high = parseInt(item.slice(0, 2), 16);
  const low = parseInt(item.slice(2), 16);
  return order === 'low_first' ? [low, high, serial] : [high, low, serial];
}

export function buildRequest(request: Cjt188Request): Cjt188Frame {
  const { type, address } = request;
  return { type, address, control: READ, data: Uint8Array.from(head(request)) };
}

/** A read as a meter takes it that has its identifiers in `order`, or null for what it does not answer. */
export function parseRequest(
  { type, address, control, data }: Cjt188Frame,
  order: Cjt188ItemOrder,
): Cjt188Request | null {
  if (control !== READ || data.length !== HEAD_BYTES) return null;
  const name = data.slice(0, 2);
  const item = digitsFromBytes(order === 'low_first' ? name : name.reverse());
  return { type, address, item, order, serial: data[2] ?? 0 };
}

/** What a meter answers: the bytes behind the serial number, or its two status bytes. */
export type Cjt188Answer = { ok: true; data: Uint8Array } | { ok: false; status: number };

/** @param meter type and address of its own, whatever was asked */
export function buildReply(
  request: Cjt188Request,
  meter: Pick<Cjt188Frame, 'type' | 'address'>,
  answer: Cjt188Answer,
): Cjt188Frame {
  const { type, address } = meter;
  if (answer.ok)
    return { type, address, control: READ | ANSWER, data: Uint8Array.of(...head(request), ...answer.data) };
  const data = Uint8Array.of(request.serial, answer.status & 0xff, answer.status >>> 8);
  return { type, address, control: READ | ANSWER | REFUSED, data };
}

/** What a master makes of a frame that claims to answer `request`, or the reason why this can be no answer to it. */
export type Cjt188Reply =
  | { ok: true; address: string; answer: Cjt188Answer }
  | { ok: false; code: 'wrong_unit' | 'wrong_function' | 'wrong_item' | 'wrong_byte_count' };

export function parseReply(
  request: Cjt188Request,
  { type, address, control, data }: Cjt188Frame,
): Cjt188Reply {
  if (!isAddressed(request.type, type) || !isAddressed(request.address, address))
    return { ok: false, code: 'wrong_unit' };
  if (control === (READ | ANSWER | REFUSED)) {
    if (data.length !== HEAD_BYTES) return { ok: false, code: 'wrong_byte_count' };
    if (data[0] !== request.serial) return { ok: false, code: 'wrong_item' };
    return { ok: true, address, answer: { ok: false, status: (data[1] ?? 0) | ((data[2] ?? 0) << 8) } };
  }
  if (control !== (READ | ANSWER)) return { ok: false, code: 'wrong_function' };
  if (data.length < HEAD_BYTES) return { ok: false, code: 'wrong_byte_count' };
  if (head(request).some((byte, at) => data[at] !== byte)) return { ok: false, code: 'wrong_item' };
  return { ok: true, address, answer: { ok: true, data: data.slice(HEAD_BYTES) } };
}
