/** kill -9 of workers, of the server's backends and of the whole server, while they commit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { batchOfSlot, METERS } from '../cloud/store/postgres/kill-readings.ts';
import type { PostgresPlace } from '../cloud/store/postgres/open-database.ts';
import { openStore } from '../cloud/store/postgres/open-store.ts';
import { postgresProgram, startTestServer, type TestServer } from '../cloud/store/postgres/test-server.ts';
import { requirePeer } from '../process/peers.ts';
import { compareReadings, type GivenReading, type StoredRow } from '../simulators/compare-readings.ts';

const SLOTS = 80;
const GATEWAYS = ['gw-a', 'gw-b'];
const child = new URL('../cloud/store/postgres/kill-child.ts', import.meta.url).pathname;

interface Sender {
  acknowledged: Set<number>;
  /** Ends the process at once, and begins another some batches back, as a gateway does that lost its receipts. */
  kill(): void;
  /** No other begins. */
  stop(): void;
  done: Promise<unknown>;
}

function startSender(place: PostgresPlace, gateway: string, onAcknowledged: () => void): Sender {
  const acknowledged = new Set<number>();
  const done = Promise.withResolvers<void>();
  let running: ChildProcess;
  let isOver = false;
  const start = (): void => {
    const first = Math.max(0, acknowledged.size - 3);
    const args = [child, JSON.stringify(place), gateway, `${first}`, `${SLOTS}`];
    const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    running = started;
    createInterface({ input: started.stdout }).on('line', (line) => {
      acknowledged.add(Number(line));
      onAcknowledged();
    });
    void once(started, 'exit').then(([code]) => {
      if (code === 0 || isOver) done.resolve();
      else start();
    });
  };
  start();
  const kill = (): void => void running.kill('SIGKILL');
  const stop = (): void => {
    isOver = true;
    kill();
  };
  return { acknowledged, kill, stop, done: done.promise };
}

const backends = async (server: TestServer, place: PostgresPlace): Promise<number[]> => {
  const rows = await server.query(
    place,
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'meterline'",
  );
  return rows.map(({ pid }) => pid as number);
};

async function storedRows(server: TestServer, place: PostgresPlace): Promise<StoredRow[]> {
  const rows = await server.query(place, 'SELECT * FROM reading');
  return rows.map((row) => ({
    at: `${row.meter} ${row.register} ${row.instant}`,
    key: `${row.gateway} ${row.epoch} ${row.sequence}`,
    shows: `${row.value} ${row.unit}`,
  }));
}

function givenReadings(): Map<string, GivenReading> {
  const given = new Map<string, GivenReading>();
  for (const gateway of GATEWAYS)
    for (let slot = 0; slot < SLOTS; slot += 1)
      for (const item of batchOfSlot(gateway, slot).items) {
        if (item.kind !== 'reading') continue;
        const atMs = Temporal.Instant.from(item.readAt).epochMilliseconds;
        const value = String(item.value)
          .replace('.', '')
          .replace(/^0+(?=\d)/, '');
        given.set(`${item.meter} ${item.register} ${atMs}`, { shows: `${value} ${item.unit}`, isDue: true });
      }
  return given;
}

test('workers, backends and the server are killed while they commit: what was acknowledged is there, once and unchanged', {
  timeout: 120_000,
}, async (context) => {
  requirePeer(context, postgresProgram());
  const server = await startTestServer();
  context.onTestFinished(() => server.close());
  const place = await server.createDatabase();
  await (await openStore(place)).close();
  const kills = { worker: 0, backend: 0, server: 0 };
  let acknowledgements = 0;
  let faults = Promise.resolve();
  const strike = async (): Promise<void> => {
    if (acknowledgements % 40 === 0) {
      await server.kill('SIGKILL');
      await server.start();
      kills.server += 1;
    } else if (acknowledgements % 20 === 0) {
      for (const pid of await backends(server, place)) process.kill(pid, 'SIGKILL');
      kills.backend += 1;
    } else {
      senders[(acknowledgements / 10) % 2 < 1 ? 0 : 1]?.kill();
      kills.worker += 1;
    }
  };
  const onAcknowledged = (): void => {
    acknowledgements += 1;
    // One fault after the other: the server has to be there to be told its backends.
    if (acknowledgements % 10 === 0) faults = faults.then(strike).catch(() => undefined);
  };
  const senders = GATEWAYS.map((gateway) => startSender(place, gateway, onAcknowledged));
  for (const { stop } of senders) context.onTestFinished(stop);
  await Promise.all(senders.map(({ done }) => done));
  await faults;
  const result = compareReadings(givenReadings(), await storedRows(server, place));
  expect(result).toMatchObject({ lost: 0, duplicated: 0, altered: 0, unexplained: 0 });
  expect(result.stored).toBe(GATEWAYS.length * SLOTS * METERS);
  const [keys] = await server.query(
    place,
    `SELECT count(*) AS keys, count(r.sequence) AS readings FROM item_key k FULL JOIN reading r USING (gateway, epoch, sequence)`,
  );
  expect(keys).toEqual({ keys: `${result.stored}`, readings: `${result.stored}` });
  expect(kills.worker + kills.backend + kills.server).toBeGreaterThan(12);
  expect(Math.min(...Object.values(kills))).toBeGreaterThan(2);
});
