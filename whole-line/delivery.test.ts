/** The outbox of a gateway to the cloud's store over a real broker, with a wire in between that can misbehave. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startBroker } from '../cloud/broker.ts';
import { decodeBatch } from '../cloud/decode-batch.ts';
import { startIngest } from '../cloud/ingest.ts';
import { mosquittoFiles } from '../cloud/mosquitto-config.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import type { NewReading } from '../edge/buffer/outbox-items.ts';
import { SequenceRanges } from '../edge/buffer/sequence-ranges.ts';
import { type Outbox, openOutbox } from '../edge/outbox.ts';
import { startUplink, type Uplink } from '../edge/uplink.ts';
import { requirePeer } from '../process/peers.ts';
import { readingsTopic, receiptsTopic, statusTopic } from '../protocols/topics.ts';

const MOSQUITTO = '/usr/sbin/mosquitto';
const PASSWORD = 'gateway-password';
const START_MS = Date.UTC(2026, 8, 1);
const clock = {
  nowMs: () => START_MS + 40 * 86_400_000,
  until: () => Promise.resolve(),
};
const log = pino({ level: 'silent' });

let folder: string;
let outbox: Outbox;
let store: Store;
let cleanUp: (() => unknown)[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-delivery-'));
  outbox = openOutbox({ folder: join(folder, 'outbox'), gateway: 'gw-a', maxBytes: 1 << 30 });
  store = await openStore({ file: join(folder, 'store.db') });
  cleanUp = [() => store.close(), () => outbox.close()];
});
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  rmSync(folder, { recursive: true });
});

const reading = (n: number, value = n): NewReading => ({
  meter: `E-${n % 84}`,
  register: '1-0:1.8.0',
  readAt: Temporal.Instant.fromEpochMilliseconds(START_MS + Math.floor(n / 84) * 60_000).toString(),
  value: String(value),
  unit: 'kWh',
  source: 'poll',
});
const fill = (from: number, to: number): void => {
  for (let n = from; n < to; n += 84)
    outbox.append(Array.from({ length: Math.min(84, to - n) }, (_, k) => reading(n + k)));
};

const uplinkTo = (broker: string, timing = {}, alternativeBrokers: string[] = []): Uplink => {
  const uplink = startUplink({
    gateway: 'gw-a',
    broker,
    alternativeBrokers,
    username: 'gw-a',
    password: PASSWORD,
    outbox,
    clock,
    log,
    buses: () => [],
    onFault: (error) => {
      throw error;
    },
    timing: { receiptMs: 300, backlogStartMs: 50, firstPauseMs: 20, longestPauseMs: 100, ...timing },
  });
  cleanUp.push(() => uplink.stop());
  return uplink;
};
const ingestFrom = async (brokerUrl: string, credential: { username: string; password: string }) => {
  const ingest = await startIngest({ brokerUrl, ...credential, store, clock, log });
  cleanUp.push(() => ingest.stop());
  return ingest;
};
const drained = (): Promise<void> =>
  vi.waitFor(() => expect(outbox.stats().rows).toBe(0), { timeout: 15_000, interval: 10 });

/** Every accepted reading is in the store, exactly once and unchanged. */
async function expectStored(count: number): Promise<void> {
  const rows = [];
  for (let m = 0; m < Math.min(84, count); m += 1)
    rows.push(
      ...(await store.readings({
        meter: `E-${m}`,
        register: '1-0:1.8.0',
        fromMs: START_MS,
        toMs: START_MS + 40 * 86_400_000,
      })),
    );
  expect(rows.length).toBe(count);
  const sequences = rows.map(({ sequence }) => sequence).sort((a, b) => a - b);
  expect(sequences).toEqual(Array.from({ length: count }, (_, i) => i + 1));
  expect(rows.every(({ value, sequence }) => value === BigInt(sequence - 1) * 1_000_000n)).toBe(true);
}

interface RunningBroker {
  url: string;
  credential: { username: string; password: string };
}

async function embedded(): Promise<RunningBroker> {
  const broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    gateways: [
      { gateway: 'gw-a', password: PASSWORD },
      { gateway: 'gw-b', password: PASSWORD },
    ],
    log,
  });
  cleanUp.push(() => broker.close());
  return { url: broker.url, credential: broker.ingestCredential };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function mosquitto(): Promise<RunningBroker> {
  const port = await freePort();
  const credential = { username: 'ingest', password: 'ingest-password' };
  const own = mkdtempSync(join(tmpdir(), 'meterline-mosquitto-'));
  const files = mosquittoFiles({
    host: '127.0.0.1',
    port,
    folder: own,
    gateways: [
      { gateway: 'gw-a', password: PASSWORD },
      { gateway: 'gw-b', password: PASSWORD },
    ],
    ingest: credential,
    user: 'root',
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(own, name), text, { mode: 0o600 });
  chmodSync(own, 0o700);
  const running = await launch();
  cleanUp.push(async () => {
    running.kill('SIGTERM');
    await once(running, 'exit');
    rmSync(own, { recursive: true });
  });
  return { url: `mqtt://127.0.0.1:${port}`, credential };

  async function launch(): Promise<ChildProcess> {
    const child = spawn(MOSQUITTO, ['-c', join(own, 'mosquitto.conf')], { stdio: 'ignore' });
    await vi.waitFor(async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
    });
    return child;
  }
}

const brokers: {
  name: string;
  start: (context: { skip(note?: string): never }) => Promise<RunningBroker>;
}[] = [
  { name: 'the embedded broker', start: embedded },
  {
    name: 'Debian’s Mosquitto',
    start: (context) => {
      requirePeer(context, MOSQUITTO);
      return mosquitto();
    },
  },
];

describe.each(brokers)('over $name', ({ start }) => {
  test('every accepted reading arrives once, and rows go only when stored', async (context) => {
    const { url, credential } = await start(context);
    const ingest = await ingestFrom(url, credential);
    fill(0, 5000);
    const uplink = uplinkTo(url, { receiptMs: 5000 });
    await drained();
    fill(5000, 5100);
    uplink.wake();
    await drained();
    await expectStored(5100);
    expect(ingest.intake.counters).toMatchObject({
      stored: 5100,
      duplicates: 0,
      quarantined: 0,
      malformed: 0,
    });
    expect((await store.gatewayStatuses())[0]).toMatchObject({ gateway: 'gw-a', online: true });
    const { offsetSeconds = NaN, uncertaintySeconds = NaN } = uplink.status(true).cloudOffset ?? {};
    expect(Math.abs(offsetSeconds)).toBeLessThanOrEqual(uncertaintySeconds);
    await uplink.stop();
    await vi.waitFor(async () =>
      expect((await store.gatewayStatuses())[0]).toMatchObject({ online: false, bufferedRows: 0 }),
    );
  });

  test('a broker that is away is reached at its other address', async (context) => {
    const { url, credential } = await start(context);
    await ingestFrom(url, credential);
    const closed = await freePort();
    fill(0, 100);
    uplinkTo(`mqtt://127.0.0.1:${closed}`, { receiptMs: 5000 }, [url]);
    await drained();
    await expectStored(100);
  });

  test('without ingest nothing is deleted, and everything arrives when it comes back', async (context) => {
    const { url, credential } = await start(context);
    fill(0, 2500);
    const spy = mqtt.connect(url, { ...credential, clientId: 'ingest-spy' });
    await spy.subscribeAsync(readingsTopic('+'), { qos: 1 });
    uplinkTo(url, { receiptMs: 30 });
    // It sends its window again and again, and builds new links, without a single receipt.
    for (let heard = 0; heard < 40; heard += 1) await new Promise((resolve) => spy.once('message', resolve));
    await spy.endAsync(true);
    expect(outbox.stats().rows).toBe(2500);
    const ingest = await ingestFrom(url, credential);
    await drained();
    await expectStored(2500);
    expect(ingest.intake.counters.quarantined).toBe(0);
  });

  test('a gateway that dies leaves its will: offline', async (context) => {
    const { url, credential } = await start(context);
    await ingestFrom(url, credential);
    const wire = await proxy(url);
    uplinkTo(wire.url);
    await vi.waitFor(async () => expect((await store.gatewayStatuses())[0]).toMatchObject({ online: true }));
    wire.stop();
    await vi.waitFor(async () => expect((await store.gatewayStatuses())[0]).toMatchObject({ online: false }));
  });

  test('a gateway cannot speak, listen or connect as another', async (context) => {
    const { url, credential } = await start(context);
    await ingestFrom(url, credential);
    const rogue = mqtt.connect(url, { clientId: 'gw-b', username: 'gw-b', password: PASSWORD });
    cleanUp.push(() => rogue.endAsync(true));
    const overheard: string[] = [];
    rogue.on('message', (topic) => overheard.push(topic));
    await rogue.publishAsync(statusTopic('gw-a'), '{}', { qos: 1 });
    // Some brokers refuse these, others grant them and deliver nothing.
    for (const topic of ['#', '$SYS/#', receiptsTopic('gw-a'), readingsTopic('+')])
      await rogue.subscribeAsync(topic, { qos: 1 }).catch(() => undefined);
    const impostor = mqtt.connect(url, {
      clientId: 'gw-a',
      username: 'gw-a',
      password: 'x',
      reconnectPeriod: 0,
    });
    const error = await new Promise((resolve) => impostor.once('error', resolve));
    expect([4, 5]).toContain((error as { code?: number }).code);
    expect(await store.gatewayStatuses()).toEqual([]);
    fill(0, 100);
    uplinkTo(url);
    await drained();
    expect(overheard).toEqual([]);
    expect(rogue.connected).toBe(true);
  });
});

/** A wire that can be cut, and that can lose, delay or repeat whatever the broker says after the first exchange. */
async function proxy(url: string) {
  const { hostname, port } = new URL(url);
  const pairs = new Set<[Socket, Socket]>();
  const rules = { down: (chunk: Buffer, send: (b: Buffer) => void): void => send(chunk) };
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    near.pipe(far);
    far.on('data', (chunk) => rules.down(chunk as Buffer, (b) => near.destroyed || near.write(b)));
    const drop = (): void => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    for (const socket of pair) socket.on('error', drop).on('close', drop);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  const stop = (): void => {
    server.close();
    cut();
  };
  cleanUp.push(stop);
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, rules, cut, stop, pairs };
}

test('a link that is cut again and again: nothing is lost, nothing is doubled', async () => {
  const { url, credential } = await embedded();
  await ingestFrom(url, credential);
  const wire = await proxy(url);
  const uplink = uplinkTo(wire.url);
  let appended = 0;
  const feeding = setInterval(() => {
    if (appended >= 8400) return;
    fill(appended, appended + 840);
    appended += 840;
    uplink.wake();
    if (appended % 1680 === 0) wire.cut();
  }, 20);
  await vi.waitFor(() => expect(appended).toBe(8400), { timeout: 10_000 });
  clearInterval(feeding);
  await drained();
  await expectStored(8400);
});

test('a half-open link: the uplink builds a new one by itself', async () => {
  const { url, credential } = await embedded();
  await ingestFrom(url, credential);
  const wire = await proxy(url);
  const pass = wire.rules.down;
  const uplink = uplinkTo(wire.url, { receiptMs: 40 });
  await vi.waitFor(async () => expect(await store.gatewayStatuses()).toHaveLength(1));
  wire.rules.down = () => undefined;
  const [first] = [...wire.pairs];
  fill(0, 100);
  uplink.wake();
  await vi.waitFor(() => expect(first === undefined || !wire.pairs.has(first)).toBe(true), {
    timeout: 10_000,
  });
  expect(outbox.stats().rows).toBe(100);
  wire.rules.down = pass;
  await drained();
  await expectStored(100);
});

test('receipts that are dropped, repeated, delayed or reordered: nothing is deleted that is not stored', async () => {
  const { url, credential } = await embedded();
  const client = mqtt.connect(url, { ...credential, clientId: 'ingest-unreliable' });
  cleanUp.push(() => client.endAsync(true));
  let seed = 42;
  const chance = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const stored = new SequenceRanges();
  const storedTo = (): number => stored.firstMissing(1) - 1;
  let batches = 0;
  const held: string[] = [];
  client.handleMessage = ({ payload }, done) => {
    const batch = decodeBatch(Buffer.from(payload), 'gw-a');
    assert(batch.ok);
    const { epoch, from, to } = batch;
    batches += 1;
    stored.add(from, to);
    const receipt = JSON.stringify({
      gateway: 'gw-a',
      epoch,
      from,
      to,
      stored: to - from + 1,
      duplicates: 0,
      quarantined: 0,
    });
    const luck = chance();
    if (luck < 0.3) held.push(receipt);
    else if (luck < 0.7 || batches > 1000) held.unshift(receipt, receipt);
    while (held.length > 3 || (held.length > 0 && chance() < 0.4) || (batches > 1000 && held.length > 0)) {
      const [late] = held.splice(Math.floor(chance() * held.length), 1);
      client.publish(receiptsTopic('gw-a'), late ?? '', { qos: 1 });
    }
    done();
  };
  await client.subscribeAsync(readingsTopic('+'), { qos: 1 });
  const acknowledge = outbox.acknowledge.bind(outbox);
  let early = 0;
  outbox.acknowledge = (receipt) => {
    acknowledge(receipt);
    if (outbox.acknowledgedTo > storedTo()) early += 1;
  };
  const uplink = uplinkTo(url, { receiptMs: 20, firstPauseMs: 1, longestPauseMs: 2 });
  for (let n = 0; n < 20_000; n += 40) {
    outbox.append(Array.from({ length: 40 }, (_, k) => reading(n + k)));
    uplink.wake();
    if (n % 400 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await drained();
  expect(early).toBe(0);
  expect(storedTo()).toBe(20_000);
  expect(batches).toBeGreaterThan(30);
});
