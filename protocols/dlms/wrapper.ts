/**
 * The wrapper that carries DLMS/COSEM over TCP (IEC 62056-47): version 0001, source port, destination port, length, and
 * then so many bytes. Its ports name a client and a logical device; they are no TCP ports.
 */
const HEADER_BYTES = 8;
const VERSION = 1;

export interface WrapperFrame {
  source: number;
  destination: number;
  pdu: Uint8Array;
}

export function buildWrapperFrame({ source, destination, pdu }: WrapperFrame): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + pdu.length);
  const words = [VERSION, source, destination, pdu.length];
  bytes.set(words.flatMap((word) => [word >> 8, word & 0xff]));
  bytes.set(pdu, HEADER_BYTES);
  return bytes;
}

/** After a bad frame nothing more is found: nothing says where the next one begins. */
export type WrapperEvent =
  | { ok: true; frame: WrapperFrame; bytes: Uint8Array }
  | { ok: false; code: 'bad_frame' };

/** Cuts a byte stream into frames, whatever the chunks. */
export class WrapperDeframer {
  #held = new Uint8Array(0);

  /** Bytes held back for a frame that is not whole yet. */
  get pending(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array): WrapperEvent[] {
    const bytes = new Uint8Array(this.#held.length + chunk.length);
    bytes.set(this.#held);
    bytes.set(chunk, this.#held.length);
    const events: WrapperEvent[] = [];
    let at = 0;
    const word = (index: number): number =>
      ((bytes[at + 2 * index] ?? 0) << 8) | (bytes[at + 2 * index + 1] ?? 0);
    while (bytes.length - at >= HEADER_BYTES) {
      if (word(0) !== VERSION) {
        events.push({ ok: false, code: 'bad_frame' });
        at = bytes.length;
        break;
      }
      const end = at + HEADER_BYTES + word(3);
      if (bytes.length < end) break;
      const whole = bytes.slice(at, end);
      const frame = { source: word(1), destination: word(2), pdu: whole.subarray(HEADER_BYTES) };
      events.push({ ok: true, frame, bytes: whole });
      at = end;
    }
    this.#held = bytes.slice(at);
    return events;
  }
}
