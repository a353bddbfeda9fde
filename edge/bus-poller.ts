/** The meters of one bus: what is read of them at a boundary, and how those are treated that do not answer. */
import type { Logger } from 'pino';
import type { GatewayStatus } from '../protocols/uplink.ts';
import { isAsked } from './asked-profile.ts';
import { type Backoff, backOff, NO_BACKOFF, nextAttempt } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Bus } from './config.ts';
import type { MeterUnit } from './exchange.ts';
import { Line } from './line.ts';
import { linkName } from './line-stream.ts';
import type { MeterDriver, MeterRead, RegisterValue } from './meter-driver.ts';
import { openDriver } from './open-driver.ts';
import type { NewReading } from './outbox.ts';
import type { Profiles } from './profiles.ts';

export interface BusPollerOptions {
  bus: Bus;
  profiles: Profiles;
  clock: Clock;
  /** Whether meters get the rests that their models need: in driven time they are simulated and need none. */
  pauses: boolean;
  lastAcceptedMs(meter: string, register: string): number | null;
  log: Pick<Logger, 'info' | 'warn'>;
}

interface PolledMeter {
  meter: string;
  unit: MeterUnit;
  registers: string[];
  driver: MeterDriver;
  backoff: Backoff;
}

/** A meter whose turn it is at a boundary. */
interface Due {
  polled: PolledMeter;
  attempt: 'poll' | 'probe';
  /** What has not been read of it yet. */
  registers: Set<string>;
}

export class BusPoller {
  readonly #options: BusPollerOptions;
  readonly #line: Line;
  readonly #meters: PolledMeter[];
  #reachable = true;
  #requests = 0;
  #failures = 0;

  /** @throws RangeError when a meter's profile is unknown or not polled */
  constructor(options: BusPollerOptions) {
    this.#options = options;
    const { bus, profiles } = options;
    this.#line = new Line(bus);
    this.#meters = bus.meters.map(({ meter, profile: id, unit }) => {
      const profile = profiles.get(id);
      if (!isAsked(profile))
        throw new RangeError(
          `meter ${meter} on bus ${bus.id}: "${id}" is no profile of a meter that is asked`,
        );
      const wanted = (register: { billing: boolean }): boolean => register.billing;
      const driver = openDriver(profile, { unit, link: bus.link, wanted });
      const registers = [...profile.registers].filter(wanted).map(({ obis }) => obis);
      return { meter, unit, registers, driver, backoff: NO_BACKOFF };
    });
  }

  /**
   * Reads what has not been accepted since `boundaryMs`, meter after meter. Who gave no clean answer is asked once more
   * when all others have been: so nobody waits for it, and a late reply has the time to pass by.
   */
  async sweep(boundaryMs: number, signal: AbortSignal): Promise<NewReading[]> {
    const readings: NewReading[] = [];
    const again: Due[] = [];
    for (const due of this.#dueAt(boundaryMs)) {
      const read = await this.#read(due, readings);
      // Nobody is there to connect to: what one meter cost is enough for this boundary.
      if (signal.aborted || !this.#count(due.polled, read)) return readings;
      if (read.fault !== null && due.attempt === 'poll') again.push(due);
      else this.#judge(due.polled, read);
    }
    for (const due of again) {
      const read = await this.#read(due, readings);
      if (signal.aborted || !this.#count(due.polled, read)) break;
      this.#judge(due.polled, read);
    }
    return readings;
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  status(): GatewayStatus['buses'][number] {
    const silent = this.#meters.filter(({ backoff }) => !this.#reachable || backoff.failures > 0);
    return {
      bus: this.#options.bus.id,
      meters: this.#meters.length,
      silent: silent.map(({ meter }) => meter),
      requests: this.#requests,
      failures: this.#failures,
    };
  }

  *#dueAt(boundaryMs: number): Generator<Due> {
    for (const polled of this.#meters) {
      const registers = new Set(
        polled.registers.filter((obis) => this.#isDue(polled.meter, obis, boundaryMs)),
      );
      const attempt = nextAttempt(polled.backoff, this.#options.clock.nowMs());
      if (registers.size > 0 && attempt !== 'wait') yield { polled, attempt, registers };
    }
  }

  async #read({ polled, registers }: Due, readings: NewReading[]): Promise<MeterRead> {
    const { meter, driver } = polled;
    const read = await driver.read(this.#line, {
      nowMs: this.#options.clock.nowMs,
      attempts: 1,
      pauses: this.#options.pauses,
      wanted: (obis) => registers.has(obis),
    });
    for (const value of read.values) {
      readings.push(newReading(meter, value));
      registers.delete(value.register.obis);
    }
    return read;
  }

  #isDue(meter: string, register: string, boundaryMs: number): boolean {
    const acceptedMs = this.#options.lastAcceptedMs(meter, register);
    return acceptedMs === null || acceptedMs < boundaryMs;
  }

  /** @returns whether the bus can be reached */
  #count({ meter, unit }: PolledMeter, { requests, failures, exception, fault }: MeterRead): boolean {
    const { bus, log } = this.#options;
    this.#requests += requests;
    this.#failures += failures;
    const reachable = fault?.code !== 'unreachable';
    if (reachable !== this.#reachable) {
      this.#reachable = reachable;
      const where = { bus: bus.id, at: linkName(bus.link) };
      if (reachable) log.info(where, 'bus is back');
      else log.warn({ ...where, error: fault?.message }, 'bus cannot be reached');
    }
    if (exception !== null) log.warn({ bus: bus.id, meter, unit, exception }, 'meter refused a read');
    return reachable;
  }

  /** Whether the meter is silent, from the last read at a boundary. */
  #judge(polled: PolledMeter, { fault }: MeterRead): void {
    const { bus, clock, log } = this.#options;
    const who = { bus: bus.id, meter: polled.meter, unit: polled.unit };
    const wasSilent = polled.backoff.failures > 0;
    if (fault !== null && !wasSilent)
      log.warn({ ...who, code: fault.code, error: fault.message }, 'meter is silent');
    if (fault === null && wasSilent) log.info(who, 'meter answers again');
    polled.backoff = fault === null ? NO_BACKOFF : backOff(polled.backoff, clock.nowMs());
  }
}

function newReading(meter: string, { register, value, code, raw, readAtMs }: RegisterValue): NewReading {
  return {
    meter,
    register: register.obis,
    readAt: Temporal.Instant.fromEpochMilliseconds(readAtMs).toString(),
    value,
    unit: register.unit,
    ...(code === undefined ? {} : { code }),
    raw,
    source: 'poll',
  };
}
