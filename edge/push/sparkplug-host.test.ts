import { isDeepStrictEqual } from 'node:util';
import mqtt, { type MqttClient } from 'mqtt';
import pino from 'pino';
import { get } from 'sparkplug-payload';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SparkplugProfile } from '../../protocols/profile.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import { type PushBroker, startPushBroker } from './push-broker.ts';

const tahu = get('spBv1.0');
if (tahu === null) throw new Error('no encoder');
type TahuMetric = NonNullable<Parameters<typeof tahu.encodePayload>[0]['metrics']>[number];

const profile = SparkplugProfile.parse({
  id: 'sparkplug-electricity',
  make: 'any',
  model: 'any',
  utility: 'electricity',
  source: 'this test',
  protocol: 'sparkplug',
  registers: [
    { obis: '1-0:1.8.0', name: 'import', metric: 'Energy/Import', unit: 'kWh', billing: true },
    { obis: '1-0:16.7.0', name: 'power', metric: 'Power/Active', unit: 'W' },
  ],
});
const AT = Date.UTC(2026, 8, 1, 0, 15);
const clock = { nowMs: 0 };

let accepted: NewReading[];
let broker: PushBroker;
let node: MqttClient;
/** Commands that reached the node. */
let commands: string[];
beforeEach(async () => {
  accepted = [];
  clock.nowMs = Date.UTC(2026, 8, 1, 0, 16);
  broker = await startPushBroker({
    host: '127.0.0.1',
    port: 0,
    meters: [
      { meter: 'E-1', node: 'Plant/Node1', device: 'Meter1', profile },
      { meter: 'E-2', node: 'Plant/Node1', device: 'Meter2', profile },
    ],
    accept: async (readings) => void accepted.push(...readings),
    repeats: (reading) => accepted.some((known) => isDeepStrictEqual(known, reading)),
    clock: { nowMs: () => clock.nowMs, until: () => Promise.resolve() },
    log: pino({ level: 'silent' }),
  });
  commands = [];
  node = await connectNode(1);
});
afterEach(async () => {
  await node.endAsync(true);
  await broker.stop();
});

/** As a node connects: its death is its will, with the number of the session. */
async function connectNode(session: number): Promise<MqttClient> {
  const payload = Buffer.from(tahu?.encodePayload({ timestamp: AT, metrics: [birthDeath(session)] }) ?? []);
  const client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, {
    will: { topic: 'spBv1.0/Plant/NDEATH/Node1', payload, qos: 1, retain: false },
    reconnectPeriod: 0,
  });
  client.on('message', (topic, message) => {
    const names = tahu?.decodePayload(message).metrics?.map(({ name, value }) => `${name} ${value}`);
    commands.push(`${topic} ${names}`);
  });
  await new Promise((resolve) => client.once('connect', resolve));
  await client.subscribeAsync('spBv1.0/Plant/NCMD/Node1', { qos: 1 });
  return client;
}

const birthDeath = (session: number): TahuMetric => ({ name: 'bdSeq', type: 'Int64', value: session });
const energy = (value: number, more = {}): TahuMetric => ({
  name: 'Energy/Import',
  alias: 11,
  timestamp: AT,
  type: 'Double',
  value,
  ...more,
});
const power = (value: number): TahuMetric => ({
  name: 'Power/Active',
  alias: 12,
  timestamp: AT,
  type: 'Int32',
  value,
});
/** A metric of NDATA and DDATA: the alias stands for name and type, which the encoder needs to know all the same. */
const aliased = ({ name: _, ...metric }: TahuMetric): TahuMetric => metric;

/** @param device '' for the node itself */
async function say(type: string, device: string, seq: number, ...metrics: TahuMetric[]): Promise<void> {
  const topic = ['spBv1.0', 'Plant', type, 'Node1', ...(device === '' ? [] : [device])].join('/');
  const payload = tahu?.encodePayload({ timestamp: AT, seq, metrics }) ?? new Uint8Array();
  await node.publishAsync(topic, Buffer.from(payload), { qos: 1 });
}
const stored = (): string[] =>
  accepted.map(
    ({ meter, register, readAt, value, unit }) => `${meter} ${register} ${readAt} ${value} ${unit}`,
  );
const REBIRTH = 'spBv1.0/Plant/NCMD/Node1 Node Control/Rebirth true';

test('births and data by alias become readings, and nobody is asked for anything', async () => {
  await say('NBIRTH', '', 0, birthDeath(1));
  await say('DBIRTH', 'Meter1', 1, energy(1234.5), power(800));
  await say('DDATA', 'Meter1', 2, aliased(energy(1234.75, { timestamp: AT + 60_000 })));
  expect(stored()).toEqual([
    'E-1 1-0:1.8.0 2026-09-01T00:15:00Z 1234.5 kWh',
    'E-1 1-0:16.7.0 2026-09-01T00:15:00Z 800 W',
    'E-1 1-0:1.8.0 2026-09-01T00:16:00Z 1234.75 kWh',
  ]);
  expect(broker.status()).toMatchObject({
    accepted: 3,
    refused: {},
    nodes: [{ node: 'Plant/Node1', online: true, devices: 1, rebirths: 0 }],
  });
  expect(commands).toEqual([]);
});

test('the same metric once more is one row', async () => {
  await say('NBIRTH', '', 0, birthDeath(1));
  await say('DBIRTH', 'Meter1', 1, energy(1), power(800));
  await say('DDATA', 'Meter1', 2, aliased(energy(1)));
  expect(stored()).toHaveLength(2);
  expect(broker.status()).toMatchObject({ accepted: 2, repeated: 1 });
});

describe('what cannot be told is not stored, and the node is asked for its births', () => {
  test('a lost message: no alias is believed until the next birth', async () => {
    await say('NBIRTH', '', 0, birthDeath(1));
    await say('DBIRTH', 'Meter1', 1, energy(1), power(800));
    await say('DDATA', 'Meter1', 3, aliased(energy(2)));
    await vi.waitFor(() => expect(commands).toEqual([REBIRTH]));
    expect(stored()).toHaveLength(2);
    expect(broker.status().meters[0]).toMatchObject({
      meter: 'E-1',
      refused: { no_birth: 1 },
      lastRefusal: { code: 'no_birth', detail: 'DDATA: alias 11' },
    });
    await say('NBIRTH', '', 0, birthDeath(1));
    await say('DBIRTH', 'Meter1', 1, energy(2, { timestamp: AT + 1000 }), power(800));
    await say('DDATA', 'Meter1', 2, aliased(energy(3, { timestamp: AT + 2000 })));
    expect(stored().slice(2)).toEqual([
      'E-1 1-0:1.8.0 2026-09-01T00:15:01Z 2 kWh',
      'E-1 1-0:1.8.0 2026-09-01T00:15:02Z 3 kWh',
    ]);
  });
  test('a gateway that has just started hears data first, and asks once in ten seconds', async () => {
    for (const seq of [7, 8, 9]) await say('DDATA', 'Meter1', seq, aliased(energy(2)));
    await vi.waitFor(() => expect(commands).toEqual([REBIRTH]));
    clock.nowMs += 10_000;
    await say('DDATA', 'Meter1', 10, aliased(energy(2)));
    await vi.waitFor(() => expect(commands).toEqual([REBIRTH, REBIRTH]));
    expect(stored()).toEqual([]);
    expect(broker.status()).toMatchObject({ refused: { no_birth: 4 }, nodes: [{ rebirths: 2 }] });
  });
  test('a payload that is no Sparkplug', async () => {
    await node.publishAsync('spBv1.0/Plant/DDATA/Node1/Meter2', '{"value":1}', { qos: 1 });
    expect(broker.status().meters[1]).toMatchObject({ meter: 'E-2', refused: { not_sparkplug: 1 } });
  });
  test('a device that is not configured, told at its birth; a node that is not', async () => {
    await say('NBIRTH', '', 0, birthDeath(1));
    await say('DBIRTH', 'Meter9', 1, energy(1));
    await node.publishAsync('spBv1.0/Plant/NBIRTH/Node2', Buffer.alloc(0), { qos: 1 });
    expect(broker.status()).toMatchObject({
      refused: { unknown_meter: 1, unknown_topic: 1 },
      unknownTopics: [{ topic: 'spBv1.0/Plant/NBIRTH/Node2', count: 1 }],
    });
  });
  test('a birth without the register that is billed', async () => {
    await say('NBIRTH', '', 0, birthDeath(1));
    await say('DBIRTH', 'Meter1', 1, power(800));
    expect(broker.status().meters[0]).toMatchObject({
      accepted: 1,
      refused: { missing_value: 1 },
      lastRefusal: { detail: 'Energy/Import' },
    });
  });
});

test('a node whose connection breaks is offline by its will, and its aliases are forgotten', async () => {
  await say('NBIRTH', '', 0, birthDeath(1));
  await say('DBIRTH', 'Meter1', 1, energy(1), power(800));
  node.stream.destroy();
  await vi.waitFor(() => expect(broker.status().nodes).toMatchObject([{ online: false, devices: 0 }]));
  node = await connectNode(2);
  await say('DDATA', 'Meter1', 2, aliased(energy(2)));
  expect(broker.status().refused).toEqual({ no_birth: 1 });
});

test('a client commands no node, and hears nothing but its own commands', async () => {
  const other = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0 });
  await other.publishAsync('spBv1.0/Plant/NCMD/Node1', 'reboot', { qos: 1 });
  for (const filter of ['#', 'spBv1.0/#', 'spBv1.0/Plant/NCMD/Node2', 'spBv1.0/Plant/DDATA/Node1/Meter1'])
    await expect(other.subscribeAsync(filter, { qos: 1 })).rejects.toThrow();
  await other.endAsync(true);
  // A command of ours comes behind whatever the other one got through.
  await say('DDATA', 'Meter1', 7, aliased(energy(2)));
  await vi.waitFor(() => expect(commands).toEqual([REBIRTH]));
  expect(broker.status().refused).toEqual({ unknown_topic: 1, no_birth: 1 });
});
