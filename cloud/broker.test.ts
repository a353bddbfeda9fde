/** What the broker refuses, each over a real socket with real certificates. */
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { configTopic, readingsTopic, receiptsTopic, statusTopic } from '../protocols/topics.ts';
import { type Broker, type BrokerOptions, startBroker } from './broker.ts';
import { startAuthority, type TestAuthority } from './test-authority.ts';

const log = pino({ level: 'silent' });

let park: TestAuthority;
let broker: Broker;
let clients: MqttClient[];
/** What ingest hears: topic and text. */
let heard: [string, string][];
let first: MqttClient;
beforeEach(async () => {
  park = await startAuthority();
  clients = [];
  await start();
});
afterEach(async () => {
  for (const client of clients) await client.endAsync(true);
  await broker.close();
  park.remove();
});

async function start(options: Partial<BrokerOptions> = {}): Promise<void> {
  broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    tls: park.brokerTls,
    gateways: [],
    log,
    rereadMs: 50,
    ...options,
  });
  heard = [];
  const ingest = await join(broker.url, { clientId: 'ingest-1', ...broker.ingestCredential });
  ingest.on('message', (topic, payload) => heard.push([topic, payload.toString()]));
  for (const kind of ['readings', 'status']) await ingest.subscribeAsync(`meterline/1/+/${kind}`, { qos: 1 });
  await ingest.subscribeAsync('meterline/1/quarantine/+', { qos: 1 });
  first = await connected('gw-a');
}

async function restart(options: Partial<BrokerOptions>): Promise<void> {
  for (const client of clients.splice(0)) await client.endAsync(true);
  await broker.close();
  await start(options);
}

function open(url: string, options: IClientOptions): MqttClient {
  const client = mqtt.connect(url, { reconnectPeriod: 0, ...options });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

async function join(url: string, options: IClientOptions): Promise<MqttClient> {
  const client = open(url, options);
  await welcome(client);
  return client;
}

/** Errors on the way there are what these tests are about. */
const ended = (client: MqttClient) => new Promise<void>((resolve) => client.once('close', () => resolve()));
const welcome = (client: MqttClient) =>
  new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed')));
  });
const socketClosed = (socket: Socket) =>
  new Promise<void>((resolve) => socket.once('close', () => resolve()));

const outside = (): string => `mqtts://127.0.0.1:${broker.port}`;
const connected = async (name: string, options: IClientOptions = {}): Promise<MqttClient> =>
  join(outside(), { clientId: name, ...(await park.gateway(name)), ...options });
const closed = async (client: MqttClient): Promise<void> => {
  if (!client.disconnected || client.connected) await ended(client);
};
/** Messages are in order: what was sent before this one has had its effect. */
async function firstStillWorks(): Promise<void> {
  const text = `still here ${heard.length}`;
  await first.publishAsync(readingsTopic('gw-a'), text, { qos: 1 });
  await vi.waitFor(() => expect(heard).toContainEqual([readingsTopic('gw-a'), text]));
}

test('a gateway with its certificate publishes and hears on its own topics', async () => {
  const granted = await first.subscribeAsync([receiptsTopic('gw-a'), configTopic('gw-a')], { qos: 1 });
  expect(granted.map(({ qos }) => qos)).toEqual([1, 1]);
  await firstStillWorks();
  expect(broker.connected()).toBe(2);
});

describe('who is not let in, while the first session stays', () => {
  const pick = async (name: string, options: object) => ({ ...(await park.gateway(name)), ...options });
  test.each<[string, () => Promise<IClientOptions>]>([
    ['a client id of another: takeover', () => pick('gw-b', { clientId: 'gw-a' })],
    ['a client id that is none of ours', () => pick('gw-b', { clientId: 'x' })],
    ['the name of ingest in a certificate’s place', () => pick('gw-b', { clientId: 'ingest-9' })],
    [
      'ingest’s own password at the entrance of gateways',
      () => pick('gw-b', { clientId: 'ingest-9', ...broker.ingestCredential }),
    ],
    ['no certificate', async () => ({ clientId: 'gw-a', ca: park.authority.trusted() })],
    [
      'a certificate of another authority',
      async () => {
        const other = await startAuthority();
        const { cert, key } = await other.gateway('gw-a');
        other.remove();
        return { clientId: 'gw-a', cert, key, ca: park.authority.trusted() };
      },
    ],
    [
      'a server’s certificate',
      async () => {
        const nowMs = Date.now();
        const { certificate, key } = await park.authority.issuePair(
          { kind: 'server', hosts: ['gw-a'] },
          { nowMs },
        );
        return { clientId: 'gw-a', cert: certificate, key, ca: park.authority.trusted() };
      },
    ],
    [
      'a certificate that has run out',
      async () => ({ clientId: 'gw-a', ...(await park.gateway('gw-a', { days: -0.5 })) }),
    ],
    [
      'TLS 1.1',
      () =>
        pick('gw-a', {
          clientId: 'gw-a',
          minVersion: 'TLSv1',
          maxVersion: 'TLSv1.1',
          ciphers: 'ALL@SECLEVEL=0',
        }),
    ],
  ])('%s', async (_, options) => {
    const client = open(outside(), await options());
    let welcomed = false;
    client.on('connect', () => {
      welcomed = true;
    });
    await ended(client);
    expect(welcomed).toBe(false);
    await firstStillWorks();
    expect(first.connected).toBe(true);
    const { refusedConnections, failedHandshakes } = broker.counters();
    expect(refusedConnections + failedHandshakes).toBeGreaterThan(0);
  });

  test('a gateway at the entrance of ingest', async () => {
    const client = open(broker.url, { clientId: 'gw-a', ...(await park.gateway('gw-a')) });
    await ended(client);
    await firstStillWorks();
  });
});

describe('what is not granted', () => {
  test.each([
    '#',
    '$SYS/#',
    '+/+/+/+',
    '$share/x/meterline/1/+/readings',
    receiptsTopic('gw-b'),
    'meterline/1/+/config',
  ])('subscribing to %s', async (topic) => {
    await expect(first.subscribeAsync(topic, { qos: 1 })).rejects.toThrow();
    expect(broker.counters().refusedSubscriptions).toBe(1);
    await firstStillWorks();
  });
});

describe('publishing to the topic of another', () => {
  const foreign = (client: MqttClient) => client.publishAsync(readingsTopic('gw-b'), 'x', { qos: 1 });

  test('is acknowledged, set aside, and never heard as a reading', async () => {
    await foreign(first);
    await firstStillWorks();
    expect(heard.filter(([topic]) => topic === readingsTopic('gw-b'))).toEqual([]);
    expect(heard[0]?.[0]).toBe('meterline/1/quarantine/gw-a');
  });

  test('again and again: disconnected, no row, and a new connection brings no new patience', async () => {
    const rogue = await connected('gw-c');
    const gone = ended(rogue);
    for (let n = 0; n < 6; n += 1) rogue.publish(readingsTopic('gw-b'), 'x', { qos: 1 });
    await gone;
    const again = await connected('gw-c');
    const goneAgain = ended(again);
    again.publish(readingsTopic('gw-b'), 'x', { qos: 1 });
    await goneAgain;
    await firstStillWorks();
    expect(heard.filter(([topic]) => topic === readingsTopic('gw-b'))).toEqual([]);
    expect(heard.filter(([topic]) => topic === 'meterline/1/quarantine/gw-c')).toHaveLength(5);
    expect(broker.counters()).toMatchObject({ disconnectedIntruders: 2, foreignPublishes: 7 });
  });

  test('by a will: set aside too, and not retained', async () => {
    const will = {
      topic: statusTopic('gw-a'),
      payload: Buffer.from('offline'),
      qos: 1 as const,
      retain: true,
    };
    const rogue = await connected('gw-c', { will });
    rogue.stream.destroy();
    await vi.waitFor(() => expect(heard.map(([topic]) => topic)).toEqual(['meterline/1/quarantine/gw-c']));
  });
});

test('a gateway that sends faster than it may is read more slowly, and loses nothing', async () => {
  await restart({ allowance: { messagesPerSecond: 100 } });
  const sent = Array.from({ length: 300 }, (_, n) => `${n}`);
  const startMs = performance.now();
  await Promise.all(sent.map((text) => first.publishAsync(readingsTopic('gw-a'), text, { qos: 1 })));
  await vi.waitFor(() => expect(heard.map(([, text]) => text)).toEqual(sent));
  await first.publishAsync(readingsTopic('gw-a'), 'last', { qos: 1 });
  expect(performance.now() - startMs).toBeGreaterThan(900);
  expect(first.connected).toBe(true);
});

test('a gateway that sends a multiple of what it may, or over its quota, is disconnected', async () => {
  for (const allowance of [{ bytesPerSecond: 1000 }, { bytesPerDay: 10_000 }]) {
    await restart({ allowance });
    const gone = ended(first);
    first.publish(readingsTopic('gw-a'), Buffer.alloc(60_000), { qos: 1 });
    await gone;
    expect(broker.counters().overAllowance).toBe(1);
  }
  const again = open(outside(), { clientId: 'gw-a', ...(await park.gateway('gw-a')) });
  await ended(again);
  expect(broker.counters().refusedConnections).toBe(1);
});

describe('certificates while the broker runs', () => {
  test('a revoked one: its session ends, it is refused from then on, a new one of the same name is good', async () => {
    const old = await park.gateway('gw-b');
    const client = await join(outside(), { clientId: 'gw-b', ...old });
    await park.authority.revoke('gw-b', Date.now());
    await closed(client);
    const again = open(outside(), { clientId: 'gw-b', ...old });
    await ended(again);
    expect(broker.counters()).toMatchObject({ endedByCertificate: 1, refusedConnections: 1 });
    await connected('gw-b');
    await firstStillWorks();
  });

  test('two authorities are good while one takes the place of the other; then the old one is not', async () => {
    await park.authority.rotate(Date.now());
    const renewed = await park.gateway('gw-b');
    await vi.waitFor(
      async () => join(outside(), { clientId: 'gw-b', ...renewed, rejectUnauthorized: false }),
      {
        timeout: 5000,
      },
    );
    await firstStillWorks();
    await park.authority.retire(Date.now());
    await closed(first);
    expect(broker.counters().endedByCertificate).toBe(1);
  });
});

describe('floods', () => {
  test('pipelined before anybody is known: closed at 64 KiB', async () => {
    const socket = connectTcp(Number(new URL(broker.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      Buffer.from([0x10, 16, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 4, 0x67, 0x77, 0x2d, 0x61]),
    );
    socket.write(
      Buffer.concat(Array.from({ length: 9000 }, () => Buffer.from([0x30, 6, 0, 1, 0x61, 1, 2, 3]))),
    );
    await socketClosed(socket);
    expect(broker.counters().lengthViolations + broker.counters().refusedConnections).toBeGreaterThan(0);
    await firstStillWorks();
  });
});

test('a key that others may read is refused, by its name and with the next step', async () => {
  const { key } = park.brokerTls;
  chmodSync(key, 0o644);
  const again = startBroker({ host: '127.0.0.1', port: 0, tls: park.brokerTls, gateways: [], log });
  await expect(again).rejects.toThrow(`${key} may be read by others: run \`chmod 600 ${key}\``);
  chmodSync(key, 0o600);
});

test('the handshake is with TLS 1.3, or 1.2 where a gateway knows no newer', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const pair = await park.gateway('gw-b');
    const socket: TLSSocket = connectTls({
      port: broker.port,
      host: '127.0.0.1',
      ...pair,
      maxVersion: version,
    });
    await once(socket, 'secureConnect');
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  }
});
