/**
 * HDLC frames of DLMS/COSEM (IEC 62056-46, frame format type 3): flag 7E, format and length, destination, source, control,
 * header check and information if there is any, frame check, flag 7E. Nothing is stuffed: the length says where a frame ends.
 */
import { crc16X25 } from './crc16-x25.ts';

const FLAG = 0x7e;
const FORMAT_TYPE = 0xa0;
const SEGMENTED = 0x08;
/** Two of format, one each of the addresses and the control, two of check. */
const MIN_LENGTH = 7;
const CHECK_BYTES = 2;

export interface HdlcFrame {
  /** As on the wire: see `hdlcAddress`. */
  destination: Uint8Array;
  source: Uint8Array;
  control: number;
  information: Uint8Array;
  /** Whether another frame carries on with the information. */
  segmented: boolean;
}

/**
 * An address as on the wire: seven bits a byte, the lowest bit set in the last one.
 * @param upper the client's, or the server's logical device
 * @param lower the server's physical device; none in an address of one byte
 * @param length in bytes; `upper` and `lower` get half of them each
 * @throws RangeError when it does not fit
 */
export function hdlcAddress(upper: number, lower?: number, length: 1 | 2 | 4 = 1): Uint8Array {
  const parts = lower === undefined ? [upper] : [upper, lower];
  const bytesEach = length / parts.length;
  if (bytesEach < 1 || bytesEach > 2) throw new RangeError(`no address of ${length} bytes has this form`);
  const bytes = parts.flatMap((part) => {
    if (part < 0 || part >= 1 << (7 * bytesEach))
      throw new RangeError(`${part} does not fit ${bytesEach} bytes of an HDLC address`);
    return bytesEach === 1 ? [part << 1] : [(part >> 7) << 1, (part & 0x7f) << 1];
  });
  bytes.push((bytes.pop() ?? 0) | 1);
  return Uint8Array.from(bytes);
}

export function buildHdlcFrame(frame: HdlcFrame): Uint8Array {
  const { destination, source, control, information, segmented } = frame;
  const headBytes = 2 + destination.length + source.length + 1;
  const checked = information.length === 0 ? 0 : CHECK_BYTES + information.length;
  const length = headBytes + checked + CHECK_BYTES;
  const bytes = new Uint8Array(length + 2);
  const format = segmented ? FORMAT_TYPE | SEGMENTED : FORMAT_TYPE;
  bytes.set([FLAG, format | (length >> 8), length & 0xff, ...destination, ...source, control]);
  if (information.length > 0) {
    putCheck(bytes, headBytes + 1);
    bytes.set(information, 1 + headBytes + CHECK_BYTES);
  }
  putCheck(bytes, length + 1 - CHECK_BYTES);
  bytes[length + 1] = FLAG;
  return bytes;
}

/** Puts at `at` the check of all that stands between the flag and there. */
function putCheck(bytes: Uint8Array, at: number): void {
  const check = crc16X25(bytes, 1, at);
  bytes.set([check & 0xff, check >> 8], at);
}

/** A whole frame without its flags; or what stood there instead, after which the search goes on with the next byte. */
export type HdlcEvent =
  | { ok: true; frame: HdlcFrame; bytes: Uint8Array }
  | { ok: false; code: 'noise' | 'bad_frame' | 'bad_crc' };

/** Cuts a byte stream into frames, whatever the chunks. Two frames may share one flag. */
export class HdlcDeframer {
  #held = new Uint8Array(0);

  /** Bytes held back for a frame that is not whole yet; the flag that ended the last one does not count. */
  get pending(): number {
    return this.#held.length === 1 ? 0 : this.#held.length;
  }

  push(chunk: Uint8Array): HdlcEvent[] {
    const bytes = new Uint8Array(this.#held.length + chunk.length);
    bytes.set(this.#held);
    bytes.set(chunk, this.#held.length);
    const events: HdlcEvent[] = [];
    let at = 0;
    for (let noisy = false; at < bytes.length; ) {
      if (bytes[at] !== FLAG) {
        if (!noisy) events.push({ ok: false, code: 'noise' });
        noisy = true;
        at += 1;
        continue;
      }
      if (bytes[at + 1] === FLAG) {
        at += 1;
        continue;
      }
      noisy = false;
      const event = frameAt(bytes, at + 1);
      if (event === null) break;
      events.push(event);
      // The flag behind a frame may begin the next one.
      at += event.ok ? 1 + event.bytes.length : 1;
      noisy = !event.ok;
    }
    this.#held = bytes.slice(at);
    return events;
  }
}

/** The frame whose format bytes stand at `at`, just behind a flag; null when it is not whole. */
function frameAt(bytes: Uint8Array, at: number): HdlcEvent | null {
  const [high, low] = [bytes[at], bytes[at + 1]];
  if (high === undefined) return null;
  if ((high & 0xf0) !== FORMAT_TYPE) return { ok: false, code: 'bad_frame' };
  if (low === undefined) return null;
  const length = ((high & 0x07) << 8) | low;
  if (length < MIN_LENGTH) return { ok: false, code: 'bad_frame' };
  if (bytes.length < at + length + 1) return null;
  const whole = bytes.slice(at, at + length);
  if (bytes[at + length] !== FLAG) return { ok: false, code: 'bad_frame' };
  if (!isChecked(whole, length - CHECK_BYTES)) return { ok: false, code: 'bad_crc' };
  return parse(whole, (high & SEGMENTED) !== 0);
}

const isChecked = (bytes: Uint8Array, at: number): boolean =>
  crc16X25(bytes, 0, at) === ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));

/** @param bytes from the format to the frame check, which is right */
function parse(bytes: Uint8Array, segmented: boolean): HdlcEvent {
  const destination = addressAt(bytes, 2);
  const source = destination && addressAt(bytes, 2 + destination.length);
  if (!destination || !source) return { ok: false, code: 'bad_frame' };
  const controlAt = 2 + destination.length + source.length;
  const end = bytes.length - CHECK_BYTES;
  const control = bytes[controlAt];
  if (control === undefined || controlAt >= end) return { ok: false, code: 'bad_frame' };
  let information = new Uint8Array(0);
  if (controlAt + 1 < end) {
    if (controlAt + 1 + CHECK_BYTES > end) return { ok: false, code: 'bad_frame' };
    if (!isChecked(bytes, controlAt + 1)) return { ok: false, code: 'bad_crc' };
    information = bytes.slice(controlAt + 1 + CHECK_BYTES, end);
  }
  return { ok: true, frame: { destination, source, control, information, segmented }, bytes };
}

/** An address of one, two or four bytes, or null. */
function addressAt(bytes: Uint8Array, at: number): Uint8Array | null {
  for (const length of [1, 2, 3, 4])
    if (((bytes[at + length - 1] ?? 0) & 1) === 1) return length === 3 ? null : bytes.slice(at, at + length);
  return null;
}
