/**
 * Modbus RTU on a line, serial or a socket. An answer is taken only when it is whole, alone, and repeats unit, function and
 * byte count of the one request in flight. It does not repeat the address: what could pass for it is told to the line.
 */
import { buildRequest } from '../../protocols/modbus/pdu.ts';
import { buildRtuFrame, RtuDeframer, type RtuEvent } from '../../protocols/modbus/rtu-frame.ts';
import type { Alarm, Exchange, Stray, Taken } from './exchange.ts';
import {
  type Answer,
  type Asked,
  alarmOf,
  assertRead,
  doubtful,
  judgeFrame,
  type UnitRequest,
} from './modbus-answer.ts';

const PARTIAL: Taken<never> = { state: 'partial' };

export class ModbusRtu {
  readonly #deframer = new RtuDeframer('responses');
  #current: Asked | null = null;
  #before: Asked | null = null;
  #sent: Uint8Array = new Uint8Array(0);
  /** How many bytes of the request have come back, if nothing else has. */
  #echoed = 0;
  /** When a request to a unit for as many registers was answered last. */
  readonly #answered = new Map<number, number>();

  /** @throws RangeError when it is no read */
  exchange(request: UnitRequest): Exchange<Answer> {
    assertRead(request);
    const frame = buildRtuFrame({ unit: request.unit, pdu: buildRequest(request) });
    return {
      unit: request.unit,
      // RTU replies name no register: any answer for as many of them would do, of this meter or of another with its address.
      mistakableSince: () => this.#answered.get(shapeOf(request)) ?? null,
      start: () => this.#start(request, frame),
      take: (chunk) => this.#take(chunk),
      stray: (chunk) => this.#stray(chunk),
    };
  }

  #start(request: UnitRequest, frame: Uint8Array): Uint8Array {
    // Bytes left from before a request are forgotten with it.
    this.#deframer.reset();
    this.#before = this.#current;
    this.#current = { request, answer: null };
    this.#sent = frame;
    this.#echoed = 0;
    return frame;
  }

  #take(chunk: Uint8Array): Taken<Answer> {
    const asked = this.#current;
    this.#compareToSent(chunk);
    const [event, ...others] = this.#deframer.push(chunk);
    if (event === undefined || asked === null) return PARTIAL;
    if (!event.ok) return doubtful(event.code === 'bad_crc' ? 'bad_crc' : 'wrong_function', this.#echo());
    const taken = judgeFrame(asked, event.unit, event.pdu);
    if (taken.state === 'doubt') return doubtful(taken.doubt, alarmOf(this.#before, event.unit, event.pdu));
    if (others.length > 0 || this.#deframer.pending > 0) return doubtful('not_alone', this.#alarm(others));
    this.#answered.set(shapeOf(asked.request), performance.now());
    return taken;
  }

  #stray(chunk: Uint8Array): Stray {
    const alarm = this.#alarm(this.#deframer.push(chunk));
    return alarm === undefined ? { harmless: false } : { harmless: false, alarm };
  }

  #alarm(events: readonly RtuEvent[]): Alarm | undefined {
    for (const event of events) {
      const alarm = event.ok ? alarmOf(this.#current, event.unit, event.pdu) : undefined;
      if (alarm !== undefined) return alarm;
    }
    return undefined;
  }

  #compareToSent(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (this.#echoed < 0 || this.#echoed >= this.#sent.length) return;
      this.#echoed = byte === this.#sent[this.#echoed] ? this.#echoed + 1 : -1;
    }
  }

  #echo(): Alarm | undefined {
    if (this.#current === null || this.#echoed < this.#sent.length) return undefined;
    return { kind: 'echo', unit: this.#current.request.unit };
  }
}

const shapeOf = ({ unit, functionCode, count }: UnitRequest): number =>
  (unit << 16) | (functionCode << 8) | count;
