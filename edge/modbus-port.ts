/**
 * Modbus on a line. modbus-serial's client builds the requests and reads the answers; a strict port, given to it in place
 * of its own, owns the framing: it hands an answer on only when that answer is whole, alone, and repeats transaction,
 * unit, function and byte count of the one request in flight. Everything else is a doubt about the line.
 */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import modbusSerial from 'modbus-serial';
import {
  type ParsedRequest,
  parseRequest,
  parseResponse,
  type ReadRequest,
} from '../protocols/modbus/pdu.ts';
import { buildRtuFrame, RtuDeframer } from '../protocols/modbus/rtu-frame.ts';
import { buildTcpFrame, TcpDeframer } from '../protocols/modbus/tcp-frame.ts';
import type { Doubt, Exchange, Taken } from './exchange.ts';

export interface UnitRequest extends ReadRequest {
  unit: number;
}

/** Register bytes as on the wire, or the meter's own refusal. */
export type Answer = { ok: true; data: Uint8Array } | { ok: false; exception: number };

const { default: ModbusClient } = modbusSerial;
type ModbusClient = InstanceType<typeof ModbusClient>;

/** "Acknowledge" and "busy": the real answer may follow unasked. */
const MAY_FOLLOW = new Set([5, 6]);

type TakenFrame =
  | { state: 'partial' }
  | { state: 'whole'; unit: number; pdu: Uint8Array }
  | { state: 'doubt'; doubt: Doubt };

/** How requests and answers lie on the stream. `take` gets the chunks that follow a `wrap`. */
interface Framing {
  wrap(unit: number, pdu: Uint8Array): Uint8Array;
  take(chunk: Uint8Array): TakenFrame;
}

const partial: TakenFrame = { state: 'partial' };
const doubtful = (doubt: Doubt): TakenFrame => ({ state: 'doubt', doubt });

/** How many numbers of transactions there are. */
export const TRANSACTIONS = 0x1_0000;

/** Modbus TCP. Transactions do not repeat when a socket is replaced. */
function tcpFraming(firstTransaction: number): Framing {
  let deframer = new TcpDeframer();
  let awaited = firstTransaction;
  return {
    wrap(unit, pdu) {
      deframer = new TcpDeframer();
      awaited = (awaited + 1) % TRANSACTIONS;
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
function rtuFraming(): Framing {
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

/** The port interface that modbus-serial's client expects, without a stream: frames are fetched from it and given to it. */
class StrictPort extends EventEmitter {
  readonly isOpen = true;
  readonly #framing: Framing;
  #request: UnitRequest | null = null;
  #frame: Uint8Array | null = null;

  constructor(framing: Framing) {
    super();
    this.#framing = framing;
  }

  /** Called by the client. */
  open(callback: () => void): void {
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
    this.#request = { unit, ...parsed.request };
    this.#frame = this.#framing.wrap(unit, pdu);
  }

  /** The frame of the request that the client has just written. */
  fetch(): Uint8Array {
    const frame = this.#frame;
    assert(frame !== null, 'the client wrote no request');
    this.#frame = null;
    return frame;
  }

  /** Gives the client its answer when that is whole; null for a part of one, or the doubt. */
  receive(chunk: Uint8Array): Doubt | null {
    const request = this.#request;
    if (request === null) return 'unsolicited';
    const taken = this.#framing.take(chunk);
    if (taken.state === 'partial') return null;
    this.#request = null;
    if (taken.state === 'doubt') return taken.doubt;
    if (taken.unit !== request.unit) return 'wrong_unit';
    const response = parseResponse(taken.pdu, request);
    if (!response.ok && response.code !== 'exception') return response.code;
    const frame = buildRtuFrame(taken);
    this.emit('data', Buffer.from(frame.buffer, frame.byteOffset, frame.length));
    return null;
  }
}

/** The Modbus side of one line. */
export class ModbusDialogue {
  readonly #port: StrictPort;
  readonly #client: ModbusClient;
  /** Of the requests to a unit for as many registers, the last that was answered. */
  readonly #answered = new Map<number, { address: number; at: number }>();

  constructor(kind: 'rtu' | 'tcp', firstTransaction: number) {
    this.#port = new StrictPort(kind === 'rtu' ? rtuFraming() : tcpFraming(firstTransaction));
    this.#client = new ModbusClient(this.#port);
    this.#client.open();
  }

  exchange(request: UnitRequest): Exchange<Answer> {
    let taken: Taken<Answer> = { state: 'partial' };
    return {
      unit: request.unit,
      mistakableSince: () => this.#mistakableSince(request),
      start: () => {
        this.#send(request, (outcome) => {
          taken = outcome;
        });
        return this.#port.fetch();
      },
      take: (chunk) => {
        const doubt = this.#port.receive(chunk);
        if (doubt !== null) return { state: 'doubt', doubt };
        if (taken.state === 'answer')
          this.#answered.set(shapeOf(request), { address: request.address, at: performance.now() });
        return taken;
      },
    };
  }

  #send({ unit, functionCode, address, count }: UnitRequest, settle: (taken: Taken<Answer>) => void): void {
    const done = (error: (Error & { modbusCode?: number }) | null, result?: { buffer: Uint8Array }): void => {
      const exception = error?.modbusCode;
      if (error === null && result !== undefined)
        settle({ state: 'answer', answer: { ok: true, data: result.buffer }, mayFollow: false });
      else if (exception !== undefined)
        settle({ state: 'answer', answer: { ok: false, exception }, mayFollow: MAY_FOLLOW.has(exception) });
      else settle({ state: 'doubt', doubt: 'bad_frame' });
    };
    if (functionCode === 3) this.#client.writeFC3(unit, address, count, done);
    else this.#client.writeFC4(unit, address, count, done);
  }

  /** RTU replies name no register: the answer to a request that differs in its address alone would do as well. */
  #mistakableSince(request: UnitRequest): number | null {
    const last = this.#answered.get(shapeOf(request));
    return last === undefined || last.address === request.address ? null : last.at;
  }
}

const shapeOf = ({ unit, functionCode, count }: UnitRequest): number =>
  (unit << 16) | (functionCode << 8) | count;
