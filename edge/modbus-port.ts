/**
 * A strict port for modbus-serial. Its client builds the requests and reads the answers; this port, given to it in place
 * of its own, owns the framing: it hands an answer on only when that answer is whole, alone, and repeats transaction,
 * unit, function and byte count of the one request in flight. Everything else is a doubt about the line.
 */
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import {
  type ParsedRequest,
  parseRequest,
  parseResponse,
  type ReadRequest,
} from '../protocols/modbus/pdu.ts';
import { buildRtuFrame, RtuDeframer } from '../protocols/modbus/rtu-frame.ts';
import { buildTcpFrame, TcpDeframer } from '../protocols/modbus/tcp-frame.ts';

/** Why what came cannot be, or cannot surely be, the answer to the request in flight. */
export type Doubt =
  | 'unsolicited'
  | 'bad_frame'
  | 'bad_crc'
  | 'not_alone'
  | 'wrong_transaction'
  | 'wrong_unit'
  | 'wrong_function'
  | 'wrong_byte_count';

type Taken =
  | { state: 'partial' }
  | { state: 'whole'; unit: number; pdu: Uint8Array }
  | { state: 'doubt'; doubt: Doubt };

/** How requests and answers lie on the stream. `take` gets the chunks that follow a `wrap`. */
export interface Framing {
  wrap(unit: number, pdu: Uint8Array): Uint8Array;
  take(chunk: Uint8Array): Taken;
}

const partial: Taken = { state: 'partial' };
const doubtful = (doubt: Doubt): Taken => ({ state: 'doubt', doubt });

/** Modbus TCP. Transactions must not repeat when a socket is replaced, so their numbers are the caller's. */
export function tcpFraming(nextTransaction: () => number): Framing {
  const deframer = new TcpDeframer();
  let awaited = 0;
  return {
    wrap(unit, pdu) {
      awaited = nextTransaction();
      return buildTcpFrame({ transaction: awaited, unit, pdu });
    },
    take(chunk) {
      const [event, ...others] = deframer.push(chunk);
      if (event === undefined) return partial;
      if (!event.ok) return doubtful('bad_frame');
      if (others.length > 0 || deframer.pending > 0) return doubtful('not_alone');
      if (event.transaction !== awaited) return doubtful('wrong_transaction');
      return { state: 'whole', unit: event.unit, pdu: event.pdu };
    },
  };
}

/** Modbus RTU, on a serial line or a socket. Bytes left from before a request are forgotten with `wrap`. */
export function rtuFraming(): Framing {
  const deframer = new RtuDeframer('responses');
  return {
    wrap(unit, pdu) {
      deframer.reset();
      return buildRtuFrame({ unit, pdu });
    },
    take(chunk) {
      const [event, ...others] = deframer.push(chunk);
      if (event === undefined) return partial;
      if (!event.ok) return doubtful(event.code === 'bad_crc' ? 'bad_crc' : 'wrong_function');
      if (others.length > 0 || deframer.pending > 0) return doubtful('not_alone');
      return { state: 'whole', unit: event.unit, pdu: event.pdu };
    },
  };
}

/** The port interface that modbus-serial's client expects, over an open stream. */
export class StrictPort extends EventEmitter {
  readonly #stream: Duplex;
  readonly #framing: Framing;
  readonly #onDoubt: (doubt: Doubt) => void;
  #inFlight: (ReadRequest & { unit: number }) | null = null;

  /** `onDoubt` is called once for each thing that is no clean answer; the request in flight is then forgotten. */
  constructor(stream: Duplex, framing: Framing, onDoubt: (doubt: Doubt) => void) {
    super();
    this.#stream = stream;
    this.#framing = framing;
    this.#onDoubt = onDoubt;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed;
  }

  /** Called by the client; the stream is open already. */
  open(callback: () => void): void {
    callback();
  }

  close(callback: () => void): void {
    this.#stream.destroy();
    callback();
  }

  /**
   * Called by the client with an RTU request.
   * @throws RangeError for anything but a read: no write leaves the gateway
   */
  write(frame: Uint8Array): void {
    const unit = frame[0] ?? 0;
    const pdu = frame.subarray(1, -2);
    const parsed: ParsedRequest = parseRequest(pdu);
    if (!parsed.ok) throw new RangeError(`not a read request: ${parsed.code}`);
    this.#inFlight = { unit, ...parsed.request };
    this.#stream.write(this.#framing.wrap(unit, pdu));
  }

  /** Gives the request in flight up: what still comes is unsolicited. */
  abandon(): void {
    this.#inFlight = null;
  }

  #receive(chunk: Uint8Array): void {
    const answer = this.#check(chunk);
    if (typeof answer === 'string') this.#onDoubt(answer);
    else if (answer !== null) this.emit('data', answer);
  }

  /** The clean answer as the RTU frame that the client reads, null for a part of one, or the doubt. */
  #check(chunk: Uint8Array): Buffer | Doubt | null {
    const request = this.#inFlight;
    if (request === null) return 'unsolicited';
    const taken = this.#framing.take(chunk);
    if (taken.state === 'partial') return null;
    this.#inFlight = null;
    if (taken.state === 'doubt') return taken.doubt;
    if (taken.unit !== request.unit) return 'wrong_unit';
    const response = parseResponse(taken.pdu, request);
    if (!response.ok && response.code !== 'exception') return response.code;
    const frame = buildRtuFrame(taken);
    return Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  }
}
