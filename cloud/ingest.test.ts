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
import { StoreError } from './store/store-error.ts';

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
    expect(ingest.intake.counters).toMatchObject({ malformed: 1, batches: 1, stored: 2 });
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

/** Ingest over the store with one operation in the place of its own. */
const ingestWith = async (ingestBatch: Store['ingestBatch']): Promise<void> => {
  await ingest.stop();
  const { quarantine, putGatewayStatus, batchFailed, batchSettled } = store;
  const changed = { ingestBatch, quarantine, putGatewayStatus, batchFailed, batchSettled };
  ingest = await startIngest({
    brokerUrl: broker.url,
    ...broker.ingestCredential,
    store: changed,
    clock,
    log,
  });
};

test('a store that fails is followed by no receipt, the alarm stands, and work goes on when it is well again', async () => {
  let broken = true;
  await ingestWith((...args) => (broken ? Promise.reject(new Error('disk')) : store.ingestBatch(...args)));
  await send(batch([item(1)]));
  await vi.waitFor(() => expect(ingest.intake.counters.storeFailures).toBe(1));
  expect(ingest.intake.alarm()).toMatchObject({ code: 'store_failed', detail: 'disk' });
  for (let n = 0; n < 6; n += 1) await send(batch([item(1)]));
  broken = false;
  await vi.waitFor(() => expect(receipts.length).toBeGreaterThan(0), 10_000);
  expect(receipts[0]).toMatchObject({ from: 1, to: 1, stored: 1 });
  expect(ingest.intake.alarm()).toBe(null);
  expect(await store.quarantineCount()).toBe(0);
});

describe('a batch that fails for a reason of its own', () => {
  /** The store's own rules refuse every reading of 13 kWh. */
  const superstitious: Store['ingestBatch'] = async (sent, at) => {
    const unlucky = sent.items.some((one) => one.kind === 'reading' && one.value === '13');
    if (unlucky) throw new StoreError('ingestBatch', 'CHECK constraint failed', 'ERR_SQLITE_ERROR', true);
    return store.ingestBatch(sent, at);
  };
  const items = Array.from({ length: 20 }, (_, i) => item(i + 1, i === 6 || i === 15 ? { value: '13' } : {}));

  test('is taken apart at the fifth try: what is at fault is set aside, the rest stored, all of it receipted', async () => {
    await ingestWith(superstitious);
    for (let n = 0; n < 4; n += 1) await send(batch(items));
    await send(batch([item(21)], { from: 21, to: 21 }));
    await receiptsCount(1);
    expect(receipts[0], 'the next batch is not held up').toMatchObject({ from: 21, stored: 1 });
    await send(batch(items));
    await receiptsCount(2);
    expect(receipts[1]).toMatchObject({ from: 1, to: 20, stored: 18, duplicates: 0, quarantined: 2 });
    expect(ingest.intake.counters).toMatchObject({ batchFailures: 5, poison: 2, storeFailures: 0 });
    expect(ingest.intake.alarm()).toBe(null);
    const held = await store.quarantineEntries({ limit: 9, code: 'poison' });
    expect(held.map((entry) => [entry.gateway, entry.item?.sequence, entry.state])).toEqual([
      ['gw-a', 16, 'held'],
      ['gw-a', 7, 'held'],
    ]);
  });

  test('tries are counted by the key of the batch, whichever worker meets it', async () => {
    for (let worker = 0; worker < 4; worker += 1) {
      await ingestWith(superstitious);
      await send(batch(items));
      await vi.waitFor(() => expect(ingest.intake.counters.batchFailures).toBe(1));
    }
    await ingestWith(superstitious);
    await send(batch(items));
    await receiptsCount(1);
  });

  test('a fault of the store meanwhile is nobody’s poison: nothing is acknowledged', async () => {
    let calls = 0;
    await ingestWith(async (sent, at) => {
      calls += 1;
      if (calls === 7) throw new StoreError('ingestBatch', 'disk full', 'ERR_SQLITE_ERROR');
      return superstitious(sent, at);
    });
    for (let n = 0; n < 5; n += 1) await send(batch(items));
    await vi.waitFor(() => expect(ingest.intake.alarm()).toMatchObject({ detail: 'ingestBatch: disk full' }));
    expect(receipts).toEqual([]);
    await send(batch(items));
    await vi.waitFor(() => expect(receipts).toHaveLength(1), 10_000);
    expect(receipts[0]).toMatchObject({ from: 1, to: 20, quarantined: 2 });
  });
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
