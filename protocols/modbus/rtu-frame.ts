/** Modbus RTU frames: unit, PDU, CRC low byte first. RTU over TCP is the same bytes on a socket. */
import { crc16 } from './crc16.ts';

/** Unit, function, one byte, CRC. */
const MIN_FRAME_BYTES = 5;
const MAX_FRAME_BYTES = 256;
const empty = new Uint8Array(0);

export interface RtuFrame {
  unit: number;
  pdu: Uint8Array;
}

export function buildRtuFrame({ unit, pdu }: RtuFrame): Uint8Array {
  const frame = new Uint8Array(pdu.length + 3);
  frame[0] = unit;
  frame.set(pdu, 1);
  const crc = crc16(frame, 0, frame.length - 2);
  frame[frame.length - 2] = crc;
  frame[frame.length - 1] = crc >>> 8;
  return frame;
}

export type ParsedRtuFrame = ({ ok: true } & RtuFrame) | { ok: false; code: 'wrong_length' | 'bad_crc' };

/** One whole frame; the PDU is a view into `bytes`. */
export function parseRtuFrame(bytes: Uint8Array): ParsedRtuFrame {
  const end = bytes.length - 2;
  if (bytes.length < MIN_FRAME_BYTES || bytes.length > MAX_FRAME_BYTES) {
    return { ok: false, code: 'wrong_length' };
  }
  if (crc16(bytes, 0, end) !== ((bytes[end] ?? 0) | ((bytes[end + 1] ?? 0) << 8))) {
    return { ok: false, code: 'bad_crc' };
  }
  return { ok: true, unit: bytes[0] ?? 0, pdu: bytes.subarray(1, end) };
}

/** A whole frame; or what came instead, after which everything received so far is thrown away. */
export type RtuEvent = ({ ok: true } & RtuFrame) | { ok: false; code: 'unknown_function' | 'bad_crc' };

/**
 * Cuts a serial stream into frames by the length that the function code implies. RTU itself separates frames by
 * silence only, so after a bad frame, and after a silence with `pending` bytes, the caller calls `reset`.
 */
export class RtuDeframer {
  readonly #lengthOf: (bytes: Uint8Array) => number | null;
  #pending: Uint8Array = empty;

  constructor(side: 'requests' | 'responses') {
    this.#lengthOf = side === 'requests' ? requestLength : responseLength;
  }

  /** Bytes held back for a frame that is not whole yet. */
  get pending(): number {
    return this.#pending.length;
  }

  reset(): void {
    this.#pending = empty;
  }

  push(chunk: Uint8Array): RtuEvent[] {
    const events: RtuEvent[] = [];
    let bytes = chunk;
    if (this.#pending.length > 0) {
      bytes = new Uint8Array(this.#pending.length + chunk.length);
      bytes.set(this.#pending);
      bytes.set(chunk, this.#pending.length);
    }
    while (bytes.length >= 3) {
      const length = this.#lengthOf(bytes);
      if (length === null || length > MAX_FRAME_BYTES) {
        events.push({ ok: false, code: 'unknown_function' });
        bytes = empty;
        break;
      }
      if (bytes.length < length) break;
      const frame = parseRtuFrame(bytes.subarray(0, length));
      events.push(frame.ok ? frame : { ok: false, code: 'bad_crc' });
      bytes = frame.ok ? bytes.subarray(length) : empty;
    }
    this.#pending = bytes;
    return events;
  }
}

/** Requests 1 to 6 are 8 bytes long; 15 and 16 name their byte count. (A server must see a write to refuse it.) */
function requestLength(bytes: Uint8Array): number | null {
  const functionCode = bytes[1] ?? 0;
  if (functionCode >= 1 && functionCode <= 6) return 8;
  if (functionCode === 15 || functionCode === 16) return bytes.length < 7 ? 9 : 9 + (bytes[6] ?? 0);
  return null;
}

/** Responses of the read functions name their byte count; an exception is 5 bytes long. */
function responseLength(bytes: Uint8Array): number | null {
  const functionCode = bytes[1] ?? 0;
  if (functionCode > 0x80) return MIN_FRAME_BYTES;
  return functionCode === 3 || functionCode === 4 ? MIN_FRAME_BYTES + (bytes[2] ?? 0) : null;
}
