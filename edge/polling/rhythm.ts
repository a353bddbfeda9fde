/** Registers of one meter that are read together, again and again, and for which beat each of them was read last. Pure. */

/** The last beat at or before `nowMs`. */
export const beatMs = (everyMs: number, nowMs: number): number => Math.floor(nowMs / everyMs) * everyMs;

/** Some registers of a model. */
export interface RegisterList {
  /** OBIS codes. */
  codes: readonly string[];
  /** The same, each with its place among them. */
  places: ReadonlyMap<string, number>;
  all: ReadonlySet<string>;
}

const lists = new WeakMap<object, RegisterList[]>();

/** One object for all meters of a model: what they share stays at hand in the processor's cache. */
export function registerList(model: object, codes: readonly string[]): RegisterList {
  const known = lists.get(model) ?? [];
  lists.set(model, known);
  const same = known.find((list) => list.codes.join() === codes.join());
  if (same !== undefined) return same;
  const list = { codes, places: new Map(codes.map((obis, n) => [obis, n])), all: new Set(codes) };
  known.push(list);
  return list;
}

export interface RhythmOptions {
  everyMs: number;
  registers: RegisterList;
  /** When a register that this process has not read was read before it (Unix milliseconds); null: never. */
  acceptedMs(obis: string): number | null;
}

const NONE: ReadonlySet<string> = new Set();

export class Rhythm {
  readonly everyMs: number;
  readonly #registers: RegisterList;
  readonly #acceptedMs: RhythmOptions['acceptedMs'];
  /** The beat for which all registers were read last, or each of them, in their order; NaN: not by this process. */
  #readForMs: number | Float64Array = Number.NaN;
  /** The last beat for which all of them were asked, whatever came of it. */
  #askedForMs = Number.NEGATIVE_INFINITY;

  constructor({ everyMs, registers, acceptedMs }: RhythmOptions) {
    this.everyMs = everyMs;
    this.#registers = registers;
    this.#acceptedMs = acceptedMs;
  }

  /** What has not been read for the last beat, nor asked for in vain. */
  due(nowMs: number): ReadonlySet<string> {
    const beat = beatMs(this.everyMs, nowMs);
    if (this.#askedForMs === beat) return NONE;
    const { codes, all } = this.#registers;
    // Mostly all are, and then nothing is made anew for each beat.
    if (typeof this.#readForMs === 'number' && !Number.isNaN(this.#readForMs))
      return this.#readForMs === beat ? NONE : all;
    for (let n = 0; n < codes.length; n += 1)
      if (this.#isRead(n, beat, nowMs)) return new Set(codes.filter((_, m) => !this.#isRead(m, beat, nowMs)));
    return all;
  }

  /** All were asked in a round that began at `roundMs`, whatever came of it. */
  noteAsked(roundMs: number): void {
    this.#askedForMs = beatMs(this.everyMs, roundMs);
  }

  /** What was read in such a round; what is not of this rhythm is left to its own. */
  noteRead(values: readonly { register: { obis: string } }[], roundMs: number): void {
    const beat = beatMs(this.everyMs, roundMs);
    const { codes, places } = this.#registers;
    // Mostly all come, and in the order of the list.
    let next = 0;
    for (const { register } of values) if (codes[next] === register.obis) next += 1;
    if (next === codes.length) {
      this.#readForMs = beat;
      return;
    }
    for (const { register } of values) {
      const n = places.get(register.obis);
      if (n !== undefined) this.#eachReadForMs()[n] = beat;
    }
  }

  #eachReadForMs(): Float64Array {
    if (typeof this.#readForMs === 'number')
      this.#readForMs = new Float64Array(this.#registers.codes.length).fill(this.#readForMs);
    return this.#readForMs;
  }

  nextBeatMs(nowMs: number): number {
    return beatMs(this.everyMs, nowMs) + this.everyMs;
  }

  #isRead(n: number, beat: number, nowMs: number): boolean {
    const each = this.#readForMs;
    const readForMs = typeof each === 'number' ? each : (each[n] ?? Number.NaN);
    if (!Number.isNaN(readForMs)) return readForMs === beat;
    // What was accepted more than a beat from now was read by a clock that has been set back since.
    const acceptedMs = this.#acceptedMs(this.#registers.codes[n] ?? '');
    return acceptedMs !== null && acceptedMs >= beat && acceptedMs <= nowMs + this.everyMs;
  }
}
