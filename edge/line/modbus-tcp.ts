/**
 * Modbus TCP on a line. An answer is taken only when it is whole, alone, and repeats transaction, unit, function and byte
 * count of the one request in flight. One that is late is known by its transaction, as long as the connection stays.
 */
import { TcpDeframer, type TcpEvent } from '../../protocols/modbus/tcp-frame.ts';
import type { Exchange, Stray, Taken } from './exchange.ts';
import {
  type Answer,
  type Asked,
  alarmOf,
  assertRead,
  doubtful,
  judgeFrame,
  type UnitRequest,
} from './modbus-answer.ts';

/** How many numbers of transactions there are. */
export const TRANSACTIONS = 0x1_0000;
/** So many answers that are late are known at most; of a device that never sends them there would be ever more. */
const MOST_LATE = 256;

const REQUEST_BYTES = 12;
/** In the header of an answer: unit, function and one byte. */
const LEAST_LENGTH = 3;

const PARTIAL: Taken<never> = { state: 'partial' };

export class ModbusTcp {
  #deframer = new TcpDeframer();
  /** Not repeated when a connection is replaced. */
  #transaction: number;
  /** Of requests on this connection that were given up; null: of none. */
  #late: Set<number> | null = null;
  #current: TcpExchange | null = null;
  #before: TcpExchange | null = null;

  constructor(firstTransaction: number) {
    this.#transaction = firstTransaction;
  }

  /** @throws RangeError when it is no read */
  exchange(request: UnitRequest): Exchange<Answer> {
    assertRead(request);
    return new TcpExchange(this, request);
  }

  start(asked: TcpExchange, isFresh: boolean): Uint8Array {
    if (isFresh) {
      this.#deframer = new TcpDeframer();
      this.#late = null;
    }
    do this.#transaction = (this.#transaction + 1) % TRANSACTIONS;
    while (this.#late?.has(this.#transaction));
    asked.transaction = this.#transaction;
    this.#before = this.#current;
    this.#current = asked;
    return requestFrame(this.#transaction, asked.request);
  }

  take(chunk: Uint8Array): Taken<Answer> {
    const events = this.#deframer.push(chunk);
    if (events.length === 0) return PARTIAL;
    if (events.length === 1) return this.#takeOne(events[0]);
    for (const event of events) {
      const alarm = this.#alarm(event);
      if (!event.ok || alarm !== undefined) return doubtful(event.ok ? 'not_alone' : 'bad_frame', alarm);
      if (event.transaction === this.#current?.transaction) judgeFrame(this.#current, event.unit, event.pdu);
    }
    return doubtful('not_alone', undefined);
  }

  #takeOne(event: TcpEvent | undefined): Taken<Answer> {
    const asked = this.#current;
    if (event?.ok !== true || asked === null) return doubtful('bad_frame', undefined);
    if (event.transaction !== asked.transaction) {
      if (this.#late?.delete(event.transaction)) return PARTIAL;
      return doubtful('wrong_transaction', this.#alarm(event));
    }
    if (this.#deframer.pending > 0) return doubtful('not_alone', undefined);
    if (this.#holdsLate(event.pdu)) return doubtful('not_alone', undefined);
    const taken = judgeFrame(asked, event.unit, event.pdu);
    if (taken.state === 'answer' && taken.mayFollow) this.#noteLate(asked.transaction);
    return taken;
  }

  stray(chunk: Uint8Array): Stray {
    let stray: Stray = { harmless: true };
    for (const event of this.#deframer.push(chunk)) {
      if (event.ok && this.#late?.delete(event.transaction)) continue;
      const alarm = this.#alarm(event);
      const harmless = stray.harmless && alarm?.kind === 'duplicate';
      stray = alarm === undefined ? { ...stray, harmless } : { harmless, alarm };
    }
    return stray;
  }

  /** Between frames, what is late has its own transaction before it. */
  giveUp(): boolean {
    if (this.#current === null || this.#deframer.pending > 0) return false;
    this.#noteLate(this.#current.transaction);
    return true;
  }

  #noteLate(transaction: number): void {
    this.#late ??= new Set();
    this.#late.add(transaction);
    const [oldest] = this.#late;
    if (this.#late.size > MOST_LATE && oldest !== undefined) this.#late.delete(oldest);
  }

  /**
   * Whether the head of an answer that is late stands in it, whole or cut off by its end: then this one was torn, and the
   * other filled it up. Where a value only looks like that, the request is repeated.
   */
  #holdsLate(pdu: Uint8Array): boolean {
    if (this.#late === null) return false;
    for (let at = 0; at + 1 < pdu.length; at += 1) {
      const [high = 0, low = 0, protocolHigh = 0, protocolLow = 0, lengthHigh = 0, length = LEAST_LENGTH] =
        pdu.subarray(at, at + 6);
      const isHead = (protocolHigh | protocolLow | lengthHigh) === 0 && length >= LEAST_LENGTH;
      if (isHead && this.#late.has((high << 8) | low)) return true;
    }
    return false;
  }

  #alarm(event: TcpEvent): ReturnType<typeof alarmOf> {
    if (!event.ok) return undefined;
    const asked = [this.#current, this.#before].find((one) => one?.transaction === event.transaction);
    return alarmOf(asked ?? null, event.unit, event.pdu);
  }
}

/** One request, and what answered it. */
class TcpExchange implements Exchange<Answer>, Asked {
  readonly unit: number;
  readonly request: UnitRequest;
  transaction = -1;
  answer: Uint8Array | null = null;
  readonly #modbus: ModbusTcp;

  constructor(modbus: ModbusTcp, request: UnitRequest) {
    this.#modbus = modbus;
    this.request = request;
    this.unit = request.unit;
  }

  mistakableSince(): null {
    return null;
  }
  start(isFresh = false): Uint8Array {
    return this.#modbus.start(this, isFresh);
  }
  take(chunk: Uint8Array): Taken<Answer> {
    return this.#modbus.take(chunk);
  }
  stray(chunk: Uint8Array): Stray {
    return this.#modbus.stray(chunk);
  }
  giveUp(): boolean {
    return this.#modbus.giveUp();
  }
}

/** As `buildTcpFrame` and `buildRequest` together would make it, but in a piece of a buffer that a socket takes as it is. */
function requestFrame(transaction: number, request: UnitRequest): Uint8Array {
  const frame = Buffer.allocUnsafe(REQUEST_BYTES);
  word(frame, 0, transaction);
  word(frame, 2, 0);
  word(frame, 4, REQUEST_BYTES - 6);
  frame[6] = request.unit;
  frame[7] = request.functionCode;
  word(frame, 8, request.address);
  word(frame, 10, request.count);
  return frame;
}

function word(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}
