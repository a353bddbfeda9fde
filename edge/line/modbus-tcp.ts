/**
 * Modbus TCP on a line. An answer is taken only when it is whole, alone, and repeats transaction, unit, function and byte
 * count of the one request in flight. One that is late is known by its transaction, as long as the connection stays.
 */
import { buildTcpFrame, TcpDeframer, type TcpEvent } from '../../protocols/modbus/tcp-frame.ts';
import type { Exchange, Stray, Taken } from './exchange.ts';
import {
  type Answer,
  type Asked,
  alarmOf,
  doubtful,
  judgeFrame,
  readPdu,
  type UnitRequest,
} from './modbus-answer.ts';

/** How many numbers of transactions there are. */
export const TRANSACTIONS = 0x1_0000;
/** So many answers that are late are known at most; of a device that never sends them there would be ever more. */
const MOST_LATE = 256;

interface AskedOverTcp extends Asked {
  transaction: number;
}

const PARTIAL: Taken<never> = { state: 'partial' };

export class ModbusTcp {
  #deframer = new TcpDeframer();
  /** Not repeated when a connection is replaced. */
  #transaction: number;
  /** Of requests on this connection that were given up. */
  readonly #late = new Set<number>();
  #current: AskedOverTcp | null = null;
  #before: AskedOverTcp | null = null;

  constructor(firstTransaction: number) {
    this.#transaction = firstTransaction;
  }

  /** @throws RangeError when it is no read */
  exchange(request: UnitRequest): Exchange<Answer> {
    return new TcpExchange(this, request, readPdu(request));
  }

  start(request: UnitRequest, pdu: Uint8Array, isFresh: boolean): Uint8Array {
    if (isFresh) {
      this.#deframer = new TcpDeframer();
      this.#late.clear();
    }
    do this.#transaction = (this.#transaction + 1) % TRANSACTIONS;
    while (this.#late.has(this.#transaction));
    this.#before = this.#current;
    this.#current = { request, transaction: this.#transaction, answer: null };
    return buildTcpFrame({ transaction: this.#transaction, unit: request.unit, pdu });
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
      if (this.#late.delete(event.transaction)) return PARTIAL;
      return doubtful('wrong_transaction', this.#alarm(event));
    }
    if (this.#deframer.pending > 0) return doubtful('not_alone', undefined);
    const taken = judgeFrame(asked, event.unit, event.pdu);
    if (taken.state === 'answer' && taken.mayFollow) this.#noteLate(asked.transaction);
    return taken;
  }

  stray(chunk: Uint8Array): Stray {
    let stray: Stray = { harmless: true };
    for (const event of this.#deframer.push(chunk)) {
      if (event.ok && this.#late.delete(event.transaction)) continue;
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
    this.#late.add(transaction);
    const [oldest] = this.#late;
    if (this.#late.size > MOST_LATE && oldest !== undefined) this.#late.delete(oldest);
  }

  #alarm(event: TcpEvent): ReturnType<typeof alarmOf> {
    if (!event.ok) return undefined;
    const asked = [this.#current, this.#before].find((one) => one?.transaction === event.transaction);
    return alarmOf(asked ?? null, event.unit, event.pdu);
  }
}

class TcpExchange implements Exchange<Answer> {
  readonly unit: number;
  readonly #modbus: ModbusTcp;
  readonly #request: UnitRequest;
  readonly #pdu: Uint8Array;

  constructor(modbus: ModbusTcp, request: UnitRequest, pdu: Uint8Array) {
    this.#modbus = modbus;
    this.#request = request;
    this.#pdu = pdu;
    this.unit = request.unit;
  }

  mistakableSince(): null {
    return null;
  }
  start(isFresh = false): Uint8Array {
    return this.#modbus.start(this.#request, this.#pdu, isFresh);
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
