import { once } from 'node:events';
import { connect } from 'node:net';
import { zstdCompressSync } from 'node:zlib';
import mqtt, { type MqttClient } from 'mqtt';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readingsTopic, receiptsTopic, statusTopic } from '../protocols/topics.ts';
import { Receipt } from '../protocols/uplink.ts';
import { type Broker, startBroker } from './broker.ts';
import { type Ingest, startIngest } from './ingest.ts';
import { openStore, type Store } from './store/store.ts';

const EPOCH = '00112233aabbccdd';
const PASSWORD = 'gateway-password';
const log = pino({ level: 'silent' });
const clock = { nowMs: () => Date.UTC(2026, 9, 1) };

let store: Store;
let broker: Broker;
let ingest: Ingest;
let gateway: MqttClient;
let receipts: Receipt[];
beforeEach(async () => {
  store = await openStore({ file: ':memory:' });
  const gateways = [{ gateway: 'gw-a', password: PASSWORD }];
  broker = await startBroker({ host: '127.0.0.1', port: 0, gateways, log });
  ingest = await startIngest({ brokerUrl: broker.url, ...broker.ingestCredential, store, clock, log });
  gateway = mqtt.connect(broker.url, { clientId: 'gw-a', username: 'gw-a', password: PASSWORD });
  receipts = [];
  gateway.on('message', (_, payload) => receipts.push(Receipt.parse(JSON.parse(payload.toString()))));
  await gateway.subscribeAsync(receiptsTopic('gw-a'), { qos: 1 });
});
afterEach(async () => {
  await gateway.endAsync(true);
  await ingest.stop();
  await broker.close();
  await store.close();
});

const item = (sequence: number, more: object = {}) => ({
  kind: 'reading',
  sequence,
  meter: 'E-1',
  register: '1-0:1.8.0',
  readAt: Temporal.Instant.fromEpochMilliseconds(Date.UTC(2026, 8, 1) + sequence * 900_000).toString(),
  value: `${sequence}.5`,
  unit: 'kWh',
  source: 'poll',
  ...more,
});
const batch = (items: object[], more: object = {}) => ({
  gateway: 'gw-a',
  epoch: EPOCH,
  from: 1,
  to: items.length,
  items,
  ...more,
});
const send = (document: unknown) => sendBytes(zstdCompressSync(JSON.stringify(document)));
const sendBytes = (payload: Buffer) => gateway.publishAsync(readingsTopic('gw-a'), payload, { qos: 1 });
const receiptsCount = (count: number) => vi.waitFor(() => expect(receipts.length).toBe(count));
/** Messages are handled in order: when this one is stored, what was sent before it was handled too. */
const goodBatchAfter = async () => {
  await send(batch([item(1), item(2)]));
  await receiptsCount(1);
  expect(receipts[0]).toMatchObject({ from: 1, to: 2, stored: 2 });
};

describe('what cannot be told apart is put in quarantine, not acknowledged, and blocks nothing', () => {
  const zstd = (text: string): Buffer => zstdCompressSync(text);
  test.each<[string, Buffer, string]>([
    ['no zstd', Buffer.from('{}'), 'not_zstd'],
    ['empty', Buffer.alloc(0), 'not_zstd'],
    ['cut off', zstdCompressSync(JSON.stringify(batch([item(1)]))).subarray(0, 40), 'not_zstd'],
    ['a bomb of 64 MB', zstdCompressSync(Buffer.alloc(64 << 20)), 'batch_too_large'],
    ['no JSON', zstd('{"gateway":'), 'not_json'],
    ['no UTF-8', zstdCompressSync(Buffer.from([0xff, 0xfe])), 'not_utf8'],
    ['no batch', zstd('{}'), 'not_a_batch'],
    ['an extra key', zstd(JSON.stringify(batch([item(1)], { tenant: 'x' }))), 'not_a_batch'],
    ['another range than its items', zstd(JSON.stringify(batch([item(1)], { to: 5 }))), 'not_a_batch'],
    ['another gateway’s', zstd(JSON.stringify(batch([item(1)], { gateway: 'gw-b' }))), 'gateway_mismatch'],
  ])('%s', async (_, payload, code) => {
    await sendBytes(payload);
    await goodBatchAfter();
    expect((await store.quarantined(10)).map((q) => [q.gateway, q.code])).toEqual([['gw-a', code]]);
    expect(ingest.counters).toMatchObject({ malformed: 1, batches: 1, stored: 2 });
  });
});

describe('a bad item goes to quarantine and the rest of its batch is stored', () => {
  test.each<[string, object]>([
    ['a value that is a number', { value: 12.5 }],
    ['a value with an exponent', { value: '1e3' }],
    ['an unknown unit', { unit: 'furlong' }],
    ['no instant', { readAt: 'yesterday' }],
    ['the sequence of another', { sequence: 7 }],
    ['an unknown key', { price: '1' }],
  ])('%s', async (_, more) => {
    await send(batch([item(1), item(2, more), item(3)]));
    await receiptsCount(1);
    expect(receipts[0]).toEqual({
      gateway: 'gw-a',
      epoch: EPOCH,
      from: 1,
      to: 3,
      stored: 2,
      duplicates: 0,
      quarantined: 1,
      at: expect.stringMatching(/Z$/),
    });
    expect((await store.quarantined(10)).map(({ code }) => code)).toEqual(['malformed_item']);
    expect(await store.lastReadings()).toHaveLength(1);
  });
});

test('a batch sent again is receipted again and stored once', async () => {
  for (let n = 0; n < 3; n += 1) await send(batch([item(1), item(2)]));
  await receiptsCount(3);
  expect(receipts.map(({ stored, duplicates }) => [stored, duplicates])).toEqual([
    [2, 0],
    [0, 2],
    [0, 2],
  ]);
});

test('the same key with another value is quarantined, never overwritten', async () => {
  await send(batch([item(1)]));
  await send(batch([item(1, { value: '999' })]));
  await receiptsCount(2);
  expect(receipts[1]).toMatchObject({ stored: 0, quarantined: 1 });
  expect((await store.quarantined(10)).map(({ code }) => code)).toEqual(['conflict']);
  expect((await store.lastReadings())[0]?.value).toBe(1_500_000n);
});

test('a store that fails is followed by no receipt', async () => {
  await ingest.stop();
  const failing = { ...store, ingestBatch: () => Promise.reject(new Error('disk')) };
  const quarantine = store.quarantine.bind(store);
  ingest = await startIngest({
    brokerUrl: broker.url,
    ...broker.ingestCredential,
    store: { ...failing, quarantine, putGatewayStatus: store.putGatewayStatus },
    clock,
    log,
  });
  await send(batch([item(1)]));
  await vi.waitFor(() => expect(ingest.counters.storeFailures).toBe(1));
  expect(receipts).toEqual([]);
});

test('a foreign publish keeps its sender connected and lands in quarantine', async () => {
  await gateway.publishAsync(readingsTopic('gw-b'), 'x', { qos: 1 });
  await goodBatchAfter();
  const [kept] = await store.quarantined(10);
  expect(kept).toMatchObject({ code: 'foreign_topic', topic: 'meterline/1/quarantine/gw-a' });
  expect(JSON.parse(kept?.payload ?? '')).toEqual({ topic: readingsTopic('gw-b'), payload: 'eA==' });
  expect(broker.counters().foreignPublishes).toBe(1);
});

test('a status that is none is quarantined; an empty one is nothing', async () => {
  await gateway.publishAsync(statusTopic('gw-a'), '{"online":true}', { qos: 1 });
  await gateway.publishAsync(statusTopic('gw-a'), '', { qos: 1, retain: true });
  await goodBatchAfter();
  expect((await store.quarantined(10)).map(({ code }) => code)).toEqual(['not_a_status']);
  expect(await store.gatewayStatuses()).toEqual([]);
});

describe('connections', () => {
  test.each<[string, object]>([
    ['a wrong password', { clientId: 'gw-a', username: 'gw-a', password: 'x' }],
    ['no password', { clientId: 'gw-a', username: 'gw-a' }],
    ['nobody', { clientId: 'gw-z' }],
    ['an inherited name', { clientId: 'constructor', username: 'constructor', password: 'x' }],
    ['the client id of another', { clientId: 'gw-b', username: 'gw-a', password: PASSWORD }],
    ['ingest’s name without its password', { clientId: 'ingest-1', username: 'ingest', password: PASSWORD }],
  ])('%s is refused, and the gateway stays', async (_, credential) => {
    const client = mqtt.connect(broker.url, { ...credential, reconnectPeriod: 0 });
    const error = await new Promise((resolve) => client.once('error', resolve));
    expect((error as { code?: number }).code).toBe(5);
    await client.endAsync(true);
    expect(gateway.connected).toBe(true);
    expect(broker.counters().refusedConnections).toBe(1);
  });

  test('256 MB announced before CONNECT, and 2 MB after it: closed at once', async () => {
    const flood = Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]);
    const name = Buffer.from('gw-a');
    const connectPacket = Buffer.from([0x10, 16, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 4, ...name]);
    for (const bytes of [flood, Buffer.concat([connectPacket, Buffer.from([0x32, 0x80, 0x80, 0x80, 1])])]) {
      const socket = connect(broker.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(bytes);
      await once(socket, 'close');
    }
    expect(broker.counters().lengthViolations).toBe(2);
    await goodBatchAfter();
  });

  test('ingest with a wrong credential fails by name instead of waiting for ever', async () => {
    await expect(
      startIngest({ brokerUrl: broker.url, username: 'ingest', password: 'x', store, clock, log }),
    ).rejects.toThrow('Not authorized');
  });
});
