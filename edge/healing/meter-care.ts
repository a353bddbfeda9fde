/**
 * What is done for the meters of a bus beside polling them: their clocks are measured, and their gaps are healed. One
 * request at a time waits for the line among the polls, so that each of them costs a poll one turn at most.
 */
import type { Logger } from 'pino';
import type { MeterClockStatus } from '../../protocols/uplink.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import type { Clock } from '../clock.ts';
import type { Bus } from '../config.ts';
import { type AskedProfile, isAsked } from '../drivers/asked-profile.ts';
import type { DlmsAccess } from '../drivers/dlms-driver.ts';
import type { DriveOptions, RegisterValue } from '../drivers/meter-driver.ts';
import type { MeterUnit } from '../line/exchange.ts';
import type { LineUse } from '../line/line.ts';
import type { Profiles } from '../profiles.ts';
import type { ReadHistory } from './frozen-search.ts';
import { gapBefore, heal } from './heal.ts';
import { type ClockOffset, type MeasureClock, openClock } from './meter-clock.ts';
import type { Gap, OpenGaps } from './open-gaps.ts';
import { openHistory } from './open-history.ts';

export interface CareOptions {
  bus: string;
  line: LineUse;
  meters: readonly {
    meter: string;
    unit: MeterUnit;
    profile: AskedProfile;
    /** What it takes to reach a meter of DLMS. */
    access?: Omit<DlmsAccess, 'unit'>;
  }[];
  /** Of the meters' clocks. */
  timeZone: string;
  clock: Clock;
  /** Whether meters get the rests that their models need. */
  pauses: boolean;
  pollIntervalMs: number;
  gaps: OpenGaps;
  outbox: {
    /** Resolves when the readings are committed. */
    accept(readings: NewReading[]): Promise<void>;
    lastAccepted(meter: string, register: string): { atMs: number; value: string | null } | null;
  };
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** What care takes beside what polling has. */
export interface CareContext extends Pick<CareOptions, 'timeZone' | 'gaps'> {
  lastAccepted: CareOptions['outbox']['lastAccepted'];
}

interface PollingContext extends CareContext, Pick<CareOptions, 'clock' | 'log'> {
  profiles: Profiles;
  outbox: Pick<CareOptions['outbox'], 'accept'>;
  intervalMs: number;
  /** Simulated meters need no rests. */
  driven: boolean;
}

/** The care for the meters of a bus that is polled. */
export function careFor({ bus, line }: { bus: Bus; line: LineUse }, options: PollingContext): MeterCare {
  const { profiles, intervalMs, driven, lastAccepted, outbox } = options;
  const meters = bus.meters.flatMap(({ meter, unit, password, profile: id }) => {
    const profile = profiles.get(id);
    const access = { link: bus.link, password };
    return isAsked(profile) ? [{ meter, unit, profile, access }] : [];
  });
  return new MeterCare({
    ...options,
    bus: bus.id,
    line,
    meters,
    pauses: !driven,
    pollIntervalMs: intervalMs,
    outbox: { accept: (readings) => outbox.accept(readings), lastAccepted },
  });
}

interface CaredMeter {
  readonly meter: string;
  readonly unit: MeterUnit;
  readonly measure: MeasureClock | null;
  readonly history: ReadHistory | null;
  /** When its clock was asked for last; null: not since the start. */
  askedMs: number | null;
  offset: ClockOffset | null;
  /** Whether something is being done for it. */
  busy: boolean;
}

const DAY_MS = 86_400_000;
/** DL/T 645 sets a clock by broadcast only within five minutes: one that is further off is no longer kept. */
const CLOCK_LIMIT_MS = 300_000;
const ATTEMPTS = 2;
/** A gap is given up after so many returns of its meter. */
const MOST_TRIES = 4;

export class MeterCare {
  readonly #options: CareOptions;
  readonly #meters: Map<string, CaredMeter>;
  #work: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: CareOptions) {
    this.#options = options;
    this.#meters = new Map(
      options.meters.map(({ meter, unit, profile, access }) => [
        meter,
        {
          meter,
          unit,
          measure: openClock(profile, unit, access),
          history: openHistory(profile, unit),
          askedMs: null,
          offset: null,
          busy: false,
        },
      ]),
    );
  }

  /** To be told what a poll read of a meter, before it is accepted: after an outage that is when the gap is known. */
  polled(meter: string, values: readonly RegisterValue[]): void {
    const cared = this.#meters.get(meter);
    if (cared === undefined || values.length === 0) return;
    const { gaps, outbox, pollIntervalMs, clock } = this.#options;
    if (cared.history !== null) {
      const lastAccepted = outbox.lastAccepted.bind(outbox);
      const gap = gapBefore(meter, values, pollIntervalMs, lastAccepted);
      if (gap !== null) this.#open(gap, cared);
    }
    const asks = cared.measure !== null && isDayOld(cared.askedMs, clock.nowMs());
    const heals = cared.history !== null && gaps.of(meter).length > 0;
    if (cared.busy || !(asks || heals)) return;
    cared.busy = true;
    this.#work = this.#work.then(async () => {
      try {
        await this.#care(cared, asks);
      } catch (error) {
        this.#options.log.error({ ...this.#who(cared), error }, 'a gap could not be healed');
      }
      cared.busy = false;
    });
  }

  #open(gap: Gap, cared: CaredMeter): void {
    try {
      this.#options.gaps.add(gap);
    } catch (error) {
      // A full disk: it is known for as long as this process runs.
      this.#options.log.warn({ ...this.#who(cared), error }, 'a gap cannot be kept on the disk');
    }
  }

  /** How the meters' clocks stand, as far as they tell. */
  clocks(): MeterClockStatus[] {
    return [...this.#meters.values()].flatMap(({ meter, offset }) =>
      offset === null
        ? []
        : {
            meter,
            offsetSeconds: offset.offsetMs / 1000,
            uncertaintySeconds: offset.uncertaintyMs / 1000,
            at: instantText(offset.atMs),
          },
    );
  }

  /** Resolves when nothing is being done any more. */
  idle(): Promise<void> {
    return this.#work;
  }

  /** Ends with the request under way; gaps stay open for the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #care(cared: CaredMeter, asksClock: boolean): Promise<void> {
    const gaps = this.#options.gaps.of(cared.meter);
    if (asksClock || gaps.length > 0) await this.#measure(cared);
    for (const gap of gaps) if (!this.#stopped) await this.#heal(cared, gap);
  }

  async #measure(cared: CaredMeter): Promise<void> {
    if (cared.measure === null || this.#stopped) return;
    const { line, clock, timeZone, log } = this.#options;
    cared.askedMs = clock.nowMs();
    cared.offset = await cared.measure(line, { ...this.#drive(), timeZone });
    if (cared.offset === null) return log.warn(this.#who(cared), 'meter tells no time');
    const { offsetMs, uncertaintyMs } = cared.offset;
    const told = {
      ...this.#who(cared),
      offsetSeconds: offsetMs / 1000,
      uncertaintySeconds: uncertaintyMs / 1000,
    };
    if (isOff(cared.offset)) log.warn(told, "the meter's clock is off by more than five minutes");
    else log.info(told, "the meter's clock");
  }

  async #heal(cared: CaredMeter, gap: Gap): Promise<void> {
    const { line, timeZone, gaps, outbox, log } = this.#options;
    const { fromMs, toMs } = gap;
    const offset = cared.offset;
    const told = {
      ...this.#who(cared),
      from: instantText(fromMs),
      to: instantText(toMs),
      clockOffsetSeconds: offset === null ? null : offset.offsetMs / 1000,
    };
    if (cared.history === null || (offset !== null && isOff(offset))) {
      gaps.close(gap);
      return log.warn(told, 'gap not healed: what the meter froze is not of the time that it says');
    }
    const wanted = new Set(gap.registers.map(({ obis }) => obis));
    const clockOffsetMs = offset?.offsetMs ?? null;
    const options = { ...this.#drive(), wanted, fromMs, toMs, timeZone, clockOffsetMs };
    const read = await cared.history(line, options);
    if (this.#stopped) return;
    const { readings, refused } = heal(gap, read.values);
    const isUnsettled = read.fault !== null || (readings.length === 0 && read.notes.length > 0);
    if (isUnsettled && gap.tries + 1 < MOST_TRIES) {
      gaps.tried(gap);
      return log.warn({ ...told, notes: read.notes, fault: read.fault?.code }, 'gap not healed yet');
    }
    if (readings.length > 0) await outbox.accept(readings);
    gaps.close(gap);
    const result = { readings: readings.length, refused: refused.length, requests: read.requests };
    const level = isUnsettled || refused.length > 0 ? 'warn' : 'info';
    log[level]({ ...told, ...result, notes: read.notes }, outcome(readings.length, isUnsettled));
  }

  #drive(): DriveOptions {
    const { clock, pauses } = this.#options;
    return { nowMs: clock.nowMs, attempts: ATTEMPTS, pauses };
  }

  #who({ meter, unit }: CaredMeter): { bus: string; meter: string; unit: MeterUnit } {
    return { bus: this.#options.bus, meter, unit };
  }
}

function outcome(readings: number, isUnsettled: boolean): string {
  if (readings > 0) return isUnsettled ? 'gap healed in part' : 'gap healed';
  return isUnsettled ? 'gap not healed' : 'gap not healed: nothing was frozen in it';
}

const isDayOld = (ms: number | null, nowMs: number): boolean => ms === null || Math.abs(nowMs - ms) >= DAY_MS;
const isOff = ({ offsetMs }: ClockOffset): boolean => Math.abs(offsetMs) > CLOCK_LIMIT_MS;
const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
