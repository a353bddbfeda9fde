import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashPassword, verifyPassword } from '../../process/secrets.ts';
import type { GatewayView } from '../gateway-view.ts';
import { edgeRefusals } from './problems.ts';
import { NOW_MS, PASSWORD, startTestServer } from './test-server.ts';

const hash = await hashPassword(PASSWORD);
const guarded = () => startTestServer({ verifyPassword: (password) => verifyPassword(password, hash) });
const own = { 'sec-fetch-site': 'same-origin' };

describe('who may ask', () => {
  test('without a password this machine may, under its own name only', async () => {
    const { ask } = await startTestServer();
    expect((await ask({ url: '/api/v1/status' })).statusCode).toBe(200);
    const foreign = await ask({ url: '/api/v1/status', headers: { host: 'rebound.example:8090' } });
    expect(foreign.json()).toMatchObject({ status: 403, code: 'foreign_host' });
  });

  test.each(['/api/v1/status', '/api/v1/meters', '/metrics', '/api/openapi.json', '/api/v1/no-such'])(
    'with one, %s needs it',
    async (url) => {
      const { ask } = await guarded();
      expect((await ask({ url })).json()).toMatchObject({ status: 401, code: 'unauthenticated' });
      const authorization = `Bearer ${PASSWORD}`;
      expect((await ask({ url, headers: { authorization } })).statusCode).toBe(
        url.endsWith('such') ? 404 : 200,
      );
      expect((await ask({ url, headers: { authorization: 'Bearer wrong' } })).statusCode).toBe(401);
    },
  );

  test.each(['/healthz', '/readyz'])('%s is open', async (url) => {
    const { ask } = await guarded();
    expect((await ask({ url })).json()).toEqual({ status: 'ok' });
  });

  test('a session lasts until it is ended, and its writes must come from the own page', async () => {
    const { ask, post } = await guarded();
    const opened = await post('/api/v1/session', { password: PASSWORD });
    const set = String(opened.headers['set-cookie']);
    expect(set).toMatch(/HttpOnly; SameSite=Strict/);
    const [cookie = ''] = set.split(';');
    expect((await ask({ url: '/api/v1/status', headers: { cookie } })).statusCode).toBe(200);
    const read = { unit: 3, profile: 'acrel-dtsd1352' };
    const url = '/api/v1/buses/floor-1/read';
    expect((await post(url, read, { cookie })).json()).toMatchObject({ code: 'cross_site' });
    expect((await post(url, read, { cookie, ...own })).statusCode).toBe(200);
    expect((await post(url, read, { cookie, 'sec-fetch-site': 'cross-site' })).statusCode).toBe(403);
    await ask({ method: 'DELETE', url: '/api/v1/session', headers: { cookie, ...own } });
    expect((await ask({ url: '/api/v1/status', headers: { cookie } })).statusCode).toBe(401);
  });

  test('from the eleventh wrong guess on the answer is 429, and the right password does not help', async () => {
    const { post, ask } = await guarded();
    const guess = (password: string) => post('/api/v1/session', { password });
    for (let n = 0; n < 10; n += 1) expect((await guess('wrong')).json().code).toBe('wrong_password');
    expect((await guess('wrong')).statusCode).toBe(429);
    expect((await guess(PASSWORD)).statusCode).toBe(429);
    const authorization = `Bearer ${PASSWORD}`;
    expect((await ask({ url: '/api/v1/status', headers: { authorization } })).statusCode).toBe(429);
  });

  test('once the password was used it is still not told to who guesses; a session goes on beside the guesses', async () => {
    const { post, ask } = await guarded();
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await ask({ url: '/api/v1/status', headers })).statusCode;
    const bearer = (secret: string) => status({ authorization: `Bearer ${secret}` });
    const opened = await post('/api/v1/session', { password: PASSWORD });
    const [cookie = ''] = String(opened.headers['set-cookie']).split(';');
    expect(await bearer(PASSWORD)).toBe(200);
    for (let n = 0; n < 10; n += 1) expect(await bearer('wrong')).toBe(401);
    expect([await bearer('wrong'), await bearer(PASSWORD)]).toEqual([429, 429]);
    expect((await post('/api/v1/session', { password: PASSWORD })).statusCode).toBe(429);
    expect(await status({ cookie })).toBe(200);
  });

  test('a right bearer is never counted, and wipes out no wrong guess beside it', async () => {
    const { ask } = await guarded();
    const bearer = async (secret: string): Promise<number> =>
      (await ask({ url: '/api/v1/status', headers: { authorization: `Bearer ${secret}` } })).statusCode;
    for (let n = 0; n < 20; n += 1) expect(await bearer(PASSWORD)).toBe(200);
    for (let n = 0; n < 10; n += 1)
      expect([await bearer('wrong'), n < 9 && (await bearer(PASSWORD))]).toEqual([401, n < 9 && 200]);
    expect(await bearer('wrong')).toBe(429);
  });

  test.each([{ origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }])(
    'a page of another site gets nothing done: %o',
    async (headers) => {
      const { post, meters } = await startTestServer();
      const answer = await post(
        '/api/v1/buses/floor-1/read',
        { unit: 3, profile: 'acrel-dtsd1352' },
        headers,
      );
      expect(answer.json()).toMatchObject({ code: 'cross_site' });
      expect(meters.requests).toEqual([]);
    },
  );
});

describe('writing', () => {
  test.each([5, 6, 15, 16, 22, 23])(
    'function %i is refused with 403, however it is asked for',
    async (functionCode) => {
      const { post, meters } = await startTestServer();
      const frame = { unit: 3, functionCode, address: 10, count: 1 };
      const refused = { status: 403, code: 'write_refused' };
      for (const path of ['registers', 'read', 'write'])
        expect((await post(`/api/v1/buses/floor-1/${path}`, frame)).json()).toMatchObject(refused);
      const values = { ...frame, values: ['0001'] };
      expect((await post('/api/v1/buses/floor-1/registers', values)).json()).toMatchObject(refused);
      expect(meters.requests).toEqual([]);
    },
  );

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    '%s to where a write would be is refused with 403, with a slash behind it as well',
    async (method) => {
      const { ask } = await startTestServer();
      for (const url of ['/api/v1/buses/floor-1/write', '/api/v1/buses/floor-1/write/'])
        expect((await ask({ method, url })).json()).toMatchObject({ status: 403, code: 'write_refused' });
    },
  );

  test('of the functions that are no write, only 3 and 4 are asked', async () => {
    const { post } = await startTestServer();
    for (const functionCode of [1, 2, 7, 43])
      expect(
        (
          await post('/api/v1/buses/floor-1/registers', { unit: 3, functionCode, address: 10, count: 1 })
        ).json(),
      ).toMatchObject({ status: 400, code: 'invalid_request' });
  });
});

describe('bad input', () => {
  test.each<[string, unknown, number, string]>([
    ['an unknown key', { unit: 3, profile: 'acrel-dtsd1352', tenantId: 'x' }, 400, 'invalid_request'],
    ['a unit as text of a number', { unit: '3', profile: 'acrel-dtsd1352' }, 422, 'wrong_unit'],
    ['null for a unit', { unit: null, profile: 'acrel-dtsd1352' }, 400, 'invalid_request'],
    ['true for a unit', { unit: true, profile: 'acrel-dtsd1352' }, 400, 'invalid_request'],
    ['a doubled key', '{"unit":3,"unit":4,"profile":"acrel-dtsd1352"}', 400, 'invalid_json'],
    ['a number that a double cannot hold', '{"unit":9007199254740993,"profile":"x"}', 400, 'invalid_json'],
    ['no JSON', '{', 400, 'invalid_json'],
    ['an unknown model', { unit: 3, profile: 'no-such' }, 404, 'unknown_profile'],
    ['a model that pushes', { unit: 3, profile: 'json-water-push' }, 422, 'wrong_unit'],
    ['a body beyond the limit', `"${'x'.repeat(70_000)}"`, 413, 'body_too_large'],
  ])('%s is refused', async (_, body, status, code) => {
    const { post, meters } = await startTestServer();
    expect((await post('/api/v1/buses/floor-1/read', body)).json()).toMatchObject({ status, code });
    expect(meters.requests).toEqual([]);
  });

  test('registers beyond the last one are refused with 422; the last one is asked for', async () => {
    const { post, meters } = await startTestServer();
    const ask = (count: number) =>
      post('/api/v1/buses/floor-1/registers', { unit: 3, functionCode: 3, address: 65_535, count });
    expect((await ask(2)).json()).toMatchObject({ status: 422, code: 'beyond_registers' });
    expect(meters.requests).toEqual([]);
    expect((await ask(1)).statusCode).toBe(200);
  });

  test('an unknown bus, an unknown query field, another media type', async () => {
    const { post, ask } = await startTestServer();
    const read = { unit: 3, profile: 'acrel-dtsd1352' };
    expect((await post('/api/v1/buses/none/read', read)).json()).toMatchObject({ code: 'unknown_bus' });
    expect((await ask({ url: '/api/v1/status?all=1' })).statusCode).toBe(400);
    const text = { 'content-type': 'text/plain' };
    expect((await post('/api/v1/buses/floor-1/read', 'x', text)).statusCode).toBe(415);
    expect((await post('/api/v1/buses/floor-1/write', 'x', text)).json().code).toBe('write_refused');
  });
});

test('what the gateway knows of itself', async () => {
  const { ask } = await startTestServer();
  expect((await ask({ url: '/api/v1/status' })).json()).toMatchObject({
    gateway: 'gw-a',
    connected: true,
    bufferedRows: 4,
    bufferedBytes: 800,
    buses: [{ bus: 'floor-1', silent: ['E-9'], requests: 40, failures: 2, liveWork: null }],
  });
  const { items } = (await ask({ url: '/api/v1/meters' })).json();
  expect(items).toMatchObject([
    { meter: 'E-3', bus: 'floor-1', unit: 3, freshness: 'fresh', value: '123456.78', valueUnit: 'kWh' },
    { meter: 'E-9', unit: 9, freshness: 'silent', value: null, readAt: null },
  ]);
});

describe('a meter that pushes', () => {
  const HOUR_MS = 3_600_000;
  const pushed =
    (ago: { lastMs: number | null; longestMs: number }, intervalSeconds?: number) =>
    (gateway: GatewayView) => {
      const config = { ...gateway.config(), buses: [] };
      const row = { meter: 'W-1', profile: 'json-water-push', topic: 'water/1' };
      const status = {
        meter: 'W-1',
        firstAcceptedMs: null,
        lastAcceptedMs: ago.lastMs === null ? null : NOW_MS - ago.lastMs,
        longestSilenceMs: ago.longestMs,
        accepted: 1,
        repeated: 0,
        refused: {},
        lastRefusal: null,
      };
      return {
        ...gateway,
        config: () => ({
          ...config,
          pushMeters: [{ ...row, ...(intervalSeconds === undefined ? {} : { intervalSeconds }) }],
        }),
        push: () => ({
          accepted: 1,
          repeated: 0,
          refused: {},
          meters: [status],
          unknownTopics: [],
          nodes: [],
          setAside: [],
          closed: {},
        }),
      };
    };

  // The polls of the test gateway are a quarter of an hour apart: no push is judged by them.
  test.each<[string, Parameters<typeof pushed>, string, number | null]>([
    [
      'once an hour as observed is fresh after two',
      [{ lastMs: 2 * HOUR_MS, longestMs: HOUR_MS }],
      'fresh',
      3600,
    ],
    [
      'once an hour as observed is late after three',
      [{ lastMs: 3 * HOUR_MS, longestMs: HOUR_MS }],
      'late',
      3600,
    ],
    [
      'configured goes before observed',
      [{ lastMs: 3 * HOUR_MS, longestMs: HOUR_MS }, 86_400],
      'fresh',
      86_400,
    ],
    ['once only is given two days', [{ lastMs: 47 * HOUR_MS, longestMs: 0 }], 'fresh', null],
    ['once only is late after two days', [{ lastMs: 49 * HOUR_MS, longestMs: 0 }], 'late', null],
    ['never', [{ lastMs: null, longestMs: 0 }], 'never', null],
  ])('%s', async (_, given, freshness, expectedSeconds) => {
    const { ask } = await startTestServer({}, pushed(...given));
    const { items } = (await ask({ url: '/api/v1/meters' })).json();
    expect(items).toMatchObject([{ meter: 'W-1', freshness, expectedSeconds }]);
  });
});

test('figures for Prometheus: per bus and meter, outbox, uplink, process', async () => {
  const { ask } = await startTestServer();
  const { body, headers } = await ask({ url: '/metrics' });
  expect(headers['content-type']).toContain('version=0.0.4');
  expect(body.split('\n')).toEqual(
    expect.arrayContaining([
      '# TYPE meterline_edge_bus_requests_total counter',
      'meterline_edge_bus_requests_total{bus="floor-1"} 40',
      'meterline_edge_bus_failures_total{bus="floor-1"} 2',
      'meterline_edge_bus_failures_by_code_total{bus="floor-1",code="timeout"} 2',
      'meterline_edge_bus_cycle_floor_seconds{bus="floor-1"} 0.4',
      'meterline_edge_bus_utilisation_ratio{bus="floor-1"} 0.8',
      'meterline_edge_meter_last_reading_age_seconds{bus="floor-1",meter="E-3"} 420',
      'meterline_edge_meter_silent{bus="floor-1",meter="E-9"} 1',
      'meterline_edge_meter_requests_total{bus="floor-1",meter="E-9"} 20',
      'meterline_edge_meter_failures_total{bus="floor-1",meter="E-9"} 1',
      'meterline_edge_outbox_rows 4',
      'meterline_edge_outbox_bytes 800',
      'meterline_edge_outbox_oldest_age_seconds 420',
      'meterline_edge_uplink_connected 1',
      'meterline_edge_uplink_last_receipt_age_seconds 60',
    ]),
  );
  expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(body).toMatch(/^process_cpu_seconds_total [\d.]+$/m);
});

test('OpenAPI lists every route of the API, and none that writes to a meter', async () => {
  const { ask } = await startTestServer();
  const { openapi, paths } = (await ask({ url: '/api/openapi.json' })).json();
  expect(openapi).toBe('3.1.0');
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/api/v1/buses/{bus}/read', '/api/v1/buses/{bus}/scan', '/api/v1/doctor']),
  );
  expect(Object.keys(paths).filter((path) => path.includes('write'))).toEqual([]);
});

test('the README lists every code with its status', () => {
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const listed = [...readme.matchAll(/^\| `([a-z_]+)`\s*\| (\d{3})/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries(Object.entries(edgeRefusals).map(([code, { status }]) => [code, status])),
  );
});
