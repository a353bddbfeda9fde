/** One meter of a bus as it is polled: what is due of it, whether it is the right one, and whether it answers. */
import type { Logger } from 'pino';
import type { AskedProfile } from './asked-profile.ts';
import { type Backoff, backOff, NO_BACKOFF, nextAttempt } from './backoff.ts';
import type { Bus, BusMeter } from './config.ts';
import { isInstantaneous } from './instantaneous.ts';
import type { LineUse } from './line.ts';
import type { DriveOptions, MeterDriver, MeterRead, RegisterValue } from './meter-driver.ts';
import { expectedIdentity, isSameIdentity } from './meter-identity.ts';
import type { KnownMeter, MeterMemory } from './meter-memory.ts';
import { openDriver } from './open-driver.ts';

export interface PolledMeterOptions {
  bus: Bus;
  row: BusMeter;
  profile: AskedProfile;
  memory: MeterMemory;
  /** Of the billing registers. */
  intervalMs: number;
  lastAcceptedMs(meter: string, register: string): number | null;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Registers that are read together in one rhythm. */
interface Rhythm {
  everyMs: number;
  registers: string[];
  /** The same. */
  all: ReadonlySet<string>;
  /** The last beat for which all of them were asked, whatever came of it (Unix milliseconds). */
  askedForMs: number;
}

/** Another meter than the expected one. */
export interface WrongMeter {
  expected: string;
  found: string;
}

const NONE: ReadonlySet<string> = new Set();

/** The last beat at or before `nowMs`. */
export const beatMs = (everyMs: number, nowMs: number): number => Math.floor(nowMs / everyMs) * everyMs;

export class PolledMeter {
  readonly row: BusMeter;
  readonly billing: Rhythm;
  /** Null: nothing is read between the boundaries. */
  readonly instantaneous: Rhythm | null;
  backoff: Backoff = NO_BACKOFF;
  /** When it last gave a value, and since when it is silent (Unix milliseconds). */
  lastReadMs: number | null = null;
  silentSinceMs: number | null = null;
  wrong: WrongMeter | null = null;
  /** When more than one device was last heard to answer at its address (Unix milliseconds). */
  secondSlaveMs: number | null = null;
  readonly #options: PolledMeterOptions;
  readonly #driver: MeterDriver;
  #known: KnownMeter;
  /** Whether it has said, since it was last heard of, that it is the expected meter. */
  #isIdentified = false;
  /** The beat for which each register was read last. */
  readonly #readForMs = new Map<string, number>();

  constructor(options: PolledMeterOptions) {
    const { bus, row, profile, memory, intervalMs } = options;
    this.#options = options;
    this.row = row;
    const often = row.instantaneous ?? bus.instantaneous;
    const isOften = (register: { obis: string; billing: boolean }): boolean =>
      isInstantaneous(often, register);
    const rhythm = (everyMs: number, registers: { obis: string }[]): Rhythm => {
      const codes = registers.map(({ obis }) => obis);
      return { everyMs, registers: codes, all: new Set(codes), askedForMs: Number.NEGATIVE_INFINITY };
    };
    const registers = [...profile.registers];
    this.billing = rhythm(
      intervalMs,
      registers.filter(({ billing }) => billing),
    );
    const instantaneous = registers.filter(isOften);
    this.instantaneous =
      often === undefined || instantaneous.length === 0
        ? null
        : rhythm(often.everySeconds * 1000, instantaneous);
    this.#known = memory.recall(row.meter, profile);
    const wanted = (register: { obis: string; billing: boolean }): boolean =>
      register.billing || isOften(register);
    this.#driver = openDriver(profile, {
      unit: row.unit,
      link: bus.link,
      wanted,
      refusals: this.#known,
      password: row.password,
    });
  }

  /** What of a rhythm has not been read for its last beat, nor asked for in vain. */
  due(rhythm: Rhythm | null, nowMs: number): ReadonlySet<string> {
    if (rhythm === null) return NONE;
    const beat = beatMs(rhythm.everyMs, nowMs);
    if (rhythm.askedForMs === beat) return NONE;
    const isDue = (obis: string): boolean => !this.#isRead(obis, rhythm, beat, nowMs);
    // Mostly all are, and then nothing is made anew for each beat.
    return rhythm.registers.every(isDue) ? rhythm.all : new Set(rhythm.registers.filter(isDue));
  }

  /** The next probe while it is silent, and otherwise when something of it is due. */
  nextDueMs(nowMs: number): number {
    const dueMs = this.nextBeatMs(nowMs, true);
    return nextAttempt(this.backoff, dueMs) === 'wait' ? this.backoff.untilMs : dueMs;
  }

  /** The next beat of any of its rhythms; `nowMs` when `withDue` and something is due. */
  nextBeatMs(nowMs: number, withDue = false): number {
    const rhythms = [this.billing, this.instantaneous].filter((rhythm) => rhythm !== null);
    const next = rhythms.map((rhythm) =>
      withDue && this.due(rhythm, nowMs).size > 0 ? nowMs : beatMs(rhythm.everyMs, nowMs) + rhythm.everyMs,
    );
    return Math.min(...next);
  }

  /** Whether it is asked who it is before its values are taken. */
  get isIdentified(): boolean {
    return this.#isIdentified || this.#driver.identify === undefined;
  }

  /** Contact was lost: what answers next may be another meter. */
  endSession(): void {
    this.#isIdentified = false;
  }

  noteSecondSlave(nowMs: number): void {
    if (this.secondSlaveMs === null)
      this.#options.log.error(this.#who, 'a second device answers at the address of this meter');
    this.secondSlaveMs = nowMs;
  }

  /**
   * Reads what is wanted, and who it is when that is not known; values of another meter come without a value.
   * @param roundMs when the round began for whose beats it is read
   */
  async read(line: LineUse, options: DriveOptions, roundMs: number): Promise<MeterRead> {
    const asked = await this.#identify(line, options);
    if (asked !== null && asked.fault !== null) return asked;
    const read = await this.#driver.read(line, options);
    this.#noteRefusals();
    const billingBeat = beatMs(this.billing.everyMs, roundMs);
    const otherBeat = this.instantaneous === null ? billingBeat : beatMs(this.instantaneous.everyMs, roundMs);
    for (const { register } of read.values)
      this.#readForMs.set(register.obis, register.billing ? billingBeat : otherBeat);
    if (read.values.length > 0) this.lastReadMs = options.nowMs();
    if (this.wrong !== null) read.values = read.values.map(withoutValue);
    read.requests += asked?.requests ?? 0;
    read.failures += asked?.failures ?? 0;
    return read;
  }

  /** Takes the outcome of a read that was not repeated: whether it answers at all. */
  judge({ fault }: MeterRead, nowMs: number): void {
    const { log } = this.#options;
    const wasSilent = this.backoff.failures > 0;
    if (fault !== null) this.endSession();
    if (fault !== null && !wasSilent) {
      this.silentSinceMs = nowMs;
      log.warn({ ...this.#who, code: fault.code, error: fault.message }, 'meter is silent');
    }
    if (fault === null && wasSilent) {
      this.silentSinceMs = null;
      log.info(this.#who, 'meter answers again');
    }
    this.backoff = fault === null ? NO_BACKOFF : backOff(this.backoff, nowMs);
  }

  #isRead(obis: string, rhythm: Rhythm, beat: number, nowMs: number): boolean {
    const readForMs = this.#readForMs.get(obis);
    if (readForMs !== undefined) return readForMs === beat;
    if (rhythm !== this.billing) return false;
    // Before this process. What was accepted more than a beat from now was read by a clock that has been set back since.
    const acceptedMs = this.#options.lastAcceptedMs(this.row.meter, obis);
    return acceptedMs !== null && acceptedMs >= beat && acceptedMs <= nowMs + rhythm.everyMs;
  }

  get #who() {
    const { bus, row } = this.#options;
    return { bus: bus.id, meter: row.meter, unit: row.unit };
  }

  async #identify(line: LineUse, options: DriveOptions): Promise<MeterRead | null> {
    if (this.isIdentified || this.#driver.identify === undefined) return null;
    const read = await this.#driver.identify(line, options);
    if (read.identity !== null) this.#compare(read.identity);
    return read;
  }

  #compare(found: string): void {
    const { profile, row, log } = this.#options;
    const serial = row.serial ?? null;
    const expected = expectedIdentity(profile, serial, this.#known);
    if (expected !== null && !isSameIdentity(expected, found)) {
      const isKnown = this.wrong?.found === found;
      this.wrong = { expected, found };
      if (!isKnown)
        log.error({ ...this.#who, ...this.wrong }, 'another meter answers: it is not taken for this one');
      return;
    }
    if (this.wrong !== null) log.info({ ...this.#who, found }, 'the right meter answers again');
    this.wrong = null;
    this.#isIdentified = true;
    if (this.#known.identity !== found || this.#known.serial !== serial)
      this.#remember({ identity: found, serial });
  }

  #noteRefusals(): void {
    const refusals = this.#driver.refusals?.();
    if (refusals === undefined) return;
    const { walls, absent } = this.#known;
    if (`${refusals.walls} ${refusals.absent}` === `${walls} ${absent}`) return;
    this.#options.log.info({ ...this.#who, ...refusals }, 'learned what the meter refuses');
    this.#remember({ walls: [...refusals.walls], absent: [...refusals.absent] });
  }

  #remember(news: Partial<KnownMeter>): void {
    const { memory, profile, log } = this.#options;
    this.#known = { ...this.#known, ...news };
    try {
      memory.remember(this.row.meter, profile, this.#known);
    } catch (error) {
      // A full disk: it is known for as long as this process runs.
      log.warn({ ...this.#who, error }, 'what was learned of the meter cannot be kept');
    }
  }
}

const withoutValue = (value: RegisterValue): RegisterValue => ({
  ...value,
  value: null,
  code: 'wrong_meter',
});
