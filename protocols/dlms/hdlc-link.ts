/**
 * The client's side of an HDLC link (IEC 62056-46): builds the frames that go out and judges those that come. The window is
 * one frame both ways, so every frame asks for an answer, and the answer's numbers say which frame it answers.
 */

import type { AnswerDoubt } from './doubt.ts';
import type { HdlcFrame } from './hdlc-frame.ts';

const SNRM = 0x93;
const DISC = 0x53;
const UA = 0x73;
const DM = 0x1f;
const FRMR = 0x97;
/** The bit by which one side gives the word to the other. */
const POLL_FINAL = 0x10;
const RECEIVE_READY = 0x01;
const none = new Uint8Array(0);

/** What may be negotiated when a link is set up. */
export interface HdlcParameters {
  /** The longest information field, as the sender of the parameters sends it, and as it takes it. */
  maxTransmit: number;
  maxReceive: number;
  windowTransmit: number;
  windowReceive: number;
}

/** What holds where a frame says nothing else. */
export const HDLC_DEFAULTS: HdlcParameters = {
  maxTransmit: 128,
  maxReceive: 128,
  windowTransmit: 1,
  windowReceive: 1,
};

const names = [
  [0x05, 'maxTransmit'],
  [0x06, 'maxReceive'],
  [0x07, 'windowTransmit'],
  [0x08, 'windowReceive'],
] as const;

export function buildHdlcParameters(parameters: HdlcParameters): Uint8Array {
  const rows = names.flatMap(([id, name]) => {
    const value = parameters[name];
    if (name.startsWith('window')) return [id, 4, 0, 0, 0, value];
    return value > 0xff ? [id, 2, value >> 8, value & 0xff] : [id, 1, value];
  });
  return Uint8Array.of(0x81, 0x80, rows.length, ...rows);
}

/** Null when they are malformed; what is not named has its default. */
export function parseHdlcParameters(information: Uint8Array): HdlcParameters | null {
  const parameters = { ...HDLC_DEFAULTS };
  if (information.length === 0) return parameters;
  if (information[0] !== 0x81 || information[1] !== 0x80) return null;
  if (information[2] !== information.length - 3) return null;
  for (let at = 3; at < information.length; ) {
    const length = information[at + 1] ?? 0;
    const end = at + 2 + length;
    if (length < 1 || length > 4 || end > information.length) return null;
    const value = information.subarray(at + 2, end).reduce((sum, byte) => sum * 256 + byte, 0);
    const named = names.find(([id]) => id === information[at]);
    if (named !== undefined) parameters[named[1]] = value;
    at = end;
  }
  return parameters;
}

/** What a frame says. `disconnected`: the other side has no link, or ends it. */
export type HdlcHeard =
  | { ok: true; kind: 'acknowledged'; information: Uint8Array }
  | { ok: true; kind: 'disconnected' }
  | { ok: true; kind: 'information'; information: Uint8Array; more: boolean }
  | { ok: false; code: AnswerDoubt };

export class HdlcLink {
  readonly #client: Uint8Array;
  readonly #server: Uint8Array;
  /** The number of the next frame to be sent, and of the next one to be received. */
  #send = 0;
  #receive = 0;

  /** Addresses as on the wire. */
  constructor(client: Uint8Array, server: Uint8Array) {
    this.#client = client;
    this.#server = server;
  }

  /** Asks for a link; the numbers begin anew. */
  connect(): HdlcFrame {
    this.#send = 0;
    this.#receive = 0;
    return this.#frame(SNRM, buildHdlcParameters(HDLC_DEFAULTS));
  }

  disconnect(): HdlcFrame {
    return this.#frame(DISC, none);
  }

  /** Carries `information`, which is to fit one frame. */
  carry(information: Uint8Array): HdlcFrame {
    const control = (this.#receive << 5) | POLL_FINAL | (this.#send << 1);
    this.#send = (this.#send + 1) & 7;
    return this.#frame(control, information);
  }

  /** Acknowledges what came so far, and asks for the rest of it. */
  ready(): HdlcFrame {
    return this.#frame((this.#receive << 5) | POLL_FINAL | RECEIVE_READY, none);
  }

  /** Judges what came as an answer to `asked`, the last frame that went out. */
  hear(asked: HdlcFrame, { destination, source, control, information, segmented }: HdlcFrame): HdlcHeard {
    if (!same(destination, this.#client) || !same(source, this.#server))
      return { ok: false, code: 'wrong_unit' };
    if (control === DM || control === FRMR) return { ok: true, kind: 'disconnected' };
    if (asked.control === SNRM || asked.control === DISC) {
      if (control !== UA || segmented) return { ok: false, code: 'wrong_function' };
      return { ok: true, kind: 'acknowledged', information };
    }
    if ((control & POLL_FINAL) === 0) return { ok: false, code: 'wrong_function' };
    const acknowledged = control >> 5 === this.#send;
    if ((control & 0x0f) === RECEIVE_READY && information.length === 0)
      return acknowledged
        ? { ok: true, kind: 'information', information, more: true }
        : { ok: false, code: 'wrong_transaction' };
    if ((control & 1) !== 0) return { ok: false, code: 'wrong_function' };
    if (!acknowledged || ((control >> 1) & 7) !== this.#receive)
      return { ok: false, code: 'wrong_transaction' };
    this.#receive = (this.#receive + 1) & 7;
    return { ok: true, kind: 'information', information, more: segmented };
  }

  #frame(control: number, information: Uint8Array): HdlcFrame {
    return { destination: this.#server, source: this.#client, control, information, segmented: false };
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);
