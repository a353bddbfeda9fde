/**
 * Frames of the wired M-Bus (EN 13757-2, format class FT1.2 of IEC 60870-5-1): the single character E5, short frames
 * `10 C A CS 16`, long frames `68 L L 68 C A CI ... CS 16`. The sum runs from C to the byte before it; L counts the same.
 */

const ACK = 0xe5;
const SHORT = 0x10;
const LONG = 0x68;
const END = 0x16;
const SHORT_BYTES = 5;
/** 68 L L 68 before what L counts, sum and end behind it. */
const LONG_HEAD_BYTES = 4;
const TAIL_BYTES = 2;
/** C, A and CI. */
const MIN_LENGTH = 3;
const empty = new Uint8Array(0);

export type MbusFrame =
  | { kind: 'ack' }
  | { kind: 'short'; control: number; address: number }
  | { kind: 'long'; control: number; address: number; ci: number; data: Uint8Array };

export function buildMbusFrame(frame: MbusFrame): Uint8Array {
  if (frame.kind === 'ack') return Uint8Array.of(ACK);
  const { control, address } = frame;
  if (frame.kind === 'short') return Uint8Array.of(SHORT, control, address, (control + address) & 0xff, END);
  const body = [control, address, frame.ci, ...frame.data];
  return Uint8Array.of(LONG, body.length, body.length, LONG, ...body, sum(body), END);
}

/** A whole frame; or what stood there instead, after which the search goes on with the next byte. */
export type MbusEvent =
  | { ok: true; frame: MbusFrame; bytes: Uint8Array }
  | { ok: false; code: 'noise' | 'bad_frame' | 'bad_checksum' };

/** Cuts a byte stream into frames, whatever the chunks: whole, split, joined, with anything in between. */
export class MbusDeframer {
  #pending: Uint8Array = empty;

  /** Bytes held back for a frame that is not whole yet. */
  get pending(): number {
    return this.#pending.length;
  }

  push(chunk: Uint8Array): MbusEvent[] {
    const bytes = new Uint8Array(this.#pending.length + chunk.length);
    bytes.set(this.#pending);
    bytes.set(chunk, this.#pending.length);
    const events: MbusEvent[] = [];
    let at = 0;
    for (let noisy = false; at < bytes.length; ) {
      const event = eventAt(bytes.subarray(at));
      if (event === null) break;
      const isNoise = !event.ok && event.code === 'noise';
      if (!(isNoise && noisy)) events.push(event);
      noisy = isNoise;
      at += event.ok ? event.bytes.length : 1;
    }
    this.#pending = bytes.slice(at);
    return events;
  }
}

/** Null when the frame that begins with the first byte is not whole. */
function eventAt(bytes: Uint8Array): MbusEvent | null {
  const [start = 0, length = 0, again, second] = bytes;
  if (start === ACK) return { ok: true, frame: { kind: 'ack' }, bytes: bytes.slice(0, 1) };
  if (start === SHORT) return bytes.length < SHORT_BYTES ? null : shortFrame(bytes.slice(0, SHORT_BYTES));
  if (start !== LONG) return { ok: false, code: 'noise' };
  const isLong =
    (bytes.length < 2 || length >= MIN_LENGTH) &&
    (again === undefined || again === length) &&
    (second === undefined || second === LONG);
  if (!isLong) return { ok: false, code: 'bad_frame' };
  const end = LONG_HEAD_BYTES + length + TAIL_BYTES;
  return bytes.length < LONG_HEAD_BYTES || bytes.length < end ? null : longFrame(bytes.slice(0, end));
}

function shortFrame(bytes: Uint8Array): MbusEvent {
  const [, control = 0, address = 0, checksum] = bytes;
  if (bytes.at(-1) !== END) return { ok: false, code: 'bad_frame' };
  if (checksum !== ((control + address) & 0xff)) return { ok: false, code: 'bad_checksum' };
  return { ok: true, frame: { kind: 'short', control, address }, bytes };
}

function longFrame(bytes: Uint8Array): MbusEvent {
  const body = bytes.subarray(LONG_HEAD_BYTES, -TAIL_BYTES);
  if (bytes.at(-1) !== END) return { ok: false, code: 'bad_frame' };
  if (bytes.at(-TAIL_BYTES) !== sum(body)) return { ok: false, code: 'bad_checksum' };
  const [control = 0, address = 0, ci = 0] = body;
  return { ok: true, frame: { kind: 'long', control, address, ci, data: body.slice(MIN_LENGTH) }, bytes };
}

function sum(bytes: Iterable<number>): number {
  let total = 0;
  for (const byte of bytes) total = (total + byte) & 0xff;
  return total;
}
