/** Who floods the service, or holds its doors open, gets nowhere, and the others notice nothing. Real sockets, all at once. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import mqtt, { type MqttClient } from 'mqtt';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readingsTopic } from '../protocols/topics.ts';
import { startFixture } from './api/fixture-server.ts';
import { type Broker, startBroker } from './broker.ts';
import { startAuthority, type TestAuthority } from './test-authority.ts';

const log = pino({ level: 'silent' });
const HALF_OPEN = 1000;
const FLOOD_BYTES = 256 * 1024 * 1024;
/** What the sockets of both ends, the test's own among them, may take meanwhile. */
const FLAT_BYTES = 48 * 1024 * 1024;
const CLOSED_WITHIN_MS = 10_000;
/** Far above what it is, and far below what a held-up service would take. */
const P99_MS = 1_000;

let park: TestAuthority;
let broker: Broker;
let gateway: MqttClient;
beforeEach(async () => {
  park = await startAuthority();
  broker = await startBroker({ host: '127.0.0.1', port: 0, tls: park.brokerTls, gateways: [], log });
  gateway = mqtt.connect(`mqtts://127.0.0.1:${broker.port}`, {
    clientId: 'gw-a',
    reconnectPeriod: 0,
    ...(await park.gateway('gw-a')),
  });
  await new Promise<void>((resolve) => gateway.once('connect', () => resolve()));
});
afterEach(async () => {
  await gateway.endAsync(true);
  await broker.close();
  park.remove();
});

const innerPort = (): number => Number(new URL(broker.url).port);

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}
/** Whatever error it ends with. */
const gone = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.resume();
  });

describe('256 MB from somebody who is not known: cut off, and memory stays flat', () => {
  /** A CONNECT of a client that has no password, and then packets of its own. */
  const connectPacket = Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x61]);
  const connectOf = (bytes: number): Buffer => {
    const length = [bytes & 0x7f, (bytes >> 7) & 0x7f, (bytes >> 14) & 0x7f, (bytes >> 21) & 0x7f];
    return Buffer.from([0x10, ...length.map((byte, i) => (i < 3 ? byte | 0x80 : byte))]);
  };
  test.each<[string, () => number, Buffer]>([
    ['as one CONNECT', innerPort, connectOf(FLOOD_BYTES - 1)],
    ['as a CONNECT a byte over 64 KiB', innerPort, connectOf(64 * 1024)],
    ['as no MQTT at all', innerPort, Buffer.from('GET / HTTP/1.1\r\n')],
    ['as packets behind a CONNECT', innerPort, connectPacket],
    ['as no TLS', () => broker.port, Buffer.from('no handshake')],
  ])('%s', async (_, port, head) => {
    const socket = await open(port());
    const end = gone(socket);
    const before = process.memoryUsage.rss();
    let highest = before;
    const chunk = Buffer.alloc(64 * 1024, Buffer.from([0x30, 6, 0, 1, 0x61, 1, 2, 3]));
    socket.write(head);
    let sent = 0;
    while (sent < FLOOD_BYTES && !socket.destroyed) {
      sent += chunk.length;
      highest = Math.max(highest, process.memoryUsage.rss());
      if (!socket.write(chunk)) await Promise.race([once(socket, 'drain').catch(() => undefined), end]);
    }
    await end;
    expect(sent).toBeLessThan(FLOOD_BYTES);
    expect(highest - before).toBeLessThan(FLAT_BYTES);
    expect(gateway.connected).toBe(true);
  });
});

/** @returns ms that 99 of 100 works took at most, one after the other until `end` */
async function p99Until(end: Promise<unknown>, work: () => Promise<unknown>): Promise<number> {
  const tookMs: number[] = [];
  let over = false;
  void end.then(() => {
    over = true;
  });
  while (!over) {
    const startMs = performance.now();
    await work();
    tookMs.push(performance.now() - startMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  tookMs.sort((a, b) => a - b);
  return tookMs[Math.floor(tookMs.length * 0.99)] ?? 0;
}

describe(`${HALF_OPEN} connections that are left half open: closed within ten seconds, while others go on`, () => {
  /** @returns ms until all are gone, and the 99th percentile of what was worked meanwhile */
  async function holdOpen(
    doors: readonly { port: number; said: Buffer }[],
    work: () => Promise<unknown>,
  ): Promise<{ tookMs: number; p99Ms: number }> {
    const startMs = performance.now();
    const kindOf = (n: number) => doors[n % doors.length] ?? { port: 0, said: Buffer.alloc(0) };
    const sockets = await Promise.all(Array.from({ length: HALF_OPEN }, (_, n) => open(kindOf(n).port)));
    const all = Promise.all(sockets.map(gone));
    for (const [n, socket] of sockets.entries()) socket.write(kindOf(n).said);
    const p99Ms = await p99Until(all, work);
    return { tookMs: performance.now() - startMs, p99Ms };
  }

  test('MQTT and TLS: nothing said, half a handshake, half a CONNECT', async () => {
    const nothing = Buffer.alloc(0);
    const doors = [
      { port: broker.port, said: nothing },
      { port: broker.port, said: Buffer.from('16030100', 'hex') },
      { port: innerPort(), said: nothing },
      { port: innerPort(), said: Buffer.from([0x10, 40, 0, 4, 0x4d]) },
    ];
    const publish = () => gateway.publishAsync(readingsTopic('gw-a'), 'x', { qos: 1 });
    const { tookMs, p99Ms } = await holdOpen(doors, publish);
    expect(tookMs).toBeLessThan(CLOSED_WITHIN_MS);
    expect(p99Ms).toBeLessThan(P99_MS);
    expect(broker.counters().halfOpen).toBe(HALF_OPEN);
  }, 30_000);

  test('TLS: a good certificate, and then nothing', async () => {
    const pair = await park.gateway('gw-b');
    await gone(connectTls({ port: broker.port, host: '127.0.0.1', ...pair }));
    expect(broker.counters().halfOpen).toBe(1);
  }, 30_000);

  test('HTTP: nothing said, half a head, half a body', async () => {
    const fixture = await startFixture();
    const url = await fixture.api.listen({ host: '127.0.0.1', port: 0 });
    const port = Number(new URL(url).port);
    const body = 'content-type: application/json\r\ncontent-length: 90\r\n\r\n{';
    const doors = [
      '',
      'GET /healthz HTTP/1.1\r\nhost: x\r\n',
      `POST /api/v1/session HTTP/1.1\r\nhost: x\r\n${body}`,
    ].map((text) => ({ port, said: Buffer.from(text) }));
    const { tookMs, p99Ms } = await holdOpen(doors, () =>
      fetch(`${url}/healthz`).then((reply) => reply.text()),
    );
    expect(tookMs).toBeLessThan(CLOSED_WITHIN_MS);
    expect(p99Ms).toBeLessThan(P99_MS);
    await fixture.close();
  }, 30_000);
});
