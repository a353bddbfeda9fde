/** The search through what a meter froze of its registers while nobody read it, whatever its protocol. */
import type { FrozenRecord } from '../../protocols/frozen-value.ts';
import {
  type DriveOptions,
  type MeterRead,
  type MeterRegister,
  nothingRead,
  registerValue,
} from '../drivers/meter-driver.ts';
import type { LineUse } from '../line/line.ts';
import { instantMs, localTime } from './site-time.ts';

export interface HistoryOptions extends DriveOptions {
  /** Only what was frozen between the two is read: Unix milliseconds, both exclusive. */
  fromMs: number;
  toMs: number;
  timeZone: string;
  /** Meter minus gateway, as measured; null when the meter tells no time. */
  clockOffsetMs: number | null;
}

/** The instants of the values are those of the freezing, by the meter's clock. */
export interface HistoryRead extends MeterRead {
  /** Why something that the meter keeps was not taken. */
  notes: string[];
}

/** Never throws a `LineFault`: it is told in the result, after which no further request is sent. */
export type ReadHistory = (line: LineUse, options: HistoryOptions) => Promise<HistoryRead>;

/** How far apart the records of a series are. */
export type Period = 'day' | 'month';

/** What was found so far, and how far back it is still to be looked for. */
export class FrozenSearch {
  readonly read: HistoryRead = { ...nothingRead(), notes: [] };
  readonly #registers: ReadonlyMap<string, MeterRegister>;
  readonly #options: HistoryOptions;
  /** What is older than this has not been found yet. */
  #untilMs: number;
  #oldestMs: number;

  constructor(registers: readonly MeterRegister[], options: HistoryOptions) {
    this.#registers = new Map(registers.map((register) => [register.obis, register]));
    this.#options = options;
    this.#untilMs = options.toMs;
    this.#oldestMs = options.toMs;
  }

  /** The time that the meter shows, as far as it is known. */
  meterNow(): Temporal.PlainDateTime {
    const { nowMs, clockOffsetMs, timeZone } = this.#options;
    return localTime(nowMs() + (clockOffsetMs ?? 0), timeZone);
  }

  wants(obis: string): boolean {
    const { wanted } = this.#options;
    return this.#registers.has(obis) && (wanted?.has(obis) ?? true);
  }

  note(text: string): void {
    this.read.notes.push(text);
  }

  /** Where the record stands: in what is still looked for, after it, or before it, where nothing is to be found any more. */
  place(at: Temporal.PlainDateTime): 'inside' | 'after' | 'before' | 'unclear' {
    const ms = instantMs(at, this.#options.timeZone);
    if (ms === null) return 'unclear';
    if (ms >= this.#untilMs) return 'after';
    return ms > this.#options.fromMs ? 'inside' : 'before';
  }

  take({ at, values }: FrozenRecord): void {
    const ms = instantMs(at, this.#options.timeZone);
    if (ms === null || this.place(at) !== 'inside') return;
    for (const { obis, decoded, raw } of values) {
      const register = this.#registers.get(obis);
      if (register === undefined || !this.wants(obis)) continue;
      this.read.values.push(registerValue(register, decoded, raw, ms));
      this.#oldestMs = Math.min(this.#oldestMs, ms);
    }
  }

  /** The next series is looked through only for what is older than what this one gave. */
  endSeries(): void {
    this.#untilMs = this.#oldestMs;
  }

  /**
   * Whether the newest record of a series is as young as it must be. One that is a whole period old tells by its time
   * something else than the instant of freezing, or the meter has not frozen since: neither may be taken.
   */
  isCurrent(newest: Temporal.PlainDateTime, every: Period): boolean {
    const now = this.meterNow();
    const next = newest.add(every === 'day' ? { days: 1 } : { months: 1 });
    return Temporal.PlainDateTime.compare(newest, now) <= 0 && Temporal.PlainDateTime.compare(now, next) < 0;
  }
}
