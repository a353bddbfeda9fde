/** The meters of one bus: whose turn it is, and how those are treated that do not answer. */
import type { Logger } from 'pino';
import type { BusStatus } from '../protocols/uplink.ts';
import { isAsked } from './asked-profile.ts';
import { type Backoff, backOff, NO_BACKOFF, nextAttempt, patienceMs } from './backoff.ts';
import { BusTally } from './bus-tally.ts';
import type { Clock } from './clock.ts';
import type { Bus } from './config.ts';
import type { Alarm, MeterUnit } from './exchange.ts';
import { instantText } from './instant-text.ts';
import { Line } from './line.ts';
import { linkName } from './line-stream.ts';
import type { MeterRead, RegisterValue } from './meter-driver.ts';
import type { MeterMemory } from './meter-memory.ts';
import type { NewReading } from './outbox.ts';
import { PolledLine } from './polled-line.ts';
import { beatMs, PolledMeter } from './polled-meter.ts';
import type { Profiles } from './profiles.ts';

export interface BusPollerOptions {
  bus: Bus;
  profiles: Profiles;
  memory: MeterMemory;
  clock: Clock;
  /** Of the grid on which billing registers are read. */
  intervalMs: number;
  /** In driven time meters are simulated: they need no rests, and silent ones are probed on the beats only. */
  driven: boolean;
  lastAcceptedMs(meter: string, register: string): number | null;
  /** Told what was read of a meter, before it is accepted. */
  polled?(meter: string, values: readonly RegisterValue[]): void;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** A meter whose turn it is. */
interface Due {
  polled: PolledMeter;
  attempt: 'poll' | 'probe';
  /** What has not been read of it yet. */
  registers: ReadonlySet<string>;
  /** What may come along. */
  alongside: ReadonlySet<string>;
}

/** What is read in one go, for the beats before its start. */
interface Round {
  rhythm: 'billing' | 'instantaneous';
  startMs: number;
  /** From then on nothing more is asked: a boundary has precedence. Null: it is read to its end. */
  cutMs: number | null;
  readings: NewReading[];
}

const NOTHING: ReadonlySet<string> = new Set();

export class BusPoller {
  readonly line: Line;
  readonly #options: BusPollerOptions;
  readonly #polledLine: PolledLine;
  readonly #meters: PolledMeter[];
  readonly #tally = new BusTally();
  /** Of the bus as a whole: when nothing is there to connect to. */
  #backoff: Backoff = NO_BACKOFF;

  /** @throws RangeError when a meter's profile is unknown or not polled */
  constructor(options: BusPollerOptions) {
    this.#options = options;
    const { bus, profiles } = options;
    this.line = new Line({ ...bus, onAlarm: (alarm) => this.#hear(alarm) });
    this.#meters = bus.meters.map((row) => {
      const profile = profiles.get(row.profile);
      if (!isAsked(profile))
        throw new RangeError(
          `meter ${row.meter} on bus ${bus.id}: "${row.profile}" is no profile of a meter that is asked`,
        );
      return new PolledMeter({ ...options, row, profile });
    });
    const byUnit = new Map(this.#meters.map((polled) => [polled.row.unit, polled]));
    const patience = (unit: MeterUnit): number | null => {
      const slowestMs = this.line.slowestTurnaroundMilliseconds(unit);
      return patienceMs(byUnit.get(unit)?.backoff ?? NO_BACKOFF, slowestMs);
    };
    this.#polledLine = new PolledLine({ line: this.line, link: bus.link, patienceMs: patience });
  }

  get bus(): Bus {
    return this.#options.bus;
  }

  /**
   * Reads what is due, meter after meter: the billing registers, with what comes cheaply along; when none of those is due,
   * the others, until a boundary has precedence. Who gave no clean answer is asked once more when all others have been: so
   * nobody waits for it, and a late reply has the time to pass by.
   */
  async round(signal: AbortSignal): Promise<NewReading[]> {
    const { clock, intervalMs } = this.#options;
    const startMs = clock.nowMs();
    if (nextAttempt(this.#backoff, startMs) === 'wait') return [];
    const billing = [...this.#due('billing', startMs)];
    const rhythm = billing.length > 0 ? 'billing' : 'instantaneous';
    const due = billing.length > 0 ? billing : [...this.#due('instantaneous', startMs)];
    const cutMs = rhythm === 'billing' ? null : beatMs(intervalMs, startMs) + intervalMs;
    const round: Round = { rhythm, startMs, cutMs, readings: [] };
    if (due.length === 0) return round.readings;
    const startedAt = performance.now();
    this.#polledLine.takeFloorMs();
    const isWhole = await this.#readAll(due, round, signal);
    if (isWhole) this.#tally.noteCycle(performance.now() - startedAt, this.#polledLine.takeFloorMs());
    return round.readings;
  }

  /** When `round` has something to do. */
  nextDueMs(): number {
    const { clock, intervalMs, driven } = this.#options;
    const nowMs = clock.nowMs();
    const boundaryMs = beatMs(intervalMs, nowMs) + intervalMs;
    if (nextAttempt(this.#backoff, nowMs) === 'wait') return driven ? boundaryMs : this.#backoff.untilMs;
    const next = this.#meters.map((polled) =>
      driven && polled.backoff.failures > 0 ? polled.nextBeatMs(nowMs) : polled.nextDueMs(nowMs),
    );
    return Math.min(boundaryMs, ...next);
  }

  close(): Promise<void> {
    return this.line.close();
  }

  status(): BusStatus {
    const silent = this.#meters.filter(({ backoff }) => this.#backoff.failures > 0 || backoff.failures > 0);
    return {
      bus: this.bus.id,
      meters: this.#meters.length,
      silent: silent.map(({ row }) => row.meter),
      ...this.#tally.status(),
      states: this.#meters.map(({ row, lastReadMs, silentSinceMs, wrong, secondSlaveMs }) => ({
        meter: row.meter,
        lastReadAt: textOrNull(lastReadMs),
        silentSince: textOrNull(silentSinceMs),
        ...(wrong === null ? {} : { wrongMeter: wrong }),
        ...(secondSlaveMs === null ? {} : { secondSlaveAt: instantText(secondSlaveMs) }),
      })),
    };
  }

  *#due(rhythm: Round['rhythm'], nowMs: number): Generator<Due> {
    for (const polled of this.#meters) {
      const registers = polled.due(polled[rhythm], nowMs);
      const attempt = nextAttempt(polled.backoff, nowMs);
      if (registers.size === 0 || attempt === 'wait') continue;
      const alongside = rhythm === 'billing' ? polled.due(polled.instantaneous, nowMs) : NOTHING;
      yield { polled, attempt, registers, alongside };
    }
  }

  /** @returns whether all had their turn */
  async #readAll(list: readonly Due[], round: Round, signal: AbortSignal): Promise<boolean> {
    const again: Due[] = [];
    for (const due of list) {
      const read = await this.#read(due, round);
      // Nobody is there to connect to: what one meter cost is enough.
      if (signal.aborted || !this.#count(due.polled, read)) return false;
      if (read.fault !== null && due.attempt === 'poll') again.push(due);
      else due.polled.judge(read, this.#options.clock.nowMs());
      if (this.#isCut(round)) return false;
    }
    for (const due of again) {
      this.#tally.noteRetry();
      const registers = due.polled.due(due.polled[round.rhythm], round.startMs);
      const read = await this.#read({ ...due, registers }, round);
      if (signal.aborted || !this.#count(due.polled, read)) return false;
      due.polled.judge(read, this.#options.clock.nowMs());
      if (this.#isCut(round)) return false;
    }
    return true;
  }

  #isCut({ cutMs }: Round): boolean {
    return cutMs !== null && this.#options.clock.nowMs() >= cutMs;
  }

  async #read({ polled, registers, alongside }: Due, round: Round): Promise<MeterRead> {
    const { clock, driven } = this.#options;
    const options = {
      nowMs: clock.nowMs,
      attempts: 1,
      pauses: !driven,
      wanted: (obis: string) => registers.has(obis) && !this.#isCut(round),
      alongside: (obis: string) => alongside.has(obis),
    };
    const read = await polled.read(this.#polledLine, options, round.startMs);
    this.#options.polled?.(polled.row.meter, read.values);
    for (const value of read.values) round.readings.push(newReading(polled.row.meter, value));
    const rhythm = polled[round.rhythm];
    if (rhythm !== null && read.fault === null && !this.#isCut(round))
      rhythm.askedForMs = beatMs(rhythm.everyMs, round.startMs);
    return read;
  }

  #hear({ kind, unit }: Alarm): void {
    const polled = this.#meters.find(({ row }) => row.unit === unit);
    if (kind === 'second_slave' && polled !== undefined) polled.noteSecondSlave(this.#options.clock.nowMs());
  }

  /** @returns whether the bus can be reached */
  #count({ row }: PolledMeter, read: MeterRead): boolean {
    const { bus, clock, log } = this.#options;
    this.#tally.noteRead(read);
    const { exception, fault } = read;
    // The connection ended: behind it there may be other meters now.
    if (fault?.code === 'unreachable' || fault?.code === 'closed')
      for (const polled of this.#meters) polled.endSession();
    const wasReachable = this.#backoff.failures === 0;
    const isReachable = fault?.code !== 'unreachable';
    const where = { bus: bus.id, at: linkName(bus.link) };
    if (isReachable && !wasReachable) log.info(where, 'bus is back');
    if (!isReachable && wasReachable) log.warn({ ...where, error: fault?.message }, 'bus cannot be reached');
    this.#backoff = isReachable ? NO_BACKOFF : backOff(this.#backoff, clock.nowMs());
    if (exception !== null)
      log.warn({ bus: bus.id, meter: row.meter, unit: row.unit, exception }, 'meter refused a read');
    return isReachable;
  }
}

const textOrNull = (ms: number | null): string | null => (ms === null ? null : instantText(ms));

function newReading(meter: string, { register, value, code, raw, readAtMs }: RegisterValue): NewReading {
  const { obis, unit } = register;
  const readAt = instantText(readAtMs);
  return code === undefined
    ? { meter, register: obis, readAt, value, unit, raw, source: 'poll' }
    : { meter, register: obis, readAt, value, unit, code, raw, source: 'poll' };
}
