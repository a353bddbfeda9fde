/**
 * Polling: on each boundary of the grid every bus reads the billing registers of its meters and hands them over in one
 * piece. Buses do not wait for each other; a bus that overruns a boundary goes on with the next one at once.
 */
import type { Logger } from 'pino';
import type { GatewayStatus } from '../protocols/uplink.ts';
import { BusPoller } from './bus-poller.ts';
import type { Clock } from './clock.ts';
import type { EdgeConfig } from './config.ts';
import type { NewReading } from './outbox.ts';
import type { Profiles } from './profiles.ts';

export interface PollingOptions {
  config: Pick<EdgeConfig, 'buses' | 'pollIntervalSeconds' | 'clock'>;
  profiles: Profiles;
  clock: Clock;
  outbox: {
    /** Resolves when the readings are committed. */
    accept(readings: NewReading[]): Promise<void>;
    lastAcceptedMs(meter: string, register: string): number | null;
  };
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

export interface Polling {
  /** Ends the reads under way and closes the lines. */
  stop(): Promise<void>;
  status(): GatewayStatus['buses'];
}

/**
 * Starts at once: what has not been read since the last boundary is read now.
 * @throws RangeError when a meter's profile is unknown or not polled
 */
export function startPolling({ config, profiles, clock, outbox, log }: PollingOptions): Polling {
  const stopping = new AbortController();
  const { signal } = stopping;
  const driven = config.clock === 'driven';
  const lastAcceptedMs = outbox.lastAcceptedMs.bind(outbox);
  const pollers = config.buses.map(
    (bus) => new BusPoller({ bus, profiles, clock, pauses: !driven, lastAcceptedMs, log }),
  );

  const sweep = async (group: BusPoller[], boundaryMs: number): Promise<void> => {
    const readings = (await Promise.all(group.map((poller) => poller.sweep(boundaryMs, signal)))).flat();
    if (readings.length === 0) return;
    try {
      await outbox.accept(readings);
    } catch (error) {
      const buses = group.map((poller) => poller.status().bus);
      log.error({ buses, readings: readings.length, error }, 'readings not accepted');
    }
  };

  const loop = async (group: BusPoller[]): Promise<void> => {
    const intervalMs = config.pollIntervalSeconds * 1000;
    try {
      await clock.until(0, signal);
      for (;;) {
        const boundaryMs = Math.floor(clock.nowMs() / intervalMs) * intervalMs;
        await sweep(group, boundaryMs);
        await clock.until(boundaryMs + intervalMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };

  // In driven time a wait says that the whole process has done its work, so there all buses wait as one.
  const loops = Promise.all((driven ? [pollers] : pollers.map((poller) => [poller])).map(loop));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(pollers.map((poller) => poller.close()));
      await loops;
    },
    status: () => pollers.map((poller) => poller.status()),
  };
}
