/**
 * Polling: on each boundary of the grid every bus reads the billing registers of its meters, and in between, as often as
 * asked, the others. Buses do not wait for each other; a bus that overruns a boundary goes on with the next one at once.
 */
import type { Logger } from 'pino';
import type { BusStatus, MeterClockStatus } from '../protocols/uplink.ts';
import type { NewReading } from './buffer/outbox-items.ts';
import type { Clock } from './clock.ts';
import type { BusMeter, EdgeConfig, Link } from './config.ts';
import { type CareContext, careFor } from './healing/meter-care.ts';
import type { Line } from './line/line.ts';
import { BusPoller } from './polling/bus-poller.ts';
import type { MeterCounts } from './polling/bus-tally.ts';
import { MeterMemory } from './polling/meter-memory.ts';
import { beatMs } from './polling/rhythm.ts';
import type { Profiles } from './profiles.ts';

export interface PollingOptions {
  config: Pick<EdgeConfig, 'buses' | 'pollIntervalSeconds' | 'clock'>;
  profiles: Profiles;
  /** What was learned of the meters before; nothing, and kept by nobody, when not given. */
  memory?: MeterMemory;
  clock: Clock;
  outbox: {
    /** Resolves when the readings are committed. */
    accept(readings: NewReading[]): Promise<void>;
    lastAcceptedMs(meter: string, register: string): number | null;
  };
  /** Meters' clocks are measured and their gaps healed; not when not given. */
  care?: CareContext;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** A bus and its line, for work beside the polls: what a person waits for goes through the same line. */
export interface PolledBus {
  id: string;
  link: Link;
  line: Line;
  meters: readonly BusMeter[];
  /** What its polls came to, of one of the meters. */
  countsOf(meter: string): MeterCounts;
}

export interface Polling {
  /** Ends the reads under way and closes the lines. */
  stop(): Promise<void>;
  status(): BusStatus[];
  bus(id: string): PolledBus | undefined;
  clockOffsets(): MeterClockStatus[];
}

/**
 * Starts at once: what has not been read since the last boundary is read now.
 * @throws RangeError when a meter's profile is unknown or not polled
 */
export function startPolling(options: PollingOptions): Polling {
  const { config, profiles, memory = new MeterMemory(), clock, outbox, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const driven = config.clock === 'driven';
  const lastAcceptedMs = outbox.lastAcceptedMs.bind(outbox);
  const intervalMs = config.pollIntervalSeconds * 1000;
  const common = { profiles, memory, clock, intervalMs, driven, lastAcceptedMs, log };
  const cared = config.buses.map((bus) => {
    const poller: BusPoller = new BusPoller({
      ...common,
      bus,
      polled: (meter, values) => care?.polled(meter, values),
    });
    const care = options.care && careFor(poller, { ...options, ...options.care, intervalMs, driven });
    return { poller, care };
  });
  const pollers = cared.map(({ poller }) => poller);

  const loop = async (sweep: Sweep): Promise<void> => {
    try {
      await clock.until(0, signal);
      for (;;) {
        const readings = await sweep.round(signal);
        try {
          if (readings.length > 0) await outbox.accept(readings);
        } catch (error) {
          const { buses } = sweep;
          log.error({ buses, readings: readings.length, error }, 'readings not accepted');
        }
        if (driven) await Promise.all(cared.map(({ care }) => care?.idle()));
        await clock.until(sweep.nextDueMs(), signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };

  // In driven time a wait says that the whole process has done its work, so there all buses wait as one.
  const sweeps = driven ? [together(pollers, clock, intervalMs)] : pollers;
  const loops = Promise.all(sweeps.map(loop));
  return {
    async stop() {
      stopping.abort();
      const ended = cared.map(({ care }) => care?.stop());
      await Promise.all(pollers.map((poller) => poller.close()));
      await Promise.all([loops, ...ended]);
    },
    status: () => pollers.map((poller) => poller.status()),
    clockOffsets: () => cared.flatMap(({ care }) => care?.clocks() ?? []),
    bus(id) {
      const poller = pollers.find(({ bus }) => bus.id === id);
      if (poller === undefined) return undefined;
      const { link, meters } = poller.bus;
      return { id, link, line: poller.line, meters, countsOf: (meter) => poller.countsOf(meter) };
    },
  };
}

/** What is read in one go, again and again. */
type Sweep = Pick<BusPoller, 'buses' | 'round' | 'nextDueMs'>;

function together(pollers: readonly BusPoller[], clock: Clock, intervalMs: number): Sweep {
  return {
    buses: pollers.flatMap(({ buses }) => buses),
    round: async (signal) => (await Promise.all(pollers.map((poller) => poller.round(signal)))).flat(),
    nextDueMs: () => {
      const boundaryMs = beatMs(intervalMs, clock.nowMs()) + intervalMs;
      return Math.min(boundaryMs, ...pollers.map((poller) => poller.nextDueMs()));
    },
  };
}
