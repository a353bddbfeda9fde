/** The meters of one bus: what is read of them at a boundary, and how those are treated that do not answer. */
import type { Logger } from 'pino';
import type { ModbusProfile } from '../protocols/profile.ts';
import type { GatewayStatus } from '../protocols/uplink.ts';
import { type Backoff, backOff, NO_BACKOFF, nextAttempt } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Bus } from './config.ts';
import { Line } from './line.ts';
import { linkName } from './line-stream.ts';
import { type MeterRead, MeterReader, type RegisterValue } from './meter-reader.ts';
import type { NewReading } from './outbox.ts';
import { CONVERTER_COST, type WireCost } from './plan-requests.ts';
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
  unit: number;
  registers: string[];
  reader: MeterReader;
  backoff: Backoff;
}

/** A request without a clean answer is sent once more in the same boundary. */
const ATTEMPTS = 2;

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
      if (profile?.protocol !== 'modbus') {
        throw new RangeError(`meter ${meter} on bus ${bus.id}: "${id}" is no Modbus profile`);
      }
      const billing = profile.registers.filter((register) => register.billing);
      const reader = new MeterReader(profile, billing, wireCost(bus, profile));
      return { meter, unit, registers: billing.map(({ obis }) => obis), reader, backoff: NO_BACKOFF };
    });
  }

  /** Reads what has not been accepted since `boundaryMs`, meter after meter. */
  async sweep(boundaryMs: number, signal: AbortSignal): Promise<NewReading[]> {
    const readings: NewReading[] = [];
    for (const meter of this.#meters) {
      const due = new Set(meter.registers.filter((obis) => this.#isDue(meter.meter, obis, boundaryMs)));
      const attempt = nextAttempt(meter.backoff, this.#options.clock.nowMs());
      if (due.size === 0 || attempt === 'wait') continue;
      const read = await meter.reader.read(this.#line, {
        unit: meter.unit,
        nowMs: this.#options.clock.nowMs,
        attempts: attempt === 'probe' ? 1 : ATTEMPTS,
        pauses: this.#options.pauses,
        wanted: (obis) => due.has(obis),
      });
      for (const value of read.values) readings.push(newReading(meter.meter, value));
      // Nobody is there to connect to: what one meter cost is enough for this boundary.
      if (signal.aborted || !this.#judge(meter, read)) break;
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

  #isDue(meter: string, register: string, boundaryMs: number): boolean {
    const acceptedMs = this.#options.lastAcceptedMs(meter, register);
    return acceptedMs === null || acceptedMs < boundaryMs;
  }

  /** Counts and logs what a read came to. @returns whether the bus can be reached */
  #judge(meter: PolledMeter, { requests, failures, exception, fault }: MeterRead): boolean {
    const { bus, clock, log } = this.#options;
    this.#requests += requests;
    this.#failures += failures;
    const reachable = fault?.code !== 'unreachable';
    if (reachable !== this.#reachable) {
      this.#reachable = reachable;
      const where = { bus: bus.id, at: linkName(bus.link) };
      if (reachable) log.info(where, 'bus is back');
      else log.warn({ ...where, error: fault?.message }, 'bus cannot be reached');
    }
    if (!reachable) return false;
    const who = { bus: bus.id, meter: meter.meter, unit: meter.unit };
    if (fault !== null && meter.backoff.failures === 0) {
      log.warn({ ...who, code: fault.code, error: fault.message }, 'meter is silent');
    }
    if (fault === null && meter.backoff.failures > 0) log.info(who, 'meter answers again');
    if (exception !== null) log.warn({ ...who, exception }, 'meter refused a read');
    meter.backoff = fault === null ? NO_BACKOFF : backOff(meter.backoff, clock.nowMs());
    return true;
  }
}

function wireCost({ link }: Bus, { pauseMilliseconds }: ModbusProfile): WireCost {
  const turnaroundMilliseconds = CONVERTER_COST.turnaroundMilliseconds + pauseMilliseconds;
  return {
    baudRate: link.kind === 'serial' ? link.baudRate : CONVERTER_COST.baudRate,
    turnaroundMilliseconds,
  };
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
