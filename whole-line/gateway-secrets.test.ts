/** What a gateway knows and never tells: passwords, in its log, its status, the answers of its API, its reports. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import pino from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { startBroker } from '../cloud/broker.ts';
import { startIngest } from '../cloud/ingest.ts';
import { openStore } from '../cloud/store/store.ts';
import { hashPassword } from '../process/secrets.ts';
import { configTopic } from '../protocols/topics.ts';

const UPLINK = 'uplink-secret-4711';
const METER = 'meter-secret-4712';
const SENT_METER = 'meter-secret-4713';
const PAGE = 'page-secret-4714-long';
const PATIENCE = { timeout: 30_000, interval: 50 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test('no password of meter, uplink or page is ever told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-secrets-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const log = pino({ level: 'silent' });
  const store = await openStore({ file: ':memory:' });
  cleanups.push(() => store.close());
  const gateways = [{ gateway: 'gw-a', password: UPLINK }];
  const broker = await startBroker({ host: '127.0.0.1', port: 0, gateways, log });
  cleanups.push(() => broker.close());
  const ingest = await startIngest({
    ...{ brokerUrl: broker.url, ...broker.ingestCredential, store, clock: { nowMs: Date.now }, log },
  });
  cleanups.push(() => ingest.stop());
  const publisher = mqtt.connect(broker.url, { ...broker.ingestCredential, clientId: 'ingest-publisher' });
  cleanups.push(() => publisher.endAsync(true));

  const passwordHash = await hashPassword(PAGE);
  const file = join(folder, 'edge.yaml');
  // Nobody listens at port 9: the meter is silent, and the log tells of it.
  const bus = (password: string, more = {}) => ({
    ...{ id: 'floor-1', tcp: '127.0.0.1:9', timeoutMilliseconds: 200 },
    meters: [{ meter: 'D-1', profile: 'dlms-electricity', unit: 1, password, ...more }],
  });
  writeFileSync(
    file,
    `gateway: gw-a
dataDir: ./data
broker: ${broker.url}
username: gw-a
password: ${UPLINK}
pollIntervalSeconds: 1
http: { port: 0, passwordHash: '${passwordHash}' }
buses: ${JSON.stringify([bus(METER)])}
`,
  );
  const gateway = fork(join(import.meta.dirname, '..', 'meterline.ts'), ['edge', '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  cleanups.push(async () => {
    const ended = once(gateway, 'exit');
    if (gateway.kill('SIGKILL')) await ended;
  });
  let told = '';
  for (const stream of [gateway.stdout, gateway.stderr])
    stream?.on('data', (chunk) => {
      told += chunk;
    });
  const url = await vi.waitFor(() => /"http":"([^"]+)"/.exec(told)?.[1] ?? expect.fail(told), PATIENCE);

  const heads = { authorization: `Bearer ${PAGE}`, 'content-type': 'application/json' };
  const ask = async (path: string, init: RequestInit = {}): Promise<void> => {
    const answer = await fetch(`${url}${path}`, { headers: heads, ...init });
    told += `\n${path} ${answer.status} ${await answer.text()}`;
  };
  const statusOf = (expected: object) =>
    vi.waitFor(async () => {
      const [found] = await store.gatewayStatuses();
      expect(found).toMatchObject(expected);
      told += JSON.stringify(found);
    }, PATIENCE);
  const send = (version: number, settings: object) =>
    publisher.publishAsync(configTopic('gw-a'), JSON.stringify({ gateway: 'gw-a', version, settings }), {
      ...{ qos: 1, retain: true },
    });

  await statusOf({ online: true });
  for (const path of ['/api/v1/status', '/api/v1/meters', '/api/v1/profiles', '/api/v1/doctor', '/metrics'])
    await ask(path);
  const read = JSON.stringify({ unit: 1, profile: 'dlms-electricity' });
  await ask('/api/v1/buses/floor-1/read', { method: 'POST', body: read });
  await ask('/api/v1/session', { method: 'POST', body: JSON.stringify({ password: `${PAGE}x` }) });
  // Refused for what is wrong beside the password, and for the password where there can be none.
  await send(1, { buses: [bus(SENT_METER, { profile: 'none' })] });
  await statusOf({ configState: 'refused', configReason: expect.stringContaining('profile') });
  await send(2, { buses: [bus(SENT_METER, { profile: 'acrel-dtsd1352' })] });
  await statusOf({ configState: 'refused', configReason: expect.stringContaining('password') });
  await send(3, { buses: [bus(SENT_METER)], trialSeconds: 1 });
  await statusOf({ configState: expect.stringMatching(/trial|active|rolled_back/) });
  await ask('/api/v1/meters');
  const ended = once(gateway, 'exit');
  gateway.kill('SIGTERM');
  await ended;

  expect(told).toContain('"msg":"gateway stopped"');
  expect(told).toMatch(/\/api\/v1\/meters 200/);
  for (const secret of [UPLINK, METER, SENT_METER, PAGE, passwordHash, passwordHash.split(':').at(-1)])
    expect(told).not.toContain(secret);
}, 90_000);
