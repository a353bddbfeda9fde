/** The way of a bus's polls to its line: it waits for each unit as long as is worth while, and knows what the wire took. */

import type { BusMeter, Link } from '../config.ts';
import type { Exchange, MeterUnit } from '../line/exchange.ts';
import type { Answer, AskOptions, Line, LineUse, UnitRequest } from '../line/line.ts';
import { baudRateOf } from '../line/line-stream.ts';
import { ANSWER_CHARACTERS, charactersMs, frameSilenceMs, REQUEST_CHARACTERS } from '../line/rtu-wire.ts';
import { type Backoff, NO_BACKOFF, patienceMs } from './backoff.ts';

export class PolledLine implements LineUse {
  /** Whose turn it is. */
  meter: { readonly row: BusMeter; readonly backoff: Backoff } | null = null;
  readonly #line: Line;
  /** Null: not known. */
  readonly #baudRate: number | null;
  #floorMs = 0;
  #turnAt = 0;

  constructor(line: Line, link: Link) {
    this.#line = line;
    this.#baudRate = baudRateOf(link);
  }

  /**
   * The least time that the answered requests since the last call can have taken. Of Modbus on a serial line: their
   * characters at its rate, the turnarounds as measured, the rests between frames. Elsewhere, where rate or frames are not
   * known, the time in which they were on their way.
   */
  takeFloorMs(): number {
    const floorMs = this.#floorMs;
    this.#floorMs = 0;
    return floorMs;
  }

  turnaroundMilliseconds(unit: MeterUnit): number | null {
    return this.#line.turnaroundMilliseconds(unit);
  }

  ask<T>(exchange: Exchange<T>, options?: AskOptions): Promise<T> {
    return this.#line.ask(exchange, this.#timed(exchange.unit, options));
  }

  read(request: UnitRequest, options: AskOptions = {}): Promise<Answer> {
    if (this.#baudRate === null) return this.#line.read(request, this.#timed(request.unit, options));
    return this.#readOnWire(request, options, this.#baudRate);
  }

  async #readOnWire(request: UnitRequest, options: AskOptions, baudRate: number): Promise<Answer> {
    const { unit } = request;
    const firstByteMilliseconds = this.#patienceMs(unit);
    const answer = await this.#line.read(request, { ...options, firstByteMilliseconds });
    const bytes = answer.ok ? answer.data.length : 0;
    this.#floorMs += this.#wireMs(unit, bytes, baudRate, options.pauseMilliseconds);
    return answer;
  }

  #timed(unit: MeterUnit, options?: AskOptions): AskOptions {
    return {
      pauseMilliseconds: options?.pauseMilliseconds,
      priority: options?.priority,
      timeoutMilliseconds: options?.timeoutMilliseconds,
      worstReplyMilliseconds: options?.worstReplyMilliseconds,
      firstByteMilliseconds: this.#patienceMs(unit),
      onTurn: this.#noteTurn,
      onAnswer: this.#noteAnswer,
    };
  }

  readonly #noteTurn = (now: number): void => {
    this.#turnAt = now;
  };

  readonly #noteAnswer = (now: number): void => {
    this.#floorMs += now - this.#turnAt;
  };

  /** Undefined: as long as the line allows. */
  #patienceMs(unit: MeterUnit): number | undefined {
    const backoff = this.meter?.row.unit === unit ? this.meter.backoff : NO_BACKOFF;
    return patienceMs(backoff, this.#line.slowestTurnaroundMilliseconds(unit)) ?? undefined;
  }

  /** What a Modbus request takes on the wire at least. */
  #wireMs(unit: MeterUnit, bytes: number, baudRate: number, pauseMs = 0): number {
    const characters = REQUEST_CHARACTERS + ANSWER_CHARACTERS + bytes;
    const turnaroundMs = this.turnaroundMilliseconds(unit) ?? 0;
    const restMs = Math.max(frameSilenceMs(baudRate), pauseMs);
    return charactersMs(characters, baudRate) + turnaroundMs + restMs;
  }
}
