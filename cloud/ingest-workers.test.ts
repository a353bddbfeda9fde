/** Worker processes on one shared subscription of a real broker: killed at any moment, they lose nothing and double nothing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import mqtt from 'mqtt';
import { afterEach, beforeEach, expect, type TestContext, test, vi } from 'vitest';
import { requirePeer } from '../process/peers.ts';
import { readingsTopic, receiptsTopic } from '../protocols/topics.ts';
import { type Batch, Receipt } from '../protocols/uplink.ts';
import { mosquittoFiles } from './mosquitto-config.ts';
import { batch, INGESTED_AT, instantText, QUARTER_MS, reading, START_MS } from './store/contract-fixtures.ts';
import { postgresProgram, startTestServer } from './store/postgres/test-server.ts';
import { openDatabase } from './store/sqlite/open-database.ts';
import { operations } from './store/sqlite/operations.ts';
import { stateHash } from './store/state-hash.ts';
import { openStore } from './store/store.ts';

const MOSQUITTO = '/usr/sbin/mosquitto';
const WORKERS = 4;
const GATEWAYS = 20;
const BATCHES = 20;
const ITEMS = 50;
const meterline = new URL('../meterline.ts', import.meta.url).pathname;

let folder: string;
let cleanUp: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-workers-'));
  chmodSync(folder, 0o700);
  cleanUp = [() => rmSync(folder, { recursive: true })];
});
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
});

async function startMosquitto(gateways: { gateway: string; password: string }[]): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const ingest = { username: 'ingest', password: 'ingest-password', workers: WORKERS + 1 };
  const files = mosquittoFiles({ host: '127.0.0.1', port, folder, gateways, ingest, user: 'root' });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  const child = spawn(MOSQUITTO, ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });
  cleanUp.push(() => ended(child, 'SIGTERM'));
  await vi.waitFor(async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  });
  return `mqtt://127.0.0.1:${port}`;
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

async function startWorker(config: string, worker: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [meterline, 'ingest', '--config', config, '--worker', `${worker}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  cleanUp.push(() => ended(child, 'SIGKILL'));
  await once(child, 'message');
  return child;
}

/** What the gateways send: one of fifty readings cannot be stored. */
const batchesOf = (gateway: string): Batch[] =>
  Array.from({ length: BATCHES }, (_, n) => {
    const items = Array.from({ length: ITEMS }, (_, i) =>
      reading({
        meter: `E-${gateway}-${i}`,
        readAt: instantText(START_MS + n * QUARTER_MS),
        value: i === 7 ? '0.0000001' : `${n}.${i}`,
      }),
    );
    return batch(items, { gateway, from: 1 + n * ITEMS });
  });

/** Sends all batches in any order, each again until it is receipted, as a gateway does. */
async function deliver(url: string, gateway: string, password: string, onReceipt: () => void): Promise<void> {
  const client = mqtt.connect(url, { clientId: gateway, username: gateway, password });
  cleanUp.push(() => client.endAsync(true));
  const open = new Map(batchesOf(gateway).map((one) => [one.from, one]));
  const done = Promise.withResolvers<void>();
  client.on('message', (_, payload) => {
    const receipt = Receipt.parse(JSON.parse(payload.toString()));
    expect(receipt.to - receipt.from + 1).toBe(ITEMS);
    if (!open.delete(receipt.from)) return;
    onReceipt();
    if (open.size === 0) done.resolve();
  });
  await client.subscribeAsync(receiptsTopic(gateway), { qos: 1 });
  const send = (): void => {
    for (const one of [...open.values()].toReversed())
      client.publish(readingsTopic(gateway), zstdCompressSync(JSON.stringify(one)), { qos: 1 });
  };
  send();
  const again = setInterval(send, 1_000);
  await done.promise;
  clearInterval(again);
}

/** The state that one process leaves that is sent every batch once, in order. */
function stateOfOne(gateways: string[]): Promise<string> {
  const db = openDatabase(':memory:');
  const { ingestBatch } = operations(db);
  for (const gateway of gateways) for (const one of batchesOf(gateway)) ingestBatch(one, INGESTED_AT);
  return stateHash((sql) => db.prepare(sql).all());
}

async function* rowsOf({ rows }: SharedStore, sql: string): AsyncIterable<object> {
  yield* await rows(sql);
}

/** A store that workers share, empty: what the configuration says of it, and its rows past it. */
interface SharedStore {
  config: Record<string, unknown>;
  rows(sql: string): Promise<object[]>;
}

async function openSqlite(): Promise<SharedStore> {
  const db = openDatabase(join(folder, 'meterline.db'));
  cleanUp.push(() => db.close());
  return { config: {}, rows: async (sql) => db.prepare(sql).all() };
}

async function openPostgres(context: TestContext): Promise<SharedStore> {
  requirePeer(context, postgresProgram());
  const server = await startTestServer();
  cleanUp.push(() => server.close());
  const { host, port, database, user, password } = await server.createDatabase();
  const place = { host, port, database, user, password };
  const store = await openStore({ postgres: place });
  await store.close();
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const postgres = { host, port, database, user, passwordFile };
  return { config: { store: { postgres } }, rows: (sql) => server.query(place, sql) };
}

test.for([
  ['SQLite', openSqlite],
  ['PostgreSQL', openPostgres],
] as const)(
  `${WORKERS} workers on %s, killed at every hundredth receipt: the state of one, receipts only of what is stored`,
  {
    timeout: 60_000,
  },
  async ([, openShared], context) => {
    requirePeer(context, MOSQUITTO);
    const gateways = Array.from({ length: GATEWAYS }, (_, i) => ({
      gateway: `gw-${i}`,
      password: `password-of-${i}`,
    }));
    const url = await startMosquitto(gateways);
    const shared = await openShared(context);
    const config = join(folder, 'cloud.yaml');
    const broker = { url, username: 'ingest', password: 'ingest-password' };
    const http = { host: '127.0.0.1', port: 0 };
    writeFileSync(
      config,
      JSON.stringify({ dataDir: folder, park: 'park.json', http, broker, ...shared.config }),
    );
    const numbers = Array.from({ length: WORKERS }, (_, i) => i + 2);
    const workers = await Promise.all(numbers.map((n) => startWorker(config, n)));
    let receipts = 0;
    const killed: Promise<void>[] = [];
    const onReceipt = (): void => {
      receipts += 1;
      if (receipts % 100 !== 0) return;
      const slot = killed.length % workers.length;
      const victim = workers[slot] as ChildProcess;
      killed.push(
        ended(victim, 'SIGKILL').then(async () => {
          workers[slot] = await startWorker(config, slot + 2);
        }),
      );
    };
    await Promise.all(gateways.map(({ gateway, password }) => deliver(url, gateway, password, onReceipt)));
    await Promise.all(killed);
    expect(receipts).toBe(GATEWAYS * BATCHES);
    expect(killed.length).toBe(4);
    const [count] = await shared.rows('SELECT CAST(count(*) AS integer) AS n FROM reading');
    expect(count).toEqual({ n: GATEWAYS * BATCHES * (ITEMS - 1) });
    expect(await stateHash((sql) => rowsOf(shared, sql))).toBe(
      await stateOfOne(gateways.map(({ gateway }) => gateway)),
    );
  },
);
