import { once } from 'node:events';
import { get, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { startTestServer } from './test-server.ts';

const lines = (body: string): Record<string, unknown>[] =>
  body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('a live read gives every register of the model, and says that it waited for nobody', async () => {
  const { post } = await startTestServer();
  const answer = await post('/api/v1/buses/floor-1/read', { unit: 3, profile: 'acrel-dtsd1352' });
  const body = answer.json();
  expect(body).toMatchObject({ bus: 'floor-1', unit: 3, profile: 'acrel-dtsd1352' });
  expect(body.readings).toContainEqual({
    register: '1-0:1.8.0',
    name: expect.any(String),
    value: '123456.78',
    unit: 'kWh',
    quality: 'actual',
    code: null,
    raw: '00bc614e',
    billing: true,
    readAt: '2026-09-01T00:07:00Z',
  });
  expect(body.waitedMilliseconds).toBeGreaterThanOrEqual(0);
});

test('a live read goes before the polls that wait, and says how long it waited for the request in flight', async () => {
  const { post, line, meters } = await startTestServer();
  const polls = [9, 3, 3].map((unit) =>
    line.read({ unit, functionCode: 3, address: 10, count: 2 }).catch(() => null),
  );
  const asked = post('/api/v1/buses/floor-1/registers', { unit: 7, functionCode: 3, address: 10, count: 2 });
  const answer = (await asked).json();
  await Promise.all(polls);
  expect(meters.requests).toEqual([9, 7, 3, 3]);
  expect(answer).toMatchObject({ registers: '00000c38', fault: null });
  expect(answer.waitedMilliseconds).toBeGreaterThan(50);
});

test.each([
  [
    { unit: 9, profile: 'acrel-dtsd1352' },
    { layer: 'reply', code: 'timeout' },
  ],
  [
    { unit: 3, profile: 'eastron-sdm630' },
    { layer: 'refused', code: 'exception_2' },
  ],
])('a read that fails says at which layer, and the next thing to try: %o', async (body, fault) => {
  const { post } = await startTestServer();
  const answer = (await post('/api/v1/buses/floor-1/read', body)).json();
  expect(answer.fault).toMatchObject(fault);
  expect(answer.fault.next).not.toBe('');
});

test('a port that cannot be opened is the fault of the port', async () => {
  const { post, meters } = await startTestServer();
  await meters.close();
  const answer = (await post('/api/v1/buses/floor-1/read', { unit: 3, profile: 'acrel-dtsd1352' })).json();
  expect(answer.fault).toMatchObject({ layer: 'port', code: 'unreachable' });
});

test('a scan tells its progress and who was found, listed units first when none are named', async () => {
  const { post } = await startTestServer();
  const answer = await post('/api/v1/buses/floor-1/scan', { units: [3, 5, 7], timeoutMilliseconds: 30 });
  expect(answer.headers['content-type']).toContain('application/x-ndjson');
  const events = lines(answer.body);
  expect(events[0]).toEqual({ type: 'start', units: [3, 5, 7], polling: 'goes_on' });
  expect(events.filter(({ type }) => type === 'progress')).toMatchObject([
    { unit: 3, probed: 0, total: 3, found: 0 },
    { unit: 5, probed: 1, found: 1 },
    { unit: 7, probed: 2, found: 1 },
  ]);
  expect(events.filter(({ type }) => type === 'found')).toMatchObject([
    { meter: { unit: 3 } },
    { meter: { unit: 7 } },
  ]);
  expect(events.at(-1)).toMatchObject({ type: 'done', probed: 3, found: 2 });
});

test('polls are served while a scan runs, and whoever leaves ends it', async () => {
  const { api, line, meters, ask } = await startTestServer();
  await api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const scan = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/api/v1/buses/floor-1/scan',
    headers: { 'content-type': 'application/json' },
  });
  scan.end('{"timeoutMilliseconds":20}');
  const [response] = await once(scan, 'response');
  const [chunk] = await once(response, 'data');
  expect(lines(String(chunk))[0]?.units).toEqual([
    3,
    9,
    1,
    2,
    ...Array.from({ length: 244 }, (_, at) => at + 4).filter((n) => n !== 9),
  ]);
  const state = async () => (await ask({ url: '/api/v1/status' })).json().buses[0].liveWork;
  expect(await state()).toBe('scan');
  expect(await line.read({ unit: 3, functionCode: 3, address: 10, count: 2 })).toMatchObject({ ok: true });
  response.on('error', () => undefined);
  scan.destroy();
  await vi.waitFor(async () => expect(await state()).toBeNull());
  const asked = meters.requests.length;
  await line.read({ unit: 3, functionCode: 3, address: 10, count: 2 });
  expect(meters.requests.length).toBe(asked + 1);
});

test('one search along a bus at a time', async () => {
  const { post } = await startTestServer();
  const [first, second] = await Promise.all([
    post('/api/v1/buses/floor-1/scan', { units: [5, 6], timeoutMilliseconds: 50 }),
    post('/api/v1/buses/floor-1/detect-register', { face: '123456.78', unit: 3 }),
  ]);
  expect(first.statusCode).toBe(200);
  expect(second.json()).toMatchObject({ status: 409, code: 'bus_busy' });
});

test('the digits on the face find the register, with what it held', async () => {
  const { post } = await startTestServer();
  const answer = await post('/api/v1/buses/floor-1/detect-register', {
    face: '123456.78',
    unit: 3,
    to: 31,
    pauseMilliseconds: 0,
  });
  const events = lines(answer.body);
  expect(events[0]).toMatchObject({ type: 'progress', functionCode: 3 });
  expect(events.at(-1)).toMatchObject({
    type: 'done',
    face: '123456.78',
    found: [{ address: 10, type: 'u32', order: 'ABCD', scale: '0.01', raw: '00bc614e' }],
    fault: null,
  });
  const refused = await post('/api/v1/buses/floor-1/detect-register', { face: '12', unit: 3 });
  expect(refused.json()).toMatchObject({ status: 422, code: 'not_a_face' });
});

test('watching sends an event for each read, until the reader leaves', async () => {
  const { api, meters } = await startTestServer();
  await api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const path = '/api/v1/buses/floor-1/watch?unit=3&profile=acrel-dtsd1352&interval=1';
  const [response] = await once(get({ host: '127.0.0.1', port, path }), 'response');
  expect(response.headers['content-type']).toContain('text/event-stream');
  const [first] = await once(response, 'data');
  expect(JSON.parse(String(first).replace('data: ', ''))).toMatchObject({
    unit: 3,
    fault: { layer: 'refused' },
  });
  response.on('error', () => undefined);
  response.destroy();
  expect(meters.requests).toContain(3);
});

test('the doctor examines through the lines that are open', async () => {
  const { ask } = await startTestServer();
  const { ok, findings } = (await ask({ url: '/api/v1/doctor' })).json();
  expect(ok).toBe(false);
  expect(findings).toMatchObject([
    { check: expect.stringContaining('bus floor-1'), state: 'ok' },
    { check: expect.stringContaining('E-9 (unit 9)'), state: 'wrong', detail: 'no reply' },
    { check: 'uplink', state: 'ok' },
    { check: 'outbox', state: 'ok' },
  ]);
});
