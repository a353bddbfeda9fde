/** One meter of a bus as it is polled: what is due of it, whether it is the right one, and whether it answers. */
import type { Logger } from 'pino';
import type { Bus, BusMeter } from '../config.ts';
import type { AskedProfile } from '../drivers/asked-profile.ts';
import type { DriveOptions, MeterDriver, MeterRead, RegisterValue } from '../drivers/meter-driver.ts';
import { openDriver } from '../drivers/open-driver.ts';
import type { Refusals } from '../drivers/plan-requests.ts';
import type { LineUse } from '../line/line.ts';
import { type Backoff, backOff, NO_BACKOFF, nextAttempt } from './backoff.ts';
import type { MeterCounts } from './bus-tally.ts';
import { isInstantaneous } from './instantaneous.ts';
import { expectedIdentity, isSameIdentity, NO_SERIAL } from './meter-identity.ts';
import type { KnownMeter, MeterMemory } from './meter-memory.ts';
import { Rhythm, registerList } from './rhythm.ts';

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

/** Another meter than the expected one. */
export interface WrongMeter {
  expected: string;
  found: string;
}

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
  /** Of its reads, since the gateway started. */
  readonly counts: { -readonly [K in keyof MeterCounts]: number } = { requests: 0, failures: 0 };
  readonly #options: PolledMeterOptions;
  readonly #driver: MeterDriver;
  #known: KnownMeter;
  /** How often contact with it was lost. */
  #session = 0;
  /** In which session it has said that it is the expected meter; null: in none. */
  #identifiedIn: number | null = null;
  /** As they were noted last. */
  #refusals: Refusals | undefined;

  constructor(options: PolledMeterOptions) {
    const { bus, row, profile, memory, intervalMs } = options;
    this.#options = options;
    this.row = row;
    const often = row.instantaneous ?? bus.instantaneous;
    const isOften = (register: { obis: string; billing: boolean }): boolean =>
      isInstantaneous(often, register);
    const codes = (some: (register: { obis: string; billing: boolean }) => boolean) =>
      registerList(
        profile,
        [...profile.registers].filter(some).map(({ obis }) => obis),
      );
    const acceptedMs = (obis: string): number | null => options.lastAcceptedMs(row.meter, obis);
    const billing = codes((register) => register.billing);
    this.billing = new Rhythm({ everyMs: intervalMs, registers: billing, acceptedMs });
    const registers = codes(isOften);
    this.instantaneous =
      often === undefined || registers.codes.length === 0
        ? null
        : new Rhythm({ everyMs: often.everySeconds * 1000, registers, acceptedMs: () => null });
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

  /** The next probe while it is silent, and otherwise when something of it is due. */
  nextDueMs(nowMs: number): number {
    const isDue = this.billing.due(nowMs).size > 0 || (this.instantaneous?.due(nowMs).size ?? 0) > 0;
    const dueMs = isDue ? nowMs : this.nextBeatMs(nowMs);
    return nextAttempt(this.backoff, dueMs) === 'wait' ? this.backoff.untilMs : dueMs;
  }

  /** The next beat of any of its rhythms. */
  nextBeatMs(nowMs: number): number {
    const billingMs = this.billing.nextBeatMs(nowMs);
    return this.instantaneous === null
      ? billingMs
      : Math.min(billingMs, this.instantaneous.nextBeatMs(nowMs));
  }

  /** Whether it is asked who it is before its values are taken. */
  get isIdentified(): boolean {
    return this.#identifiedIn === this.#session || this.#driver.identify === undefined;
  }

  /**
   * Contact was lost: what answers next may be another meter. So one behind a device that closes the connection after each
   * answer says who it is before every read.
   */
  endSession(): void {
    this.#session += 1;
  }

  noteSecondSlave(nowMs: number): void {
    if (this.secondSlaveMs === null)
      this.#options.log.error(this.#who, 'a second device answers at the address of this meter');
    this.secondSlaveMs = nowMs;
  }

  /** Reads what is wanted, and who it is when that is not known. */
  read(line: LineUse, options: DriveOptions): Promise<MeterRead> {
    return this.isIdentified ? this.#driver.read(line, options) : this.#identifyAndRead(line, options);
  }

  async #identifyAndRead(line: LineUse, options: DriveOptions): Promise<MeterRead> {
    const asked = await this.#identify(line, options);
    if (asked === null || asked.fault !== null) return asked ?? this.#driver.read(line, options);
    const read = await this.#driver.read(line, options);
    read.requests += asked.requests;
    read.failures += asked.failures;
    return read;
  }

  /**
   * Takes what was read; values of another meter come without a value.
   * @param roundMs when the round began for whose beats it was read
   */
  take(read: MeterRead, nowMs: number, roundMs: number): void {
    this.counts.requests += read.requests;
    this.counts.failures += read.failures;
    this.#noteRefusals();
    this.billing.noteRead(read.values, roundMs);
    this.instantaneous?.noteRead(read.values, roundMs);
    if (read.values.length > 0) this.lastReadMs = nowMs;
    if (this.wrong !== null) read.values = read.values.map(withoutValue);
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

  get #who() {
    const { bus, row } = this.#options;
    return { bus: bus.id, meter: row.meter, unit: row.unit };
  }

  async #identify(line: LineUse, options: DriveOptions): Promise<MeterRead | null> {
    if (this.#driver.identify === undefined) return null;
    // The connection may end right after the answer, before it is compared.
    const session = this.#session;
    const read = await this.#driver.identify(line, options);
    if (read.identity !== null) this.#compare(read.identity, session);
    return read;
  }

  #compare(found: string, session: number): void {
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
    this.#identifiedIn = session;
    if (found === NO_SERIAL) return;
    if (this.#known.identity !== found || this.#known.serial !== serial)
      this.#remember({ identity: found, serial });
  }

  #noteRefusals(): void {
    const refusals = this.#driver.refusals?.();
    if (refusals === undefined || refusals === this.#refusals) return;
    this.#refusals = refusals;
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
