/** Meters that push, from end to end: simulated Sparkplug B nodes and Debian's mosquitto_pub at the gateway's broker. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { NewReading } from '../edge/buffer/outbox-items.ts';
import { loadProfiles } from '../edge/profiles.ts';
import { type PushBroker, startPushBroker } from '../edge/push/push-broker.ts';
import type { PushMeterPlan } from '../edge/push/push-meter.ts';
import { requirePeer } from '../process/peers.ts';
import { formatMicro } from '../protocols/units.ts';
import { connectSparkplugNode } from '../simulators/meters/sparkplug-node.ts';
import { generatePark } from '../simulators/park/generate-park.ts';
import { readProfiles } from '../simulators/profiles.ts';

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const sparkplug = loaded.profiles.get('sparkplug-electricity');
const collector = loaded.profiles.get('json-electricity-collector');
if (sparkplug?.protocol !== 'sparkplug' || collector?.protocol !== 'mqtt') throw new Error('no such profile');

const { truth } = generatePark({ seed: 5, period: '2026-09', profiles: readProfiles() });
const meters = [...truth.meters.values()].filter(({ unit }) => unit === 'kWh').map(({ meter }) => meter);
const [first = '', second = ''] = meters;
const at = (interval: number): number => truth.grid.fromMs + interval * truth.grid.intervalMs;

let accepted: NewReading[];
let broker: PushBroker;
const start = async (port = 0, maxPacketBytes?: number): Promise<void> => {
  const node = 'Plant/Node1';
  const plans: PushMeterPlan[] = [
    { meter: first, node, device: first, profile: sparkplug },
    { meter: second, node, device: second, profile: sparkplug },
    { meter: 'C-1', topic: 'collector/up', device: 'A1', profile: collector },
    { meter: 'C-2', topic: 'collector/up', device: 'A2', profile: collector },
  ];
  broker = await startPushBroker({
    host: '127.0.0.1',
    port,
    ...(maxPacketBytes === undefined ? {} : { maxPacketBytes }),
    meters: plans,
    accept: async (readings) => void accepted.push(...readings),
    repeats: () => false,
    clock: { nowMs: () => at(100), until: () => Promise.resolve() },
    log: pino({ level: 'silent' }),
  });
};
beforeEach(async () => {
  accepted = [];
  await start();
});
afterEach(() => broker.stop());

/** What came of a meter's billed register, by instant. */
const billed = (meter: string): [string, string | null][] =>
  accepted
    .filter((reading) => reading.meter === meter && reading.register === '1-0:1.8.0')
    .map(({ readAt, value }) => [readAt, value]);
const truly = (meter: string, interval: number): [string, string] => [
  Temporal.Instant.fromEpochMilliseconds(at(interval)).toString(),
  formatMicro(BigInt(truth.faceMicro(truth.of(meter), at(interval)))),
];

test('a simulated node is read to the last digit, over a restart of the gateway too', async () => {
  const { port } = broker;
  const options = { node: 'Plant/Node1', profile: sparkplug, meters: [first, second], startMs: at(1) };
  const node = connectSparkplugNode(`mqtt://127.0.0.1:${port}`, options, truth);
  try {
    await vi.waitFor(() => expect(broker.status().nodes).toMatchObject([{ online: true, devices: 2 }]));
    node.publish(at(2));
    await vi.waitFor(() => expect(billed(second)).toHaveLength(2));
    await broker.stop();
    await vi.waitFor(() => expect(node.online()).toBe(false));
    node.publish(at(3));
    node.publish(at(4));
    await start(port);
    await vi.waitFor(() => expect(billed(second)).toHaveLength(5));
    node.publish(at(5));
    await vi.waitFor(() => expect(billed(second)).toHaveLength(6));
    for (const meter of [first, second])
      expect(billed(meter)).toEqual([1, 2, 4, 3, 4, 5].map((interval) => truly(meter, interval)));
    expect(broker.status()).toMatchObject({ refused: {}, nodes: [{ rebirths: 0 }] });
  } finally {
    await node.close();
  }
});

test("Debian's mosquitto_pub: a collector's batch, with one bad record", async (ctx) => {
  requirePeer(ctx, '/usr/bin/mosquitto_pub');
  const seconds = at(1) / 1000;
  const batch = {
    records: [
      { meter: 'A1', t: seconds, kwh: '1.25', w: 100 },
      { meter: 'A2', t: seconds, kwh: '2.25', w: 200 },
      { meter: 'A1', t: seconds * 1000, kwh: '1.5', w: 100 },
      { meter: 'A2', t: seconds + 900, kwh: '2.5', w: null },
    ],
  };
  const options = ['-h', '127.0.0.1', '-p', `${broker.port}`, '-q', '1', '-t', 'collector/up'];
  await promisify(execFile)('/usr/bin/mosquitto_pub', [...options, '-m', JSON.stringify(batch)]);
  expect(billed('C-1').map(([, value]) => value)).toEqual(['1.25']);
  expect(billed('C-2').map(([, value]) => value)).toEqual(['2.25', '2.5']);
  expect(broker.status()).toMatchObject({ accepted: 6, refused: { milliseconds_as_seconds: 1 } });
  expect(broker.status().setAside).toMatchObject([
    { meter: 'C-1', code: 'milliseconds_as_seconds', detail: `record 2: t: ${seconds}000` },
  ]);
});

test('a batch of 10,000 records needs a larger packet than usual, and sent again it is one row each', async () => {
  const records = Array.from({ length: 10_000 }, (_, n) => ({
    meter: n % 2 === 0 ? 'A1' : 'A2',
    t: at(1) / 1000 + n,
    kwh: `${n}.125`,
    w: n,
  }));
  const batch = JSON.stringify({ records });
  const client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0 });
  client.on('error', () => undefined);
  client.publish('collector/up', batch, { qos: 1 });
  await vi.waitFor(() => expect(broker.status().closed).toEqual({ packet_too_large: 1 }));
  client.end(true);
  expect(accepted).toEqual([]);

  await broker.stop();
  await start(0, 1 << 20);
  const again = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0 });
  for (let time = 0; time < 2; time += 1) await again.publishAsync('collector/up', batch, { qos: 1 });
  await again.endAsync();
  expect(broker.status()).toMatchObject({ accepted: 20_000, repeated: 20_000, refused: {} });
  expect(billed('C-2').at(-1)?.[1]).toBe('9999.125');
});
