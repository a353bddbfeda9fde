import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MqttProfile } from '../../protocols/profile.ts';
import { createCommitter } from '../buffer/committer.ts';
import { type Outbox, openOutbox } from '../outbox.ts';
import { type PushBroker, startPushBroker } from './push-broker.ts';
import {
  badGreetings,
  badPackets,
  badPayloads,
  connectPacket,
  METER_TOPIC as TOPIC,
  wrongStamps,
} from './test-bad-publishes.ts';

const NOW = '2026-09-10T00:00:00Z';
const profile = MqttProfile.parse({
  id: 'json-water-push',
  make: 'any',
  model: 'any',
  utility: 'water',
  source: 'this test',
  protocol: 'mqtt',
  timestampPath: 'ts',
  registers: [{ obis: '8-0:1.0.0', name: 'volume', path: 'total_m3', unit: 'm3', billing: true }],
});

let folder: string;
let outbox: Outbox;
let broker: PushBroker;
let client: MqttClient;
let faults: unknown[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-push-'));
  outbox = openOutbox({ folder: join(folder, 'outbox'), gateway: 'gw-a', maxBytes: 1 << 20 });
  faults = [];
  const committer = createCommitter(outbox, {
    onCommit: () => undefined,
    onFault: (error) => faults.push(error),
  });
  broker = await startPushBroker({
    host: '127.0.0.1',
    port: 0,
    meters: [{ meter: 'W-1', topic: TOPIC, device: '', profile }],
    accept: async (readings) => {
      if ((await committer.accept(readings)) > 0) throw new Error('full');
    },
    repeats: (reading) => outbox.repeats(reading),
    clock: { nowMs: () => Temporal.Instant.from(NOW).epochMilliseconds, until: () => Promise.resolve() },
    log: pino({ level: 'silent' }),
  });
  client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 20 });
  await new Promise((resolve) => client.once('connect', resolve));
});
afterEach(async () => {
  await client.endAsync(true);
  await broker.stop();
  outbox.close();
  rmSync(folder, { recursive: true });
});

const push = (payload: string | Buffer, topic = TOPIC, retain = false) =>
  client.publishAsync(topic, payload, { qos: 1, retain });
const good = (minute: number, value = '12.5') =>
  JSON.stringify({ ts: `2026-09-01T00:${minute}:00Z`, total_m3: value });

test('an acknowledged push is in the outbox', async () => {
  await push(good(15));
  expect(outbox.after(0, 10).map(({ json }) => JSON.parse(json))).toEqual([
    {
      kind: 'reading',
      sequence: 1,
      meter: 'W-1',
      register: '8-0:1.0.0',
      readAt: '2026-09-01T00:15:00Z',
      value: '12.5',
      unit: 'm3',
      source: 'push',
    },
  ]);
});

test('the same push again, or retained and a year old, is one row each', async () => {
  await push(good(15));
  await push(good(15), TOPIC, true);
  await push(JSON.stringify({ ts: '2025-09-01T00:00:00Z', total_m3: '1' }), TOPIC, true);
  expect(outbox.stats().rows).toBe(2);
  expect(broker.status()).toMatchObject({ accepted: 2, repeated: 1, refused: {} });
});

test('the same instant with another value goes on, for the cloud to judge', async () => {
  await push(good(15));
  await push(good(15, '99'));
  expect(outbox.stats().rows).toBe(2);
});

describe('what is no reading is acknowledged, counted by its code, set aside, and not stored', () => {
  test.each(badPayloads)('%s', async (_, payload, code, topic = TOPIC) => {
    await push(Buffer.from(payload), topic);
    const status = broker.status();
    expect(status.refused).toEqual({ [code]: 1 });
    expect(status.setAside).toMatchObject([
      { topic, client: client.options.clientId, code, bytes: payload.length },
    ]);
    await push(good(15));
    expect(outbox.stats().rows).toBe(1);
  });
});

describe('a stamp that cannot be true gives no value, and is on record with what the meter sent', () => {
  test.each(wrongStamps)('%s', async (_, ts) => {
    const sent = JSON.stringify({ ts, total_m3: '77.5' });
    await push(sent);
    await push(sent);
    const stored = outbox.after(0, 10).map(({ json }) => JSON.parse(json));
    expect(stored).toMatchObject([
      { meter: 'W-1', register: '8-0:1.0.0', readAt: NOW, value: null, code: 'clock_wrong' },
    ]);
    expect(Buffer.from(stored[0].raw, 'hex').toString()).toBe(`${ts} 77.5`);
    expect(broker.status()).toMatchObject({ accepted: 1, repeated: 1, refused: { clock_wrong: 1 } });
  });
  test('ten minutes ahead are forgiven', async () => {
    await push(JSON.stringify({ ts: '2026-09-10T00:10:00Z', total_m3: '1' }));
    expect(broker.status()).toMatchObject({ accepted: 1, refused: {} });
  });
  test('several at once take an instant each', async () => {
    await push(JSON.stringify({ ts: '2036-09-01T00:00:00Z', total_m3: '1' }));
    await push(JSON.stringify({ ts: '2036-09-01T00:15:00Z', total_m3: '2' }));
    const stamps = outbox.after(0, 10).map(({ json }) => JSON.parse(json).readAt);
    expect(stamps).toEqual([NOW, '2026-09-10T00:00:00.001Z']);
  });
});

describe('a packet that breaks the protocol closes its connection, counted by its code; the others live on', () => {
  test.each([
    ...badPackets.map(([title, bytes, code]) => [title, connectPacket, bytes, code] as const),
    ...badGreetings.map(([title, bytes, code]) => [title, [], bytes, code] as const),
  ])('%s', async (_title, greeting, bytes, code) => {
    const socket = connect(broker.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    if (greeting.length > 0) {
      socket.write(Buffer.from(greeting));
      await once(socket, 'data');
    }
    socket.resume();
    socket.write(Buffer.from(bytes));
    await closed;
    await vi.waitFor(() => expect(broker.status().closed).toEqual({ [code]: 1 }));
    expect(outbox.stats().rows).toBe(0);
    await push(good(15));
    expect(outbox.stats().rows).toBe(1);
  });
});

test('a push that found no room is not acknowledged, and is taken when there is room', async () => {
  const append = outbox.append.bind(outbox);
  let full = true;
  outbox.append = (readings) => (full ? { refused: [...readings] } : append(readings));
  const published = push(good(15));
  await new Promise<void>((resolve) => client.once('close', () => resolve()));
  expect(outbox.stats().rows).toBe(0);
  full = false;
  await published;
  expect(outbox.stats().rows).toBe(1);
});

test('an outbox that fails: nothing is acknowledged, and the fault is told', async () => {
  outbox.append = () => {
    throw new Error('EIO');
  };
  let acknowledged = false;
  void push(good(15)).then(
    () => {
      acknowledged = true;
    },
    () => undefined,
  );
  await vi.waitFor(() => expect(faults.length).toBeGreaterThan(1));
  expect(acknowledged).toBe(false);
});

test('nobody can listen', async () => {
  await expect(client.subscribeAsync('#', { qos: 1 })).rejects.toThrow();
});
