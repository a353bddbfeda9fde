/** Modbus TCP frames: MBAP header (transaction, protocol 0, length, unit), then the PDU. */

const HEADER_BYTES = 7;
/** Unit and PDU: at least unit + function + one byte, at most unit + 253. */
const MIN_LENGTH = 3;
const MAX_LENGTH = 254;
const empty = new Uint8Array(0);

export interface TcpFrame {
  /** 0 to 65535; a response repeats its request's. */
  transaction: number;
  unit: number;
  pdu: Uint8Array;
}

export function buildTcpFrame({ transaction, unit, pdu }: TcpFrame): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + pdu.length);
  const length = pdu.length + 1;
  frame[0] = transaction >>> 8;
  frame[1] = transaction;
  frame[4] = length >>> 8;
  frame[5] = length;
  frame[6] = unit;
  frame.set(pdu, HEADER_BYTES);
  return frame;
}

/** A whole frame, or the reason why the stream can no longer be read. */
export type TcpEvent = ({ ok: true } & TcpFrame) | { ok: false; code: 'wrong_protocol' | 'wrong_length' };

/**
 * Cuts a TCP stream into frames, whatever the chunks: whole, split, joined. A header that cannot be one ends the
 * stream: where the next frame would begin is unknown, so the connection must be closed.
 */
export class TcpDeframer {
  #pending: Uint8Array = empty;
  #broken = false;

  /** Bytes held back for a frame that is not whole yet. */
  get pending(): number {
    return this.#pending.length;
  }

  /** The frames completed by `chunk`, their PDUs views into it where possible; after a bad header nothing more. */
  push(chunk: Uint8Array): TcpEvent[] {
    const events: TcpEvent[] = [];
    if (this.#broken) return events;
    const bytes = this.#pending.length === 0 ? chunk : joined(this.#pending, chunk);
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const length = word(bytes, at + 4);
      const code = word(bytes, at + 2) !== 0 ? 'wrong_protocol' : 'wrong_length';
      if (code === 'wrong_protocol' || length < MIN_LENGTH || length > MAX_LENGTH) {
        this.#broken = true;
        this.#pending = empty;
        events.push({ ok: false, code });
        return events;
      }
      const end = at + HEADER_BYTES - 1 + length;
      if (end > bytes.length) break;
      const frame: TcpEvent = {
        ok: true,
        transaction: word(bytes, at),
        unit: bytes[at + 6] ?? 0,
        pdu: bytes.subarray(at + HEADER_BYTES, end),
      };
      // Mostly a chunk is one frame: an array that grows would have room for many.
      if (at === 0 && end === bytes.length) {
        this.#pending = empty;
        return [frame];
      }
      events.push(frame);
      at = end;
    }
    this.#pending = at === bytes.length ? empty : bytes.subarray(at);
    return events;
  }
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(left.length + right.length);
  bytes.set(left);
  bytes.set(right, left.length);
  return bytes;
}

const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
