/** The rules of the embedded broker, kept by Mosquitto with our settings and our certificates. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, expect, type TestContext, test, vi } from 'vitest';
import { requirePeer } from '../process/peers.ts';
import { readingsTopic, receiptsTopic, statusTopic } from '../protocols/topics.ts';
import { mosquittoFiles } from './mosquitto-config.ts';
import { startAuthority, type TestAuthority } from './test-authority.ts';

const MOSQUITTO = '/usr/sbin/mosquitto';
const ingest = { username: 'ingest', password: 'a-long-password' };

let folder: string;
let park: TestAuthority;
let child: ChildProcess | null;
let clients: MqttClient[];
let ports: { gateways: number; workers: number };
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-mosquitto-'));
  park = await startAuthority();
  clients = [];
  child = null;
});
afterEach(async () => {
  for (const client of clients) await client.endAsync(true);
  await stop();
  park.remove();
  rmSync(folder, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function start(context: TestContext): Promise<void> {
  requirePeer(context, MOSQUITTO);
  ports = { gateways: await freePort(), workers: await freePort() };
  const { cert, key, clientCa, revoked = '' } = park.brokerTls;
  const files = mosquittoFiles({
    host: '127.0.0.1',
    port: ports.gateways,
    folder,
    gateways: [],
    ingest,
    tls: { cert, key, clientCa, revoked, workers: { host: '127.0.0.1', port: ports.workers } },
    user: userInfo().username,
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  await run();
}

async function run(): Promise<void> {
  child = spawn(MOSQUITTO, ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' });
  await vi.waitFor(
    async () => {
      const socket = connect(ports.workers, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
    },
    { timeout: 5_000 },
  );
}

async function stop(): Promise<void> {
  if (child === null || child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** @returns the client when it is welcome, or null when it is not */
function tryJoin(port: number, options: IClientOptions): Promise<MqttClient | null> {
  const client = mqtt.connect(`mqtts://127.0.0.1:${port}`, { reconnectPeriod: 0, ...options });
  clients.push(client);
  client.on('error', () => undefined);
  return new Promise((resolve) => {
    client.once('connect', () => resolve(client));
    client.once('close', () => resolve(null));
  });
}

async function joined(name: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await tryJoin(ports.gateways, { clientId: name, ...(await park.gateway(name)), ...options });
  if (client === null) throw new Error(`${name} is not welcome`);
  return client;
}

async function worker(heard: string[][]): Promise<MqttClient> {
  const client = await tryJoin(ports.workers, { ...ingest, ca: park.authority.trusted() });
  if (client === null) throw new Error('the worker is not welcome');
  client.on('message', (topic, payload) => heard.push([topic, payload.toString()]));
  await client.subscribeAsync(['meterline/1/+/readings', 'meterline/1/+/status'], { qos: 1 });
  return client;
}

test('a gateway speaks and hears on its own topics, and nobody hears what it says elsewhere', async (context) => {
  await start(context);
  const heard: string[][] = [];
  const ingestWorker = await worker(heard);
  const will = { topic: statusTopic('gw-b'), payload: Buffer.from('offline'), qos: 1 as const, retain: true };
  const [first, second] = [
    await joined('gw-a'),
    await joined('gw-b', { will: { ...will, topic: statusTopic('gw-a') } }),
  ];
  const receipts: string[] = [];
  first.on('message', (topic) => receipts.push(topic));
  await first.subscribeAsync([receiptsTopic('gw-a')], { qos: 1 });
  for (const topic of ['#', '$SYS/#', '$share/x/meterline/1/+/readings', receiptsTopic('gw-a')])
    await second.subscribeAsync(topic, { qos: 1 }).catch(() => undefined);
  const overheard: string[] = [];
  second.on('message', (topic) => overheard.push(topic));
  await second.publishAsync(readingsTopic('gw-a'), 'foreign', { qos: 1 });
  second.stream.destroy();
  await ingestWorker.publishAsync(receiptsTopic('gw-a'), 'r', { qos: 1 });
  await first.publishAsync(readingsTopic('gw-a'), 'own', { qos: 1 });
  await vi.waitFor(() => expect([heard.length, receipts.length]).toEqual([1, 1]));
  expect(heard).toEqual([[readingsTopic('gw-a'), 'own']]);
  expect(overheard).toEqual([]);
});

test('who is not let in, while the first session stays', async (context) => {
  await start(context);
  const first = await joined('gw-a');
  const nowMs = Date.now();
  const server = await park.authority.issuePair({ kind: 'server', hosts: ['gw-a'] }, { nowMs });
  const other = await startAuthority();
  const ca = park.authority.trusted();
  const pairs: IClientOptions[] = [
    { ca },
    { ca, ...ingest },
    { ca, cert: server.certificate, key: server.key },
    { ...(await other.gateway('gw-a')), ca },
    { ...(await park.gateway('gw-a', { days: -0.5 })) },
  ];
  other.remove();
  for (const pair of pairs) expect(await tryJoin(ports.gateways, { clientId: 'gw-a', ...pair })).toBeNull();
  expect(await tryJoin(ports.workers, { clientId: 'gw-a', ...(await park.gateway('gw-a')) })).toBeNull();
  // Mosquitto does not refuse a foreign client id: it puts the certificate's name in its place.
  expect(await tryJoin(ports.gateways, { clientId: 'gw-a', ...(await park.gateway('gw-b')) })).not.toBeNull();
  await first.publishAsync(readingsTopic('gw-a'), 'still here', { qos: 1 });
});

test('a revoked certificate is refused from SIGHUP on, and a restart ends its session', async (context) => {
  await start(context);
  const pair = await park.gateway('gw-b');
  const client = await tryJoin(ports.gateways, { clientId: 'gw-b', ...pair });
  expect(client).not.toBeNull();
  await park.authority.revoke('gw-b', Date.now());
  child?.kill('SIGHUP');
  // A connection from before the lists were read anew ends the session as well: Mosquitto itself leaves it open.
  await vi.waitFor(
    async () => expect(await tryJoin(ports.gateways, { clientId: 'gw-b', ...pair })).toBeNull(),
    { timeout: 5_000 },
  );
  await stop();
  await run();
  expect(client?.connected).toBe(false);
  expect(await tryJoin(ports.gateways, { clientId: 'gw-b', ...pair })).toBeNull();
  expect(await joined('gw-b')).not.toBeNull();
});
