/** The way of a bus's polls to its line: it waits for each unit as long as is worth while, and knows what the wire took. */
import type { Link } from './config.ts';
import type { Exchange, MeterUnit } from './exchange.ts';
import type { Answer, AskOptions, Line, LineUse, UnitRequest } from './line.ts';
import { ANSWER_CHARACTERS, charactersMs, frameSilenceMs, REQUEST_CHARACTERS } from './rtu-wire.ts';

export interface PolledLineOptions {
  line: Line;
  link: Link;
  /** How long the first byte of a unit's answer is waited for, in milliseconds; null: as long as the line allows. */
  patienceMs(unit: MeterUnit): number | null;
}

export class PolledLine implements LineUse {
  readonly #options: PolledLineOptions;
  /** Of the serial port; behind a socket it is not known. */
  readonly #baudRate: number | null;
  #floorMs = 0;

  constructor(options: PolledLineOptions) {
    this.#options = options;
    this.#baudRate = options.link.kind === 'serial' ? options.link.baudRate : null;
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
    return this.#options.line.turnaroundMilliseconds(unit);
  }

  ask<T>(exchange: Exchange<T>, options: AskOptions = {}): Promise<T> {
    return this.#timed(exchange.unit, options, (asking) => this.#options.line.ask(exchange, asking));
  }

  read(request: UnitRequest, options: AskOptions = {}): Promise<Answer> {
    const ask = (asking: AskOptions): Promise<Answer> => this.#options.line.read(request, asking);
    return this.#timed(request.unit, options, ask, (answer) =>
      this.#wireMs(request.unit, answer.ok ? answer.data.length : 0, options.pauseMilliseconds),
    );
  }

  /** What a Modbus request takes on the wire at least; null where the rate is not known. */
  #wireMs(unit: MeterUnit, bytes: number, pauseMs = 0): number | null {
    if (this.#baudRate === null) return null;
    const characters = REQUEST_CHARACTERS + ANSWER_CHARACTERS + bytes;
    const turnaroundMs = this.turnaroundMilliseconds(unit) ?? 0;
    const restMs = Math.max(frameSilenceMs(this.#baudRate), pauseMs);
    return charactersMs(characters, this.#baudRate) + turnaroundMs + restMs;
  }

  async #timed<T>(
    unit: MeterUnit,
    options: AskOptions,
    ask: (options: AskOptions) => Promise<T>,
    wireMs: (answer: T) => number | null = () => null,
  ): Promise<T> {
    const patienceMs = this.#options.patienceMs(unit);
    const patience = patienceMs === null ? {} : { firstByteMilliseconds: patienceMs };
    let turnAt = performance.now();
    const onTurn = (): void => {
      turnAt = performance.now();
    };
    const answer = await ask({ ...options, ...patience, onTurn });
    this.#floorMs += wireMs(answer) ?? performance.now() - turnAt;
    return answer;
  }
}
