/**
 * Frames from 68 to 16 with the sum of their bytes before the end, as DL/T 645 and CJ/T 188 have them. Any number of FE
 * bytes may go before a frame, to wake the receiver.
 */

const START = 0x68;
const END = 0x16;
const WAKE = 0xfe;
const empty = new Uint8Array(0);

/** How many FE bytes go before a request. */
const WAKE_BYTES = 4;

export interface SumFrameShape {
  /** Bytes before the data; the last of them counts the data. */
  headerBytes: number;
  /** Where the start byte stands a second time, if it does. */
  secondStart?: number;
  maxDataBytes: number;
}

/** `header` without its length byte. */
export function buildSumFrame(header: readonly number[], data: Uint8Array): Uint8Array {
  const body = [...header, data.length, ...data];
  return Uint8Array.of(...body, sum(body), END);
}

/** A frame as it is sent to a meter. */
export function withWakeBytes(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(WAKE_BYTES + frame.length).fill(WAKE);
  bytes.set(frame, WAKE_BYTES);
  return bytes;
}

/** A whole frame from 68 to 16; or what stood there instead, after which the search goes on with the next byte. */
export type SumFrameEvent =
  | { ok: true; bytes: Uint8Array }
  | { ok: false; code: 'noise' | 'bad_frame' | 'bad_checksum' };

/** Cuts a byte stream into frames, whatever the chunks: whole, split, joined, with anything in between. */
export class SumDeframer {
  readonly #shape: SumFrameShape;
  #pending: Uint8Array = empty;

  constructor(shape: SumFrameShape) {
    this.#shape = shape;
  }

  /** Bytes held back for a frame that is not whole yet. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Forgets half a frame: after a silence nothing more of it will come. */
  reset(): void {
    this.#pending = empty;
  }

  push(chunk: Uint8Array): SumFrameEvent[] {
    const bytes = new Uint8Array(this.#pending.length + chunk.length);
    bytes.set(this.#pending);
    bytes.set(chunk, this.#pending.length);
    const events: SumFrameEvent[] = [];
    let at = 0;
    for (let noisy = false; at < bytes.length; ) {
      if (bytes[at] !== START) {
        if (bytes[at] !== WAKE && !noisy) events.push({ ok: false, code: 'noise' });
        noisy = bytes[at] !== WAKE;
        at += 1;
        continue;
      }
      noisy = false;
      const event = this.#frameAt(bytes, at);
      if (event === null) break;
      events.push(event);
      at += event.ok ? event.bytes.length : 1;
    }
    this.#pending = bytes.subarray(at);
    return events;
  }

  /** Null when the frame that begins at `at` is not whole. */
  #frameAt(bytes: Uint8Array, at: number): SumFrameEvent | null {
    const { headerBytes, secondStart, maxDataBytes } = this.#shape;
    const left = bytes.length - at;
    if (secondStart !== undefined && left > secondStart && bytes[at + secondStart] !== START)
      return { ok: false, code: 'bad_frame' };
    if (left < headerBytes) return null;
    const dataBytes = bytes[at + headerBytes - 1] ?? 0;
    if (dataBytes > maxDataBytes) return { ok: false, code: 'bad_frame' };
    const length = headerBytes + dataBytes + 2;
    if (left < length) return null;
    const frame = bytes.subarray(at, at + length);
    if (frame[length - 1] !== END) return { ok: false, code: 'bad_frame' };
    const isWhole = frame[length - 2] === sum(frame.subarray(0, -2));
    return isWhole ? { ok: true, bytes: frame } : { ok: false, code: 'bad_checksum' };
  }
}

/** The low byte of the sum of all bytes. */
export function sum(bytes: Iterable<number>): number {
  let total = 0;
  for (const byte of bytes) total = (total + byte) & 0xff;
  return total;
}
