/** What one meter that dies costs the others of its bus, polled as the gateway does. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../edge/clock.ts';
import { startPolling } from '../edge/poll.ts';
import { ModbusProfile } from '../protocols/profile.ts';
import { type BenchRow, benchRow, type Measurement } from './measure.ts';

const METERS = 32;
const BAUD_RATE = 9600;
const TURNAROUND_MS = 20;
/** The one that dies. */
const DEAD = 7;
/** 60 registers in a row, of which the first one bills. */
const profile = ModbusProfile.parse({
  id: 'bench',
  make: 'Bench',
  model: 'Bench',
  utility: 'electricity',
  source: 'this benchmark',
  protocol: 'modbus',
  functionCode: 3,
  registers: Array.from({ length: 60 }, (_, i) => ({
    obis: `1-0:${i + 1}.7.0`,
    name: `value ${i}`,
    address: i,
    type: 'u16',
    unit: 'W',
    billing: i === 0,
  })),
});

export const measurements: Measurement[] = [
  { name: 'dead_meter', measure: () => deadMeter({ beforeMs: 30_000, afterMs: 60_000 }) },
];

/** The rate of the others before the death, and from then on. */
export async function deadMeter(spans: { beforeMs: number; afterMs: number }): Promise<BenchRow[]> {
  const child = fork(join(import.meta.dirname, 'paced-child.ts'), [`${BAUD_RATE}`, `${TURNAROUND_MS}`]);
  const [path] = (await once(child, 'message')) as [string];
  const silent = (): void => undefined;
  const polling = startPolling({
    config: {
      buses: [
        {
          id: 'bus-1',
          link: { kind: 'serial', path, baudRate: BAUD_RATE, parity: 'none' },
          timeoutMilliseconds: 1000,
          instantaneous: { everySeconds: 1 },
          meters: Array.from({ length: METERS }, (_, i) => ({
            meter: `${i + 1}`,
            profile: 'bench',
            unit: i + 1,
          })),
        },
      ],
      pollIntervalSeconds: 3600,
      clock: 'system',
    },
    profiles: new Map([['bench', profile]]),
    clock: systemClock(),
    outbox: {
      accept: async () => undefined,
      lastAcceptedMs: () => null,
    },
    log: { info: silent, warn: silent, error: silent },
  });
  const answered = (): number =>
    polling.status().reduce((sum, { requests, failures }) => sum + requests - failures, 0);
  try {
    // Nobody knows at first how fast the meters are.
    await sleep(spans.beforeMs);
    const before = (await rateOver(spans.beforeMs, answered)) / METERS;
    child.send(DEAD);
    const after = (await rateOver(spans.afterMs, answered)) / (METERS - 1);
    const note = `${METERS} meters of 60 registers polled without a rest at ${BAUD_RATE} baud, of which one dies: each other one over the first ${spans.afterMs / 1000} s; limit: before`;
    return [
      benchRow({ name: 'dead_meter', unit: 'reads of a meter/s', note }, { value: [after], limit: [before] }),
    ];
  } finally {
    await polling.stop();
    child.disconnect();
    await once(child, 'exit');
  }
}

async function rateOver(milliseconds: number, count: () => number): Promise<number> {
  const [startedAt, from] = [performance.now(), count()];
  await sleep(milliseconds);
  return ((count() - from) * 1000) / (performance.now() - startedAt);
}
