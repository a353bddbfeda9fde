/** The meters of one bus: whose turn it is, and how those are treated that do not answer. */
import type { Logger } from 'pino';
import type { BusStatus } from '../../protocols/uplink.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import type { Clock } from '../clock.ts';
import type { Bus } from '../config.ts';
import { isAsked } from '../drivers/asked-profile.ts';
import type { DriveOptions, MeterRead, RegisterValue } from '../drivers/meter-driver.ts';
import type { Alarm } from '../line/exchange.ts';
import { Line } from '../line/line.ts';
import { linkName } from '../line/line-stream.ts';
import type { Profiles } from '../profiles.ts';
import { type Backoff, backOff, NO_BACKOFF, nextAttempt } from './backoff.ts';
import { BusTally, type MeterCounts } from './bus-tally.ts';
import { instantText } from './instant-text.ts';
import type { MeterMemory } from './meter-memory.ts';
import { PolledLine } from './polled-line.ts';
import { PolledMeter } from './polled-meter.ts';
import { beatMs } from './rhythm.ts';

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
  alongside: ReadonlySet<string> | undefined;
}

/** What is read in one go, for the beats before its start. */
interface Round {
  rhythm: 'billing' | 'instantaneous';
  startMs: number;
  /** From then on nothing more is asked: a boundary has precedence. Null: it is read to its end. */
  cutMs: number | null;
  readings: NewReading[];
  signal: AbortSignal;
}

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
    this.line = new Line({
      ...bus,
      onAlarm: (alarm) => this.#hear(alarm),
      // Behind the next connection there may be other meters.
      onDisconnect: () => {
        for (const polled of this.#meters) polled.endSession();
      },
    });
    this.#meters = bus.meters.map((row) => {
      const profile = profiles.get(row.profile);
      if (!isAsked(profile))
        throw new RangeError(
          `meter ${row.meter} on bus ${bus.id}: "${row.profile}" is no profile of a meter that is asked`,
        );
      return new PolledMeter({ ...options, row, profile });
    });
    this.#polledLine = new PolledLine(this.line, bus.link);
  }

  get bus(): Bus {
    return this.#options.bus;
  }

  /** The one that it is of. */
  get buses(): string[] {
    return [this.bus.id];
  }

  /**
   * Reads what is due, meter after meter: the billing registers, with what comes cheaply along; when none of those is due,
   * the others, until a boundary has precedence. Who gave no clean answer is asked once more when all others have been: so
   * nobody waits for it, and a late reply has the time to pass by.
   */
  round(signal: AbortSignal): Promise<NewReading[]> {
    const { clock, intervalMs } = this.#options;
    const startMs = clock.nowMs();
    if (nextAttempt(this.#backoff, startMs) === 'wait') return Promise.resolve([]);
    const billing = this.#due('billing', startMs);
    const rhythm = billing.length > 0 ? 'billing' : 'instantaneous';
    const due = billing.length > 0 ? billing : this.#due('instantaneous', startMs);
    if (due.length === 0) return Promise.resolve([]);
    const cutMs = rhythm === 'billing' ? null : beatMs(intervalMs, startMs) + intervalMs;
    return this.#readAll(due, { rhythm, startMs, cutMs, readings: [], signal });
  }

  /** When `round` has something to do. */
  nextDueMs(): number {
    const { clock, intervalMs, driven } = this.#options;
    const nowMs = clock.nowMs();
    const boundaryMs = beatMs(intervalMs, nowMs) + intervalMs;
    if (nextAttempt(this.#backoff, nowMs) === 'wait') return driven ? boundaryMs : this.#backoff.untilMs;
    let dueMs = boundaryMs;
    for (const polled of this.#meters) {
      const onBeats = driven && polled.backoff.failures > 0;
      dueMs = Math.min(dueMs, onBeats ? polled.nextBeatMs(nowMs) : polled.nextDueMs(nowMs));
    }
    return dueMs;
  }

  close(): Promise<void> {
    return this.line.close();
  }

  countsOf(meter: string): MeterCounts {
    return this.#meters.find(({ row }) => row.meter === meter)?.counts ?? { requests: 0, failures: 0 };
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

  #due(rhythm: Round['rhythm'], nowMs: number): Due[] {
    let due: Due[] = [];
    for (const polled of this.#meters) {
      const registers = polled[rhythm]?.due(nowMs);
      const attempt = nextAttempt(polled.backoff, nowMs);
      if (registers === undefined || registers.size === 0 || attempt === 'wait') continue;
      const alongside = rhythm === 'billing' ? polled.instantaneous?.due(nowMs) : undefined;
      const one: Due = { polled, attempt, registers, alongside };
      // Most buses on sockets have one meter: an array that grows would have room for many.
      if (due.length === 0) due = [one];
      else due.push(one);
    }
    return due;
  }

  async #readAll(turns: Due[], round: Round): Promise<NewReading[]> {
    const { clock } = this.#options;
    const startedAt = performance.now();
    this.#polledLine.takeFloorMs();
    const meters = turns.length;
    for (let n = 0; n < turns.length; n += 1) {
      const due = turns[n];
      if (due === undefined) break;
      const { polled, attempt } = due;
      const isAgain = n >= meters;
      if (isAgain) this.#tally.noteRetry();
      this.#polledLine.meter = polled;
      const read = await polled.read(this.#polledLine, this.#asking(due, round));
      this.#take(polled, read, round);
      // Nobody is there to connect to: what one meter cost is enough.
      if (round.signal.aborted || !this.#count(polled, read)) return round.readings;
      if (read.fault !== null && attempt === 'poll' && !isAgain)
        turns.push({ ...due, registers: polled[round.rhythm]?.due(round.startMs) ?? due.registers });
      else polled.judge(read, clock.nowMs());
      if (this.#isCut(round)) return round.readings;
    }
    this.#tally.noteCycle(performance.now() - startedAt, this.#polledLine.takeFloorMs());
    return round.readings;
  }

  #isCut({ cutMs }: Round): boolean {
    return cutMs !== null && this.#options.clock.nowMs() >= cutMs;
  }

  #asking({ registers, alongside }: Due, round: Round): DriveOptions {
    const { clock, driven } = this.#options;
    const isCut = round.cutMs === null ? undefined : (): boolean => this.#isCut(round);
    return { nowMs: clock.nowMs, attempts: 1, pauses: !driven, wanted: registers, alongside, isCut };
  }

  #take(polled: PolledMeter, read: MeterRead, round: Round): void {
    const { meter } = polled.row;
    polled.take(read, this.#options.clock.nowMs(), round.startMs);
    this.#options.polled?.(meter, read.values);
    const readings = read.values.map((value) => newReading(meter, value));
    // Most buses on sockets have one meter, and what was read of it is all there is.
    if (round.readings.length === 0) round.readings = readings;
    else round.readings.push(...readings);
    if (read.fault === null && !this.#isCut(round)) polled[round.rhythm]?.noteAsked(round.startMs);
  }

  get #where() {
    return { bus: this.bus.id, at: linkName(this.bus.link) };
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
    const wasReachable = this.#backoff.failures === 0;
    const isReachable = fault?.code !== 'unreachable';
    if (isReachable && !wasReachable) log.info(this.#where, 'bus is back');
    if (!isReachable && wasReachable)
      log.warn({ ...this.#where, error: fault?.message }, 'bus cannot be reached');
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
