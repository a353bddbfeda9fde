/**
 * A day's backlog of many gateways through Mosquitto into PostgreSQL: four worker processes on one shared subscription against one. All
 * must leave the same state, whatever the order in which the broker hands things out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdCompressSync } from 'node:zlib';
import mqtt from 'mqtt';
import { mosquittoFiles } from '../cloud/mosquitto-config.ts';
import { postgresProgram, startTestServer, type TestServer } from '../cloud/store/postgres/test-server.ts';
import { stateHash } from '../cloud/store/state-hash.ts';
import { openStore } from '../cloud/store/store.ts';
import { ACTIVE_IMPORT } from '../protocols/obis.ts';
import type { Reading } from '../protocols/reading.ts';
import { readingsTopic, receiptsTopic } from '../protocols/topics.ts';
import { type Batch, Receipt } from '../protocols/uplink.ts';
import { freePorts } from '../simulators/demo/free-ports.ts';
import { QUARTER_MS, START_MS } from './bench-readings.ts';
import { type BenchRow, benchRow, type Measurement } from './measure.ts';

const MOSQUITTO = '/usr/sbin/mosquitto';
const WORKERS = 4;
const SLOTS = 96;
const meterline = new URL('../meterline.ts', import.meta.url).pathname;

export interface BacklogSize {
  gateways: number;
  /** Of a gateway, each read on every quarter of an hour of the day. */
  meters: number;
  /** Quarters of an hour in one batch. */
  slotsABatch: number;
}

export const measurements: Measurement[] = [
  {
    name: 'workers_postgres',
    measure: () => workersPostgres({ gateways: 500, meters: 20, slotsABatch: 24 }),
  },
];

/** Nothing where server or broker is missing. @throws Error where the states differ: that would be no measurement */
export async function workersPostgres(size: BacklogSize): Promise<BenchRow[]> {
  if (!existsSync(postgresProgram()) || !existsSync(MOSQUITTO)) return [];
  const one = await drain(size, 1);
  const four = await drain(size, WORKERS);
  if (one.state !== four.state) throw new Error(`${WORKERS} workers leave another state than one`);
  const readings = size.gateways * size.meters * SLOTS;
  const note = `a day of ${size.gateways} gateways with ${size.meters} meters each, ${readings} readings, receipted to the last; ${WORKERS} workers, Mosquitto and PostgreSQL on this machine; same state; limit: one worker`;
  return [
    benchRow(
      { name: 'workers_postgres', unit: 'readings/s', note },
      { value: [readings / four.seconds], limit: [readings / one.seconds] },
    ),
  ];
}

async function drain(size: BacklogSize, workers: number): Promise<{ seconds: number; state: string }> {
  const opened = new AsyncDisposableStack();
  try {
    const folder = mkdtempSync(join(tmpdir(), 'meterline-workers-'));
    chmodSync(folder, 0o700);
    opened.defer(() => rmSync(folder, { recursive: true }));
    const server = opened.use(
      await startTestServer({
        settings: { shared_buffers: '512MB', max_wal_size: '4GB' },
        isOnDisk: true,
      }),
    );
    const place = await server.createDatabase();
    await (await openStore({ postgres: place })).close();
    const url = await startMosquitto(folder, size, opened);
    const password = join(folder, 'password');
    writeFileSync(password, place.password ?? '', { mode: 0o600 });
    const { host, port, database, user } = place;
    const config = join(folder, 'cloud.yaml');
    const broker = { url, username: 'ingest', password: 'ingest-password' };
    const store = { postgres: { host, port, database, user, passwordFile: password } };
    const http = { host: '127.0.0.1', port: 0 };
    writeFileSync(config, JSON.stringify({ dataDir: folder, park: 'park.json', http, broker, store }));
    await Promise.all(Array.from({ length: workers }, (_, i) => startWorker(config, i + 2, opened)));
    const started = performance.now();
    await deliverAll(url, size);
    const seconds = (performance.now() - started) / 1000;
    return { seconds, state: await stateHash((sql) => rowsOf(server, place, sql)) };
  } finally {
    await opened.disposeAsync();
  }
}

/** In pages: a day of readings is too much to hand over at once. */
async function* rowsOf(
  server: TestServer,
  place: Parameters<TestServer['query']>[0],
  sql: string,
): AsyncIterable<object> {
  const PAGE = 50_000;
  for (let offset = 0, more = true; more; offset += PAGE) {
    const rows = await server.query(place, `${sql} LIMIT ${PAGE} OFFSET ${offset}`);
    yield* rows;
    more = rows.length === PAGE;
  }
}

const nameOf = (gateway: number): string => `gw-${gateway}`;
const passwordOf = (gateway: number): string => `password-of-${gateway}`;

async function startMosquitto(
  folder: string,
  { gateways }: BacklogSize,
  opened: AsyncDisposableStack,
): Promise<string> {
  const [port = 0] = await freePorts(1);
  const files = mosquittoFiles({
    ...{ host: '127.0.0.1', port, folder, user: 'root' },
    gateways: Array.from({ length: gateways }, (_, i) => ({ gateway: nameOf(i), password: passwordOf(i) })),
    ingest: { username: 'ingest', password: 'ingest-password', workers: WORKERS + 1 },
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  const child = spawn(MOSQUITTO, ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });
  opened.defer(() => ended(child, 'SIGTERM'));
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const up = await once(socket, 'connect').catch(() => null);
    socket.destroy();
    if (up !== null) return `mqtt://127.0.0.1:${port}`;
    await sleep(20);
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

async function startWorker(config: string, worker: number, opened: AsyncDisposableStack): Promise<void> {
  const args = [meterline, 'ingest', '--config', config, '--worker', `${worker}`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  opened.defer(() => ended(child, 'SIGTERM'));
  await once(child, 'message');
}

function batchesOf(gateway: string, { meters, slotsABatch }: BacklogSize): Batch[] {
  return Array.from({ length: SLOTS / slotsABatch }, (_, b) => {
    const first = b * slotsABatch * meters;
    const items = Array.from({ length: slotsABatch * meters }, (__, i): Reading => {
      const n = first + i;
      const slot = Math.floor(n / meters);
      return {
        kind: 'reading',
        sequence: n + 1,
        meter: `${gateway}-${n % meters}`,
        register: ACTIVE_IMPORT,
        readAt: Temporal.Instant.fromEpochMilliseconds(START_MS + slot * QUARTER_MS).toString(),
        value: `${1000 + slot}.${String(n % 1_000_000).padStart(6, '0')}`,
        unit: 'kWh',
        raw: '000f4240',
        source: 'poll',
      };
    });
    return { gateway, epoch: '00000000000000aa', from: first + 1, to: first + items.length, items };
  });
}

/** So many gateways are connected at a time; each sends all it has, and goes when it is receipted. */
const AT_ONCE = 50;

async function deliverAll(url: string, size: BacklogSize): Promise<void> {
  let next = 0;
  const deliverNext = async (): Promise<void> => {
    while (next < size.gateways) {
      next += 1;
      await deliver(url, next - 1, size);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, deliverNext));
}

async function deliver(url: string, gateway: number, size: BacklogSize): Promise<void> {
  const name = nameOf(gateway);
  const client = mqtt.connect(url, { clientId: name, username: name, password: passwordOf(gateway) });
  const open = new Map(batchesOf(name, size).map((batch) => [batch.from, batch]));
  const done = Promise.withResolvers<void>();
  client.on('message', (_, payload) => {
    open.delete(Receipt.parse(JSON.parse(payload.toString())).from);
    if (open.size === 0) done.resolve();
  });
  await client.subscribeAsync(receiptsTopic(name), { qos: 1 });
  for (const batch of open.values())
    client.publish(readingsTopic(name), zstdCompressSync(JSON.stringify(batch)), { qos: 1 });
  await done.promise;
  await client.endAsync();
}
