/** A real gateway process with real meters and a real broker: its configuration read anew, and sent by the cloud. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startBroker } from '../cloud/broker.ts';
import { startIngest } from '../cloud/ingest.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import { serveMeters, type TestMeters } from '../edge/test-meters.ts';
import { configTopic } from '../protocols/topics.ts';
import type { GatewaySettings, GatewayStatus } from '../protocols/uplink.ts';

const meterline = join(import.meta.dirname, '..', 'meterline.ts');
const PASSWORD = 'gateway-password';
const log = pino({ level: 'silent' });
/** A busy machine may take long; nothing is judged by it. */
const PATIENCE = { timeout: 30_000, interval: 50 };

let folder: string;
let file: string;
let store: Store;
let broker: Awaited<ReturnType<typeof startBroker>>;
let first: TestMeters;
let second: TestMeters;
let child: ChildProcess | null;
let logged: Record<string, unknown>[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-settings-'));
  file = join(folder, 'edge.yaml');
  store = await openStore({ file: ':memory:' });
  broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    gateways: [{ gateway: 'gw-a', password: PASSWORD }],
    log,
  });
  first = await serveMeters({ 3: { 3: { 10: '00bc614e' } } });
  second = await serveMeters({ 4: { 3: { 10: '00000c38' } } });
  child = null;
  logged = [];
});
afterEach(async () => {
  if (child !== null && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await Promise.all([first.close(), second.close()]);
  await broker.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

const bus = (id: string, port: number, meter: string, unit: number) => ({
  id,
  tcp: `127.0.0.1:${port}`,
  timeoutMilliseconds: 200,
  meters: [{ meter, profile: 'acrel-dtsd1352', unit }],
});
const floor1 = () => bus('floor-1', first.port, 'E-3', 3);
const floor2 = () => bus('floor-2', second.port, 'E-4', 4);

const write = (buses: readonly object[], more = ''): void =>
  writeFileSync(
    file,
    `gateway: gw-a
dataDir: ./data
broker: ${broker.url}
username: gw-a
password: ${PASSWORD}
pollIntervalSeconds: 1
buses: ${JSON.stringify(buses)}
${more}`,
  );

function start(): ChildProcess {
  const started = fork(meterline, ['edge', '--config', file], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  child = started;
  let rest = '';
  started.stderr?.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    logged.push(...lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)));
  });
  return started;
}

const told = (msg: string) =>
  vi.waitFor(() => {
    const entry = logged.findLast((one) => one.msg === msg);
    expect(entry, logged.map((one) => String(one.msg)).join('; ')).toBeDefined();
    return entry as Record<string, unknown>;
  }, PATIENCE);
const asked = (meters: TestMeters) => {
  const before = meters.requests.length;
  return vi.waitFor(() => expect(meters.requests.length).toBeGreaterThan(before), PATIENCE);
};

describe('the file read anew', () => {
  test('on SIGHUP: what is new starts, what is gone ends, and what stays is not touched', async () => {
    write([floor1()]);
    const gateway = start();
    await told('gateway up');
    await asked(first);
    write([floor1(), floor2()]);
    gateway.kill('SIGHUP');
    expect(await told('the new configuration is at work')).toMatchObject({
      started: ['floor-2'],
      stopped: [],
      kept: ['floor-1'],
    });
    await Promise.all([asked(first), asked(second)]);
    expect(first.connections()).toBe(1);

    logged.length = 0;
    write([floor2()]);
    gateway.kill('SIGHUP');
    expect(await told('the new configuration is at work')).toMatchObject({
      started: [],
      stopped: ['floor-1'],
      kept: ['floor-2'],
    });
    await asked(second);
    expect(second.connections()).toBe(1);
  }, 60_000);

  test.each<[string, string, RegExp]>([
    ['an unknown key', 'poll: 0\n', /edge\.yaml:8: poll: unknown key/],
    [
      'a port beyond this machine without a password',
      'http: { host: 0.0.0.0, port: 0 }\n',
      /edge\.yaml:8: http\.host: .*METERLINE_EDGE_PASSWORD/,
    ],
    [
      'what cannot change while it runs',
      'outbox: { maxAgeDays: 3 }\n',
      /edge\.yaml: outbox: needs a restart/,
    ],
  ])(
    '%s: told by file, line and key, and the old one stays at work',
    async (_, more, error) => {
      write([floor1()], 'reload: true\n');
      start();
      await told('gateway up');
      write([floor2()], more);
      expect(await told('the new configuration is refused: the old one stays')).toMatchObject({
        error: expect.stringMatching(error),
      });
      await asked(first);
      expect(second.requests).toEqual([]);
    },
    60_000,
  );
});

describe('settings of the cloud', () => {
  let publisher: mqtt.MqttClient;
  beforeEach(async () => {
    const clock = { nowMs: Date.now };
    const ingest = await startIngest({
      brokerUrl: broker.url,
      ...broker.ingestCredential,
      store,
      clock,
      log,
    });
    publisher = mqtt.connect(broker.url, { ...broker.ingestCredential, clientId: 'ingest-publisher' });
    return async () => {
      await publisher.endAsync(true);
      await ingest.stop();
    };
  });

  const publish = (version: number, settings: GatewaySettings | object) =>
    publisher.publishAsync(configTopic('gw-a'), JSON.stringify({ gateway: 'gw-a', version, settings }), {
      qos: 1,
      retain: true,
    });
  const status = (expected: Partial<GatewayStatus>) =>
    vi.waitFor(async () => {
      const [found] = await store.gatewayStatuses();
      expect(found).toMatchObject(expected);
      return found;
    }, PATIENCE);

  test('good ones are tried, stay, and are there after a restart; an older version is not looked at', async () => {
    write([floor1()]);
    const gateway = start();
    await asked(first);
    await publish(7, { buses: [floor1(), floor2()], trialSeconds: 3 });
    await status({ configVersion: 7, configState: 'trial' });
    await asked(second);
    await status({ configVersion: 7, configState: 'active' });
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
    await publish(6, { buses: [floor1()] });
    start();
    await asked(second);
    await status({ online: true, configVersion: 7, configState: 'active' });
  }, 90_000);

  test('a wrong port is undone: the meters are read as before, and the reason is told', async () => {
    write([floor1(), floor2()]);
    start();
    await Promise.all([asked(first), asked(second)]);
    await publish(8, { buses: [floor1(), bus('floor-2', 9, 'E-4', 4)], trialSeconds: 3 });
    await status({ configVersion: 8, configState: 'trial' });
    const { configReason } = (await status({ configVersion: null, configState: 'rolled_back' })) ?? {};
    expect(configReason).toBe('bus floor-2 fell silent: E-4');
    await asked(second);
    expect(first.connections()).toBe(1);
  }, 90_000);

  test('kill -9 in the middle of a trial: the next start goes on with it, and undoes it', async () => {
    write([floor1()]);
    const gateway = start();
    await asked(first);
    await publish(9, { buses: [bus('floor-1', 9, 'E-3', 3)], trialSeconds: 4 });
    await status({ configVersion: 9, configState: 'trial' });
    gateway.kill('SIGKILL');
    await once(gateway, 'exit');
    const before = first.requests.length;
    start();
    await status({ online: true, configVersion: 9, configState: 'trial' });
    expect(first.requests.length).toBe(before);
    await status({ configVersion: null, configState: 'rolled_back' });
    await asked(first);
  }, 90_000);

  test('a process that ends three times in a trial starts without it', async () => {
    write([floor1()]);
    let gateway = start();
    await asked(first);
    await publish(10, { buses: [floor1(), floor2()], trialSeconds: 600 });
    await status({ configVersion: 10, configState: 'trial' });
    for (let ends = 1; ends <= 3; ends += 1) {
      await asked(second);
      gateway.kill('SIGKILL');
      await once(gateway, 'exit');
      gateway = start();
    }
    const { configReason } = (await status({ configVersion: null, configState: 'rolled_back' })) ?? {};
    expect(configReason).toBe('the process ended 3 times during the trial');
    const before = second.requests.length;
    await asked(first);
    expect(second.requests.length).toBe(before);
  }, 90_000);

  test('a trial in which the uplink was lost is undone', async () => {
    write([floor1()]);
    start();
    await asked(first);
    await publish(11, { buses: [floor1(), floor2()], trialSeconds: 3 });
    await status({ configVersion: 11, configState: 'trial' });
    await broker.close();
    expect(await told('configuration of the cloud is undone')).toMatchObject({
      version: 11,
      reason: 'the uplink was lost',
    });
    await asked(first);
  }, 60_000);

  test.each<[string, object, RegExp]>([
    [
      'an unknown model',
      { buses: [{ ...bus('floor-1', 9, 'E-3', 3), meters: [{ meter: 'E-3', profile: 'none', unit: 3 }] }] },
      /^buses\.0\.meters\.0\.profile: "none"/,
    ],
    ['its data folder', { dataDir: '/tmp/elsewhere' }, /dataDir/],
    ['its broker', { broker: 'mqtt://192.0.2.1' }, /broker/],
  ])(
    '%s cannot be sent: refused by key, and nothing changes',
    async (_, settings, reason) => {
      write([floor1()]);
      start();
      await asked(first);
      await publish(3, settings);
      await status({
        configVersion: null,
        configState: 'refused',
        configReason: expect.stringMatching(reason),
      });
      await asked(first);
    },
    60_000,
  );
});
