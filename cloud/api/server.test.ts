import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BalanceNode, Health, type MeterSummary, Problem } from '../../protocols/api.ts';
import { parseDecimal } from '../../protocols/decimal.ts';
import { refusals } from '../errors.ts';
import { seedIntervals, seedReadings, silentMeter } from './fixture-park.ts';
import { at, type Fixture, issueFixtureRun, nowMs, startFixture } from './fixture-server.ts';
import { msOf } from './query.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
  await seedReadings(fixture.store, nowMs);
  await seedIntervals(fixture.store, nowMs);
  await issueFixtureRun(fixture.store);
});
afterAll(() => fixture.close());

const month = `from=${at('2026-09-01T00:00:00+08:00')}&to=${at('2026-10-01T00:00:00+08:00')}`;

describe('meters', () => {
  test('the list says how fresh each is, its last value and what the day has used', async () => {
    const { items } = (await fixture.get('/api/v1/meters')).json();
    const byId = new Map(items.map((item: MeterSummary) => [item.id, item]));
    expect(byId.get('E-B-101')).toMatchObject({
      freshness: 'fresh',
      multiplier: '20',
      lastReadAt: '2026-09-15T10:00:00Z',
      serves: 'unit:B-101',
      unit: 'kWh',
    });
    const day = await fixture.get(
      `/api/v1/meters/E-B-101/curve?from=${at('2026-09-15T00:00:00+08:00')}&to=${at('2026-09-16T00:00:00+08:00')}`,
    );
    const quantities: number[] = day
      .json()
      .intervals.map(({ quantity }: { quantity: string }) => Number(quantity));
    const total = quantities.reduce((sum, one) => sum + one, 0);
    expect(Number((byId.get('E-B-101') as MeterSummary).dayQuantity)).toBeCloseTo(total, 6);
  });

  test('a curve has a null where the meter was silent, never a zero', async () => {
    const { intervals } = (await fixture.get(`/api/v1/meters/${silentMeter}/curve?${month}`)).json();
    const missing = intervals.filter(({ quality }: { quality: string }) => quality === 'missing');
    expect(missing).toHaveLength(2 * 96 + 1);
    expect(new Set(missing.map(({ quantity }: { quantity: null }) => quantity))).toEqual(new Set([null]));
  });

  test('a curve that has not changed is answered with 304', async () => {
    const url = `/api/v1/meters/E-0/curve?${month}`;
    const first = await fixture.get(url);
    expect(first.headers.etag).toMatch(/^W\/"/);
    const again = await fixture.get(url, { 'if-none-match': String(first.headers.etag) });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  test('readings come in pages that join without a gap or a repeat', async () => {
    const url = `/api/v1/meters/E-0/readings?${month}`;
    const all = (await fixture.get(`${url}&limit=10000`)).json();
    expect(all.next).toBeNull();
    const seen = [];
    let cursor = '';
    do {
      const { items, next } = (await fixture.get(`${url}&limit=500${cursor}`)).json();
      seen.push(...items);
      cursor = next === null ? '' : `&cursor=${encodeURIComponent(next)}`;
    } while (cursor !== '');
    expect(seen).toEqual(all.items);
  });
});

test('health is one sentence that names who is overdue', async () => {
  const health = Health.parse((await fixture.get('/api/v1/health')).json());
  expect(health.sentence).toEqual({ 'zh-CN': '全部 16 块表读数正常。', en: 'All 16 meters are fresh.' });
  const later = await startFixture({ clock: { nowMs: () => nowMs + 50 * 60_000 } });
  await seedReadings(later.store, nowMs);
  const overdue = (await later.get('/api/v1/health')).json();
  expect(overdue.fresh).toBe(0);
  expect(overdue.sentence.en).toContain('E-0 silent for 57 min');
  expect((await later.get('/metrics')).body).toContain('\nmeterline_meters_fresh 0\n');
  await later.close();
});

test('in the tree, what a branch counts is what its children count and a signed residual', async () => {
  const tree = (await fixture.get(`/api/v1/tree?utility=electricity&${month}`)).json();
  const branch = tree.nodes.find(({ meter }: BalanceNode) => meter === 'E-B');
  const micro = (text: string): bigint => parseDecimal(text, 6);
  expect(micro(branch.quantity)).toBe(micro(branch.children) + micro(branch.residual));
  expect(branch.verdict).toBe('within');
  // Two days of E-A-103 are not known: nothing is called conserved that was not counted.
  expect(tree.conserved).toBe(false);
  expect((await fixture.get(`/api/v1/tree?utility=water&${month}`)).json().conserved).toBe(true);
});

test('charges are pulled with a cursor that waits at the end for what is posted next', async () => {
  const first = (await fixture.get('/api/v1/charges?limit=1')).json();
  expect([first.items.length, first.more]).toEqual([1, true]);
  const second = (await fixture.get(`/api/v1/charges?limit=1&since=${first.next}`)).json();
  expect([second.items[0].lease, second.more]).toEqual(['L-02', false]);
  const third = (await fixture.get(`/api/v1/charges?since=${second.next}`)).json();
  expect(third).toEqual({ items: [], next: second.next, more: false });
});

test("a statement's file is the bytes that were signed", async () => {
  const reply = await fixture.get('/api/v1/statements/ST-L-01');
  expect(reply.headers['content-disposition']).toBe('attachment; filename="ST-L-01.json"');
  expect(reply.body).toBe((await fixture.store.statement('ST-L-01'))?.json);
});

describe('Idempotency-Key', () => {
  const day = (key: string, text: string) =>
    fixture.post('/api/v1/jobs/nightly-check', { day: text }, { 'idempotency-key': key });

  test('the same request again is not worked on again', async () => {
    const before = fixture.asked.length;
    const first = await day('k1', '2026-09-10');
    const again = await day('k1', '2026-09-10');
    expect(fixture.asked.length).toBe(before + 1);
    expect([again.statusCode, again.body]).toEqual([first.statusCode, first.body]);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  test('the same key with another body is refused', async () => {
    await day('k2', '2026-09-10');
    const other = await day('k2', '2026-09-11');
    expect([other.statusCode, other.json().code]).toEqual([422, 'idempotency_conflict']);
  });

  test('a twin that is still under way is refused, and done once', async () => {
    const before = fixture.asked.length;
    const twins = await Promise.all([day('k3', '2026-09-10'), day('k3', '2026-09-10')]);
    expect(twins.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    expect(fixture.asked.length).toBe(before + 1);
  });

  test('the secret of a key is not repeated', async () => {
    const mint = () =>
      fixture.post('/api/v1/keys', { name: 'n', scopes: ['meters:read'] }, { 'idempotency-key': 'k4' });
    const [first, again] = [(await mint()).json(), (await mint()).json()];
    expect(first.secret).toMatch(/^mlk_/);
    expect(again).toEqual({ ...first, secret: null });
  });
});

test('a run that is refused says why', async () => {
  const reply = await fixture.post('/api/v1/billing-runs', { period: '2026-08' });
  expect(reply.statusCode).toBe(409);
  expect(reply.json()).toMatchObject({
    code: 'billing_refused',
    detail: 'estimates_unsigned: 3 intervals are estimated',
  });
  expect((await fixture.post('/api/v1/billing-runs', { period: '2026-09' })).statusCode).toBe(200);
});

test.each(['2026-09-15', '2026-09-16', '9999-12-31'])(
  'a day that has not ended for the site is not checked: %s',
  async (day) => {
    const before = fixture.asked.length;
    const reply = await fixture.post('/api/v1/jobs/nightly-check', { day });
    expect([reply.statusCode, reply.json().code]).toEqual([409, 'day_not_ended']);
    expect(fixture.asked.length).toBe(before);
  },
);

test("a day has ended at the site's own midnight", async () => {
  const check = async (now: string): Promise<number> => {
    const own = await startFixture({ clock: { nowMs: () => msOf(now) } });
    const { statusCode } = await own.post('/api/v1/jobs/nightly-check', { day: '2026-09-15' });
    await own.close();
    return statusCode;
  };
  expect(await check('2026-09-15T23:59:59.999+08:00')).toBe(409);
  expect(await check('2026-09-16T00:00:00+08:00')).toBe(200);
});

describe('bad input is refused with a name', () => {
  const json = { 'content-type': 'application/json' };
  test.each<[string, string, Record<string, string>, number, string]>([
    ['null for a text', '{"day":null}', json, 400, 'invalid_request'],
    ['a number for a text', '{"day":20260914}', json, 400, 'invalid_request'],
    ['a date that does not exist', '{"day":"2026-02-30"}', json, 400, 'invalid_request'],
    ['an unknown key', '{"day":"2026-09-14","role":"admin"}', json, 400, 'invalid_request'],
    ['an array', '[]', json, 400, 'invalid_request'],
    ['a key twice', '{"day":"2026-09-14","day":"2026-09-13"}', json, 400, 'invalid_json'],
    ['__proto__', '{"day":"2026-09-14","__proto__":{}}', json, 400, 'invalid_json'],
    ['1e400', '{"day":1e400}', json, 400, 'invalid_json'],
    ['30,000 arrays', '['.repeat(30_000), json, 400, 'invalid_json'],
    ['a byte order mark', '\ufeff{"day":"2026-09-14"}', json, 400, 'invalid_json'],
    ['an empty body', '', json, 400, 'invalid_json'],
    ['another type', 'day=2026-09-14', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['a type with a tab', '{}', { 'content-type': 'application/json\ta' }, 415, 'unsupported_media_type'],
    [
      'a gzip label',
      '{"day":"2026-09-14"}',
      { ...json, 'content-encoding': 'gzip' },
      415,
      'unsupported_media_type',
    ],
    ['100 kB', JSON.stringify({ day: 'x'.repeat(100_000) }), json, 413, 'body_too_large'],
    [
      'an Idempotency-Key with a space',
      '{"day":"2026-09-14"}',
      { ...json, 'idempotency-key': 'a b' },
      400,
      'invalid_request',
    ],
  ])('%s', async (_, body, headers, status, code) => {
    const before = fixture.asked.length;
    const reply = await fixture.post('/api/v1/jobs/nightly-check', body, headers);
    expect([reply.statusCode, reply.json().code]).toEqual([status, code]);
    expect(reply.headers['content-type']).toContain('application/problem+json');
    expect(Problem.parse(reply.json()).status).toBe(status);
    expect(fixture.asked.length).toBe(before);
  });

  test.each([
    ['/api/v1/meters?tenantId=L-01', 400],
    ['/api/v1/meters/E-0/curve', 400],
    ['/api/v1/meters/E-0/curve?from=2026-09-01&to=2026-09-02', 400],
    ['/api/v1/meters/E-0/curve?from=2026-09-01T00:00:00&to=2026-09-02T00:00:00', 400],
    [`/api/v1/meters/E-0/curve?${month}&from=2026-09-01T00:00:00Z`, 400],
    ['/api/v1/meters/E-0/curve?from=2026-09-01T00:00:00.1234567890Z&to=2026-09-02T00:00:00Z', 400],
    [`/api/v1/meters/E-0/curve?from=${at('2026-09-02T00:00:00Z')}&to=${at('2026-09-01T00:00:00Z')}`, 400],
    [`/api/v1/meters/E-0/curve?from=${at('2006-09-02T00:00:00Z')}&to=${at('2026-09-01T00:00:00Z')}`, 400],
    [`/api/v1/meters/E-0/readings?${month}&limit=0`, 400],
    [`/api/v1/meters/E-0/readings?${month}&limit=10001`, 400],
    [`/api/v1/meters/E-0/readings?${month}&limit=1e3`, 400],
    [`/api/v1/meters/E-0/readings?${month}&limit=100001`, 400],
    [`/api/v1/meters/E-0/readings?${month}&cursor=yesterday`, 400],
    ['/api/v1/charges?since=-1', 400],
    ['/api/v1/charges?since=1&since=2', 400],
    ['/api/v1/billing-runs/2026-13', 400],
    ['/api/v1/meters/..%2f..%2fetc%2fpasswd', 400],
    ['/api/v1/meters/NOBODY', 404],
    ['/api/v1/nothing', 404],
    ['/%', 404],
  ])('%s is answered with %i', async (url, status) => {
    const reply = await fixture.get(url);
    expect([reply.statusCode, Problem.safeParse(reply.json()).success]).toEqual([status, true]);
  });
});

test('a header of a megabyte is refused before it is read', async () => {
  const own = await startFixture();
  await own.api.listen({ host: '127.0.0.1', port: 0 });
  const address = own.api.server.address();
  const socket = connect({ host: '127.0.0.1', port: typeof address === 'object' ? (address?.port ?? 0) : 0 });
  socket.on('error', () => undefined);
  socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\nx-filler: ${'a'.repeat(1_000_000)}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 431 /);
  socket.destroy();
  await own.close();
});

describe('documentation', () => {
  test('OpenAPI 3.1 describes every resource', async () => {
    const document = (await fixture.get('/api/openapi.json')).json();
    expect(document.openapi).toBe('3.1.0');
    const described = Object.keys(document.paths).sort();
    const declared = fixture.api.declaredRoutes.map(({ url }) => url.replace(/:(\w+)/g, '{$1}'));
    const internal = ['/api/openapi.json'];
    expect(described).toEqual([...new Set(declared)].filter((url) => !internal.includes(url)).sort());
  });

  test('every code has its row in the README, with its status, and no row is left over', () => {
    const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
    const rows = [...readme.matchAll(/^\| `(\w+)` +\| (\d{3}) +\|/gm)].map(
      ([, code, status]) => `${code} ${status}`,
    );
    const codes = Object.entries(refusals).map(([code, { status }]) => `${code} ${status}`);
    expect(rows.sort()).toEqual(codes.sort());
  });

  test('the title of a problem follows the reader', async () => {
    const reply = await fixture.get('/api/v1/meters/NOBODY', { 'accept-language': 'zh-CN,zh;q=0.9' });
    expect(reply.json()).toMatchObject({ title: '没有这块表', code: 'unknown_meter' });
  });
});

describe('pages', () => {
  test('that are not built yet are waited for, by a page that asks again', async () => {
    const own = await startFixture({ pages: { file: async () => null } });
    const reply = await own.ask({ method: 'GET', url: '/' });
    expect([reply.statusCode, reply.headers.refresh, reply.headers['retry-after']]).toEqual([503, '2', '2']);
    await own.close();
  });

  test('take nothing from elsewhere, stand in no frame, and tell nobody their address', async () => {
    const body = Buffer.from('<!doctype html>');
    const file = { body, gzip: null, type: 'text/html; charset=utf-8', immutable: false };
    const own = await startFixture({
      pages: { file: async (path) => (path === '/index.html' ? file : null) },
    });
    const reply = await own.ask({ method: 'GET', url: '/' });
    expect([reply.statusCode, reply.body]).toEqual([200, '<!doctype html>']);
    expect(reply.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(reply.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(reply.headers['referrer-policy']).toBe('no-referrer');
    expect((await own.ask({ method: 'GET', url: '/assets/..%2findex.html' })).statusCode).toBe(404);
    await own.close();
  });
});

test('a fault inside is a 500 that tells nothing of the inside', async () => {
  const own = await startFixture();
  await own.store.close();
  const reply = await own.get('/api/v1/meters');
  expect([reply.statusCode, reply.json().code]).toEqual([500, 'internal']);
  expect(reply.body).not.toContain('store');
  expect((await own.ask({ method: 'GET', url: '/readyz' })).statusCode).toBe(503);
  expect((await own.ask({ method: 'GET', url: '/healthz' })).statusCode).toBe(200);
  await own.api.close();
});
