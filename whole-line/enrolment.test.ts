/** A gateway from its code to its readings: the commands, the API, the broker and the files, as they are in the field. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Fixture, startFixture } from '../cloud/api/fixture-server.ts';
import { type Broker, startBroker } from '../cloud/broker.ts';
import { run as ca } from '../cloud/commands/ca.ts';
import { startAuthority, type TestAuthority } from '../cloud/test-authority.ts';
import { run as enrol } from '../edge/commands/enrol.ts';
import { type EdgeConfig, readConfig } from '../edge/config.ts';
import { keepCertificate } from '../edge/delivery/certificate-renewal.ts';
import { UplinkSession } from '../edge/delivery/uplink-session.ts';
import type { GatewayStatus } from '../protocols/uplink.ts';

const log = pino({ level: 'silent' });
const ADDRESS_LIMIT = 10;

let folder: string;
let file: string;
let park: TestAuthority;
let broker: Broker;
let fixture: Fixture;
let cloud: string;
let printed: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-enrol-'));
  file = join(folder, 'edge.yaml');
  park = await startAuthority();
  broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    tls: park.brokerTls,
    gateways: [],
    log,
    rereadMs: 50,
  });
  const enrolment = { authority: park.folder, broker: `mqtts://127.0.0.1:${broker.port}` };
  fixture = await startFixture({ enrolment, wallClock: { nowMs: () => Date.now() } });
  cloud = await fixture.api.listen({ host: '127.0.0.1', port: 0 });
  printed = [];
  for (const way of ['log', 'error'] as const)
    vi.spyOn(console, way).mockImplementation((...words) => void printed.push(words.join(' ')));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fixture.close();
  await broker.close();
  park.remove();
  rmSync(folder, { recursive: true });
});

async function code(gateway: string): Promise<string> {
  const reply = await fixture.post('/api/v1/enrolments', { gateway });
  expect(reply.statusCode).toBe(201);
  return reply.json().code;
}

function config(): EdgeConfig {
  const checked = readConfig(file, new Map(), {});
  if (!checked.ok) throw new Error(checked.errors.join('\n'));
  return checked.config;
}

const will: GatewayStatus = {
  gateway: 'gw-a',
  online: false,
  at: '2026-11-22T00:00:00Z',
  version: '0',
  bufferedRows: 0,
  oldestBufferedAt: null,
  lastReceiptAt: null,
  buses: [],
};

async function connect(): Promise<UplinkSession> {
  const ready = Promise.withResolvers<void>();
  const session = new UplinkSession({
    ...config(),
    will,
    onReady: ready.resolve,
    onReceipt: () => undefined,
  });
  await Promise.race([ready.promise, session.ended.then(({ detail }) => Promise.reject(new Error(detail)))]);
  return session;
}

describe('a gateway with a code', () => {
  test('gets its certificate, its name and the broker, and is connected with what was written', async () => {
    expect(await enrol([await code('gw-a'), '--cloud', cloud, '--config', file])).toBe(0);
    expect(config()).toMatchObject({ gateway: 'gw-a', broker: `mqtts://127.0.0.1:${broker.port}` });
    expect(statSync(join(folder, 'data/certificates/gateway.pem')).mode & 0o777).toBe(0o600);
    const session = await connect();
    expect(broker.connected()).toBe(1);
    session.end();
  });

  test('keeps what its configuration says already, but the password', async () => {
    const text =
      '# the east wing\ngateway: gw-a\ndataDir: ./here\nbroker: mqtt://127.0.0.1\nusername: gw-a\npassword: secret\n';
    writeFileSync(file, text);
    expect(await enrol([await code('gw-a'), '--cloud', cloud, '--config', file])).toBe(0);
    const written = readFileSync(file, 'utf8');
    expect(written).toContain('# the east wing');
    expect(written).not.toContain('secret');
    expect(config().dataDir).toBe(join(folder, 'here'));
    (await connect()).end();
  });

  test.each<[string, () => Promise<string[]>, number, string]>([
    ['of another gateway', async () => [await code('gw-b'), '--cloud', cloud], 1, 'opens nothing'],
    ['that it does not have', async () => ['AAAAA-AAAAA', '--cloud', cloud], 1, 'opens nothing'],
    [
      'for a cloud that is away',
      async () => ['AAAAA-AAAAA', '--cloud', 'http://127.0.0.1:1'],
      3,
      'does not answer',
    ],
    [
      'for a cloud in the clear',
      async () => ['AAAAA-AAAAA', '--cloud', 'http://192.0.2.1'],
      2,
      'use https://',
    ],
    ['for nobody', async () => ['AAAAA-AAAAA'], 2, 'Usage'],
  ])('%s: refused, and nothing is written', async (_, args, exit, words) => {
    const text = 'gateway: gw-a\ndataDir: ./data\nbroker: mqtt://127.0.0.1\n';
    writeFileSync(file, text);
    expect(await enrol([...(await args()), '--config', file])).toBe(exit);
    expect(printed.join('\n')).toContain(words);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('that is guessed: the eleventh guess is not looked at, the right one neither', async () => {
    const right = await code('gw-a');
    const claim = (guess: string) => enrol([guess, '--cloud', cloud, '--config', file]);
    for (let n = 0; n < ADDRESS_LIMIT; n += 1) expect(await claim(`AAAAA-AAAA${n}`)).toBe(1);
    printed = [];
    expect(await claim(right)).toBe(1);
    expect(printed.join('\n')).toContain('Too many attempts');
  });
});

test('a certificate with a third of its time left is renewed, with a new key, and the old one is good until then', async () => {
  await enrol([await code('gw-a'), '--cloud', cloud, '--config', file]);
  const { tls } = config();
  if (tls === undefined) throw new Error('no tls');
  const before = readFileSync(tls.cert, 'utf8');
  const inDays = (days: number) => ({
    gateway: 'gw-a',
    tls,
    log,
    nowMs: () => Date.now() + days * 86_400_000,
  });
  keepCertificate(inDays(200))();
  expect(readFileSync(tls.cert, 'utf8')).toBe(before);
  const stop = keepCertificate(inDays(300));
  await vi.waitFor(() => expect(readFileSync(tls.cert, 'utf8')).not.toBe(before), { timeout: 5000 });
  stop();
  expect(park.authority.list().filter(({ name }) => name === 'gw-a')).toHaveLength(2);
  (await connect()).end();
});

test('`ca revoke` ends the session of a gateway, and lets nobody back in with that certificate', async () => {
  await enrol([await code('gw-a'), '--cloud', cloud, '--config', file]);
  const session = await connect();
  expect(await ca(['revoke', 'gw-a', '--folder', park.folder])).toBe(0);
  await session.ended;
  await expect(connect()).rejects.toThrow();
  expect(await ca(['revoke', 'nobody', '--folder', park.folder])).toBe(1);
});

test('`ca init`, `issue` and `list` make what a broker and a gateway run on', async () => {
  const at = ['--folder', join(folder, 'ca'), '--out', folder];
  for (const words of [['init'], ['issue', '--server', '127.0.0.1', 'localhost'], ['issue', 'gw-a']])
    expect(await ca([...words, ...at])).toBe(0);
  expect(await ca(['init', ...at])).toBe(2);
  expect(await ca(['issue', 'ingest', ...at])).toBe(2);
  const [own, server] = [join(folder, 'gw-a.pem'), join(folder, '127.0.0.1.pem')];
  const trusted = join(folder, 'ca.pem');
  const tls = { cert: server, key: server, clientCa: trusted, revoked: join(folder, 'ca', 'crl.pem') };
  const second = await startBroker({ host: '127.0.0.1', port: 0, tls, gateways: [], log });
  const lines = [
    `broker: mqtts://127.0.0.1:${second.port}`,
    `tls: { ca: ca.pem, cert: ${own}, key: ${own} }`,
  ];
  writeFileSync(file, ['gateway: gw-a', 'dataDir: ./data', ...lines].join('\n'));
  (await connect()).end();
  printed = [];
  expect(await ca(['list', '--json', ...at])).toBe(0);
  expect(JSON.parse(printed[0] ?? '').map(({ name }: { name: string }) => name)).toEqual([
    '127.0.0.1',
    'gw-a',
  ]);
  await second.close();
});
