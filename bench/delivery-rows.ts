/** Delivery end to end: from the outbox on the disk, over mutual TLS and the embedded broker, to committed rows of the cloud. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../cloud/store/store.ts';
import type { Outbox } from '../edge/outbox.ts';
import { benchBatches, benchReadings, INGESTED_MS, METERS, withoutKey } from './bench-readings.ts';
import { type BenchRow, benchRow, costOf, interleave, type Measurement, ROUNDS } from './measure.ts';
import { GATEWAY, startTlsLine, type TlsLine } from './tls-line.ts';

/** What the uplink puts into one batch of a backlog. */
const BATCH_ITEMS = 1_000;
const INGESTED_AT = Temporal.Instant.fromEpochMilliseconds(INGESTED_MS).toString();
/** What a gateway takes meanwhile: the figure that a backlog must be drained ten times as fast as. */
const LIVE_PER_SECOND = 1_000;
const LIVE_EVERY_MS = (1_000 * METERS) / LIVE_PER_SECOND;
const TENFOLD = 10 * LIVE_PER_SECOND;
const LONGEST_LIVE_SECONDS = 2;
const LONGEST_RESTART_SECONDS = 5;
const LEAST_PER_SECOND = 20_000;

export const measurements: Measurement[] = [
  { name: 'delivery_rate', measure: () => deliveryRate({ rounds: ROUNDS, readings: 100_000 }) },
  { name: 'delivery_drain', measure: () => deliveryDrain({ backlog: 400_000 }) },
  { name: 'delivery_restart', measure: () => deliveryRestart({ readings: 1_000_000 }) },
];

async function withTlsLine<T>(work: (line: TlsLine, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-bench-'));
  const line = await startTlsLine(folder);
  try {
    return await work(line, folder);
  } finally {
    await line.close();
    rmSync(folder, { recursive: true });
  }
}

/** What is in the outbox until its last receipt, and as many readings into the store alone, in bulk. */
export function deliveryRate(size: { rounds: number; readings: number }): Promise<BenchRow[]> {
  const { rounds, readings } = size;
  return withTlsLine(async (line, folder) => {
    const store = await openStore({ file: join(folder, 'bulk.db') });
    const uplink = line.connect();
    while (!uplink.connected()) await sleep(5);
    let stored = 0;
    const rate = ({ seconds }: { seconds: number }): number => readings / seconds;
    try {
      const rates = await interleave(rounds, {
        async line() {
          const last = line.outbox.nextSequence - 1 + readings;
          line.fill(last);
          return rate(
            await costOf(async () => {
              uplink.wake();
              while (line.outbox.acknowledgedTo < last) await sleep(1);
            }),
          );
        },
        async store() {
          const batches = benchBatches(stored, { batches: readings / BATCH_ITEMS, items: BATCH_ITEMS });
          stored += readings;
          return rate(
            await costOf(async () => {
              for (const batch of batches) await store.ingestBatch(batch, INGESTED_AT);
            }),
          );
        },
      });
      const what = `${readings} readings from the outbox's log over mutual TLS, embedded broker and ingest to the last receipt, in two processes`;
      const unit = 'readings/s';
      return [
        benchRow(
          {
            name: 'delivery_rate',
            unit,
            note: `${what}; limit: the store alone in batches of ${BATCH_ITEMS}, of which 0.6 is asked for`,
          },
          { value: rates.line, limit: rates.store },
        ),
        benchRow(
          { name: 'delivery_rate_least', unit, note: `${what}; limit: what is asked for on two cores` },
          { value: rates.line, limit: [LEAST_PER_SECOND] },
        ),
      ];
    } finally {
      await store.close();
    }
  });
}

/** A backlog under the usual limits, while the gateway takes readings as always. */
export function deliveryDrain({ backlog }: { backlog: number }): Promise<BenchRow[]> {
  return withTlsLine(async (line) => {
    line.fill(backlog);
    const { outbox } = line;
    const uplink = line.connect({ backlogStartMs: 0 });
    while (!uplink.connected()) await sleep(1);
    const startedAt = performance.now();
    const live: Sent[] = [];
    let drainedAt: number | null = null;
    let dueAt = startedAt;
    while (drainedAt === null) {
      if (performance.now() >= dueAt) {
        dueAt += LIVE_EVERY_MS;
        outbox.append(benchReadings(outbox.nextSequence - 1, METERS).map(withoutKey));
        live.push({ sequence: outbox.nextSequence - 1, atMs: performance.now(), tookMs: null });
        uplink.wake();
      }
      await sleep(1);
      noteReceipts(outbox, live);
      if (outbox.acknowledgedTo >= backlog) drainedAt = performance.now();
    }
    const seconds = (drainedAt - startedAt) / 1000;
    const words = `a backlog of ${backlog} readings, mutual TLS, the usual limit of a backlog's rate, ${live.length} live commits of ${METERS} meanwhile`;
    return [
      benchRow(
        {
          name: 'delivery_drain',
          unit: 'readings/s',
          note: `${words}; limit: ten times the live rate of ${LIVE_PER_SECOND} readings/s`,
        },
        { value: [backlog / seconds], limit: [TENFOLD] },
      ),
      benchRow(
        {
          name: 'delivery_live_p99',
          unit: 's',
          note: `from the commit of a live reading to its receipt, 99 of 100, during ${words}; limit: what is asked for`,
        },
        { value: [percentile(live, 0.99) / 1000], limit: [LONGEST_LIVE_SECONDS] },
      ),
    ];
  });
}

interface Sent {
  sequence: number;
  atMs: number;
  tookMs: number | null;
}

function noteReceipts(outbox: Outbox, live: Sent[]): void {
  const now = performance.now();
  for (const one of live)
    if (one.tookMs === null && outbox.firstUnreceipted(one.sequence) > one.sequence)
      one.tookMs = now - one.atMs;
}

/** What is not receipted yet has taken at least so long. */
function percentile(live: readonly Sent[], part: number): number {
  const now = performance.now();
  const took = live.map(({ atMs, tookMs }) => tookMs ?? now - atMs).sort((a, b) => a - b);
  return took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? Number.NaN;
}

/** A gateway's process that starts with a log of so many readings: until its first receipt. */
export function deliveryRestart({ readings }: { readings: number }): Promise<BenchRow[]> {
  return withTlsLine(async (line, folder) => {
    line.fill(readings);
    line.release();
    const startedAt = performance.now();
    const args = [join(folder, 'outbox'), line.broker, GATEWAY, JSON.stringify(line.tls)];
    const gateway = fork(join(import.meta.dirname, 'uplink-child.ts'), args);
    await once(gateway, 'message');
    const seconds = (performance.now() - startedAt) / 1000;
    gateway.disconnect();
    await once(gateway, 'exit');
    const note = `from the start of a process with ${readings} readings in its outbox to the first receipt, over mutual TLS; limit: what is asked for`;
    return [
      benchRow(
        { name: 'delivery_restart', unit: 's', note },
        { value: [seconds], limit: [LONGEST_RESTART_SECONDS] },
      ),
    ];
  });
}
