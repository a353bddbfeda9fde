/** The buses that are polled, each on its own: a new configuration ends and starts those that it changes, and no other. */
import { isDeepStrictEqual } from 'node:util';
import type { GatewayStatus, MeterClockStatus } from '../../protocols/uplink.ts';
import type { Bus, EdgeConfig } from '../config.ts';
import { type PolledBus, type Polling, type PollingOptions, startPolling } from '../poll.ts';

/** Of the configuration, what the polling of a bus depends on beside the bus itself. */
type Pace = Pick<EdgeConfig, 'pollIntervalSeconds' | 'clock'>;

interface Running {
  buses: readonly Bus[];
  pace: Pace;
  polling: Polling;
}

/** Ids of buses. */
export interface BusChanges {
  started: string[];
  stopped: string[];
  kept: string[];
}

export class RunningBuses {
  readonly #options: Omit<PollingOptions, 'config'>;
  #running: Running[] = [];

  constructor(options: Omit<PollingOptions, 'config'>) {
    this.#options = options;
  }

  /** Ends what changes before anything starts: a port has one owner. */
  async apply({ buses, pollIntervalSeconds, clock }: Pace & { buses: readonly Bus[] }): Promise<BusChanges> {
    const pace = { pollIntervalSeconds, clock };
    // In driven time a wait says that the whole process has done its work, so there all buses wait as one.
    const wanted = clock === 'driven' ? [buses] : buses.map((bus) => [bus]);
    const isWanted = (one: Running): boolean =>
      isDeepStrictEqual(one.pace, pace) && wanted.some((group) => isDeepStrictEqual(group, one.buses));
    const kept = this.#running.filter(isWanted);
    const ended = this.#running.filter((one) => !kept.includes(one));
    this.#running = kept;
    await Promise.all(ended.map(({ polling }) => polling.stop()));
    const fresh = wanted.filter((group) => !kept.some((one) => isDeepStrictEqual(one.buses, group)));
    const started = fresh.map((group): Running => {
      const polling = startPolling({ ...this.#options, config: { buses: [...group], ...pace } });
      return { buses: group, pace, polling };
    });
    this.#running = [...kept, ...started];
    return { started: idsOf(started), stopped: idsOf(ended), kept: idsOf(kept) };
  }

  status(): GatewayStatus['buses'] {
    return this.#running.flatMap(({ polling }) => polling.status());
  }

  clockOffsets(): MeterClockStatus[] {
    return this.#running.flatMap(({ polling }) => polling.clockOffsets());
  }

  /** Null: there is no such bus. */
  bus(id: string): PolledBus | null {
    return this.#running.flatMap(({ polling }) => polling.bus(id) ?? [])[0] ?? null;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map(({ polling }) => polling.stop()));
  }
}

const idsOf = (running: readonly Running[]): string[] =>
  running.flatMap(({ buses }) => buses.map(({ id }) => id));
