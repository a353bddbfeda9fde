import { afterEach, beforeEach, expect, test } from 'vitest';
import type { GatewayConfig } from '../../protocols/uplink.ts';
import { adminKey, type Fixture, startFixture } from './fixture-server.ts';

const sent: GatewayConfig[] = [];
let fixture: Fixture;
beforeEach(async () => {
  sent.length = 0;
  fixture = await startFixture({ sendConfig: (config) => void sent.push(config) });
  await fixture.store.putGatewayStatus({
    gateway: 'gw-a',
    online: true,
    at: '2026-09-15T10:00:00Z',
    version: '0.1.0',
    configVersion: 1,
    configState: 'rolled_back',
    configReason: 'bus floor-2 fell silent: E-4',
    bufferedRows: 0,
    oldestBufferedAt: null,
    lastReceiptAt: null,
    buses: [],
  });
});
afterEach(() => fixture.close());

const put = (gateway: string, settings: object) =>
  fixture.ask({
    method: 'PUT',
    url: `/api/v1/gateways/${gateway}/config`,
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    payload: JSON.stringify(settings),
  });

const meterOf = (profile: string) => ({ meter: 'E-1', profile, unit: 1 });

test('settings become the next version of the gateway, are sent, kept with who and when, and audited', async () => {
  const bus = {
    id: 'floor-1',
    tcp: '192.0.2.10:502',
    meters: [{ meter: 'E-3', profile: 'acrel-dtsd1352', unit: 3 }],
  };
  expect((await put('gw-a', { pollIntervalSeconds: 60 })).json()).toMatchObject({
    gateway: 'gw-a',
    version: 1,
  });
  expect((await put('gw-a', { buses: [bus] })).json()).toMatchObject({ version: 2 });
  expect(sent.map(({ version }) => version)).toEqual([1, 2]);
  expect(await fixture.store.newestGatewayConfigs()).toEqual([sent[1]]);
  const kept = (await fixture.get('/api/v1/gateways/gw-a/config')).json();
  expect(kept).toMatchObject({
    atWork: 1,
    state: 'rolled_back',
    reason: 'bus floor-2 fell silent: E-4',
    items: [
      { version: 2, settings: { buses: [bus] }, by: 'key:environment' },
      { version: 1, settings: { pollIntervalSeconds: 60 } },
    ],
  });
});

test.each<[number | null | undefined, unknown]>([
  [3, 3],
  [null, 'own_file'],
  [undefined, 'own_file'],
])('a gateway that tells version %s has %s at work', async (configVersion, atWork) => {
  const [status] = await fixture.store.gatewayStatuses();
  if (status === undefined) throw new Error('no status');
  const { configVersion: _, ...rest } = status;
  const told = configVersion === undefined ? rest : { ...rest, configVersion };
  await fixture.store.putGatewayStatus({ ...told, at: '2026-09-15T10:01:00Z' });
  expect((await fixture.get('/api/v1/gateways/gw-a/config')).json()).toMatchObject({ atWork });
});

test('the key that a gateway showed first is its own; another is an alarm until somebody says that it is good', async () => {
  const [status] = await fixture.store.gatewayStatuses();
  if (status === undefined) throw new Error('no status');
  const shows = (keyId: string) => fixture.store.putGatewayStatus({ ...status, keyId });
  const health = async () => (await fixture.get('/api/v1/health')).json();
  const [first, second] = ['00000000000000aa', '00000000000000bb'];
  await shows(first);
  expect((await health()).gateways[0]).toMatchObject({ alarms: [], keyId: first, pinnedKeyId: first });
  await shows(second);
  await shows(second);
  expect((await health()).gateways[0]).toMatchObject({
    alarms: ['key_changed'],
    keyId: second,
    pinnedKeyId: first,
  });
  expect((await health()).sentence.en).toContain('gateway gw-a signs with another key');
  expect((await fixture.post('/api/v1/gateways/gw-a/key', {})).statusCode).toBe(200);
  expect((await health()).gateways[0]).toMatchObject({ alarms: [], pinnedKeyId: second });
  expect((await fixture.post('/api/v1/gateways/gw-z/key', {})).json()).toMatchObject({
    code: 'unknown_gateway',
  });
});

test.each([
  { dataDir: '/tmp' },
  { buses: [{ id: 'f1', tcp: '192.0.2.10', meters: [{ meter: 'E-1', profile: 'p', unit: 1 }] }] },
  { buses: [{ id: 'f1', tcp: '192.0.2.10:65536', meters: [{ meter: 'E-1', profile: 'p', unit: 1 }] }] },
  { buses: [{ id: 'f1', tcp: '192.0.2.10:502', meters: [] }] },
  { buses: [{ id: 'f1', tcp: '192.0.2.10:502', meters: [{ meter: 'E-1', unit: 1 }] }] },
  { broker: 'mqtt://192.0.2.1' },
  { pollIntervalSeconds: 0 },
  { pollIntervalSeconds: '60' },
])('what cannot be sent is refused: %o', async (settings) => {
  expect((await put('gw-a', settings)).json()).toMatchObject({ status: 400, code: 'invalid_request' });
  expect(sent).toEqual([]);
});

test.each([
  [
    { buses: [{ id: 'f1', tcp: '192.0.2.10:502', meters: [meterOf('abb-b23'), meterOf('abb-b32')] }] },
    'buses.0.meters.1.profile (bus f1, meter E-1): there is no model "abb-b32"',
  ],
  [
    { pushMeters: [{ meter: 'W-1', profile: 'json-water', topic: 'water/1' }] },
    'pushMeters.0.profile (meter W-1): there is no model "json-water"',
  ],
])('a model that no gateway knows is refused by its key: %o', async (settings, detail) => {
  expect((await put('gw-a', settings)).json()).toMatchObject({
    status: 422,
    code: 'unknown_profile',
    detail,
  });
  expect(sent).toEqual([]);
});

test('a gateway that was never connected is not known', async () => {
  expect((await put('gw-none', {})).json()).toMatchObject({ status: 404, code: 'unknown_gateway' });
});
