/** The whole line on one machine: from the outbox's commit to the cloud's receipt, edge and cloud each in a process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { openStore } from '../cloud/store/store.ts';
import { systemClock } from '../edge/clock.ts';
import { openOutbox } from '../edge/outbox.ts';
import { startUplink } from '../edge/uplink.ts';
import { benchBatches, benchReading, INGESTED_MS, METERS, withoutKey } from './bench-readings.ts';
import {
  type BenchRow,
  benchRow,
  type Cost,
  costOf,
  interleave,
  type Measurement,
  ROUNDS,
} from './measure.ts';

const GATEWAY = 'gw-bench';
const PASSWORD = 'bench-password';
/** What the uplink puts into one batch of a backlog. */
const BATCH_ITEMS = 1_000;
const INGESTED_AT = Temporal.Instant.fromEpochMilliseconds(INGESTED_MS).toString();

export const measurements: Measurement[] = [
  { name: 'line_end_to_end', measure: () => lineEndToEnd({ rounds: ROUNDS, slots: 400 }) },
];

/** Commits of one boundary each until all are receipted, and the same number of readings into the store alone, in bulk. */
export async function lineEndToEnd({
  rounds,
  slots,
}: {
  rounds: number;
  slots: number;
}): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-bench-'));
  const line = await startLine(folder);
  const store = await openStore({ file: join(folder, 'bulk.db') });
  const count = slots * METERS;
  const size = { batches: Math.ceil(count / BATCH_ITEMS), items: BATCH_ITEMS };
  let stored = 0;
  const rate = (readings: number, { seconds }: Cost): number => readings / seconds;
  try {
    const rates = await interleave(rounds, {
      line: async () => rate(count, await line.carry(slots)),
      async store() {
        const batches = benchBatches(stored, size);
        const readings = size.batches * size.items;
        stored += readings;
        const ingested = await costOf(async () => {
          for (const batch of batches) await store.ingestBatch(batch, INGESTED_AT);
        });
        return rate(readings, ingested);
      },
    });
    const note = `outbox commits of ${METERS} readings, uplink, embedded broker, ingest, receipts, in two processes; limit: the store alone in batches of ${BATCH_ITEMS}`;
    return [
      benchRow(
        { name: 'line_end_to_end', unit: 'readings/s', note },
        { value: rates.line, limit: rates.store },
      ),
    ];
  } finally {
    await line.close();
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

interface BenchLine {
  /** What it costs to take the readings of `slots` boundaries, one commit each, and have them all receipted. */
  carry(slots: number): Promise<Cost>;
  close(): Promise<void>;
}

async function startLine(folder: string): Promise<BenchLine> {
  const child = join(import.meta.dirname, 'ingest-child.ts');
  const cloud = fork(child, [join(folder, 'cloud.db'), '0', GATEWAY, PASSWORD]);
  const [broker] = (await once(cloud, 'message')) as [string];
  const outbox = openOutbox({ folder: join(folder, 'outbox'), gateway: GATEWAY, maxBytes: 1 << 30 });
  const faults: unknown[] = [];
  const uplink = startUplink({
    gateway: GATEWAY,
    broker,
    username: GATEWAY,
    password: PASSWORD,
    outbox,
    clock: systemClock(),
    log: pino({ level: 'error' }, pino.destination(2)),
    buses: () => [],
    onFault: (error) => faults.push(error),
  });
  while (!uplink.connected()) await sleep(5);
  let taken = 0;
  return {
    carry(slots) {
      const commits = Array.from({ length: slots }, () =>
        Array.from({ length: METERS }, () => withoutKey(benchReading(taken++))),
      );
      return costOf(async () => {
        for (const readings of commits) {
          outbox.append(readings);
          uplink.wake();
          // The socket has its turn between two commits, as it has between two polls.
          await new Promise(setImmediate);
        }
        while (outbox.acknowledgedTo < taken && faults.length === 0) await sleep(1);
        if (faults.length > 0) throw new Error('the uplink failed', { cause: faults[0] });
      });
    },
    async close() {
      await uplink.stop();
      outbox.close();
      cloud.disconnect();
      await once(cloud, 'exit');
    },
  };
}
