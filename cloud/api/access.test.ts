import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, mintToken } from '../../process/secrets.ts';
import { Scope } from '../../protocols/api.ts';
import { refusals } from '../errors.ts';
import { at, type Fixture, issueFixtureRun, startFixture } from './fixture-server.ts';

/** Every route, and what it asks for. A route that is not here, or asks for something else, fails the first test. */
const routes: [string, string, string][] = [
  ['GET', '/healthz', 'open'],
  ['GET', '/readyz', 'open'],
  ['POST', '/api/v1/session', 'open'],
  ['GET', '/', 'open'],
  ['GET', '/assets/:name', 'open'],
  ['GET', '/s/:token', 'tenant'],
  ['GET', '/api/v1/tenant/:token', 'tenant'],
  ['GET', '/api/v1/tenant/:token/statement', 'tenant'],
  ['GET', '/api/v1/tenant/:token/curve', 'tenant'],
  ['POST', '/api/v1/tenant/:token/confirm', 'tenant'],
  ['GET', '/api/v1/session', 'signed_in'],
  ['DELETE', '/api/v1/session', 'signed_in'],
  ['GET', '/api/openapi.json', 'signed_in'],
  ['GET', '/api/v1/health', 'meters:read'],
  ['GET', '/metrics', 'meters:read'],
  ['GET', '/api/v1/meters', 'meters:read'],
  ['GET', '/api/v1/meters/:id', 'meters:read'],
  ['GET', '/api/v1/meters/:id/curve', 'curves:read'],
  ['GET', '/api/v1/meters/:id/evidence', 'meters:read'],
  ['GET', '/api/v1/meters/:id/readings', 'meters:read'],
  ['GET', '/api/v1/tree', 'meters:read'],
  ['GET', '/api/v1/anomalies', 'anomalies:read'],
  ['GET', '/api/v1/charges', 'charges:read'],
  ['GET', '/api/v1/billing-runs', 'charges:read'],
  ['GET', '/api/v1/billing-runs/:period', 'charges:read'],
  ['POST', '/api/v1/billing-runs', 'billing:run'],
  ['GET', '/api/v1/billing-runs/:period/status', 'charges:read'],
  ['GET', '/api/v1/billing-runs/:period/readiness', 'charges:read'],
  ['GET', '/api/v1/billing-runs/:period/review', 'charges:read'],
  ['GET', '/api/v1/billing-terms', 'charges:read'],
  ['POST', '/api/v1/billing-runs/:period/steps', 'billing:run'],
  ['POST', '/api/v1/billing-runs/:period/corrections', 'billing:run'],
  ['POST', '/api/v1/billing-runs/:period/recompute', 'charges:read'],
  ['GET', '/api/v1/ledger/accounts', 'charges:read'],
  ['GET', '/api/v1/ledger/reconciliation', 'charges:read'],
  ['GET', '/api/v1/ledger/alarms', 'charges:read'],
  ['GET', '/api/v1/ledger/posting-rules', 'charges:read'],
  ['PUT', '/api/v1/ledger/posting-rules', 'admin'],
  ['GET', '/api/v1/events', 'charges:read'],
  ['GET', '/api/v1/webhooks', 'admin'],
  ['POST', '/api/v1/webhooks', 'admin'],
  ['DELETE', '/api/v1/webhooks/:id', 'admin'],
  ['GET', '/api/v1/webhooks/:id/deliveries', 'admin'],
  ['GET', '/api/v1/webhooks/:id/dead-letters', 'admin'],
  ['POST', '/api/v1/webhooks/:id/replay', 'admin'],
  ['GET', '/api/v1/disputes', 'statements:read'],
  ['POST', '/api/v1/disputes/:id/decision', 'billing:run'],
  ['GET', '/api/v1/tenant/:token/disputes', 'tenant'],
  ['POST', '/api/v1/tenant/:token/disputes', 'tenant'],
  ['GET', '/api/v1/credits', 'charges:read'],
  ['POST', '/api/v1/credits', 'billing:run'],
  ['POST', '/api/v1/credits/:id/decision', 'billing:run'],
  ['GET', '/.well-known/meterline-issuer.json', 'open'],
  ['GET', '/api/v1/issuer-keys', 'open'],
  ['POST', '/api/v1/issuer-keys', 'admin'],
  ['GET', '/api/v1/statement-chain', 'open'],
  ['GET', '/api/v1/statements', 'statements:read'],
  ['GET', '/api/v1/statements/:id', 'statements:read'],
  ['POST', '/api/v1/statements/:id/link', 'admin'],
  ['GET', '/api/v1/statements/:id/pdf', 'admin'],
  ['GET', '/api/v1/tenant/:token/statement.pdf', 'tenant'],
  ['POST', '/api/v1/jobs/nightly-check', 'admin'],
  ['POST', '/api/v1/enrolments', 'admin'],
  ['POST', '/api/v1/enrolments/claim', 'open'],
  ['POST', '/api/v1/enrolments/renew', 'open'],
  ['GET', '/api/v1/gateways/:id/config', 'admin'],
  ['PUT', '/api/v1/gateways/:id/config', 'admin'],
  ['POST', '/api/v1/gateways/:id/key', 'admin'],
  ['POST', '/api/v1/gateways/:id/batches', 'gateway'],
  ['GET', '/api/v1/gateways/:id/meters', 'meters:read'],
  ['POST', '/api/v1/gateways/:id/meters', 'admin'],
  ['GET', '/api/v1/quarantine', 'meters:read'],
  ['GET', '/api/v1/quarantine/counts', 'meters:read'],
  ['POST', '/api/v1/quarantine/:id/release', 'admin'],
  ['POST', '/api/v1/quarantine/:id/dismiss', 'admin'],
  ['GET', '/api/v1/keys', 'admin'],
  ['POST', '/api/v1/keys', 'admin'],
  ['DELETE', '/api/v1/keys/:id', 'admin'],
];

const foreignToken = 'a-token-that-was-never-given';
let fixture: Fixture;
let minutesAhead = 0;
let links: Awaited<ReturnType<typeof issueFixtureRun>>;
const keys = new Map<Scope, string>();

beforeAll(async () => {
  const wallClock = { nowMs: () => Date.now() + minutesAhead * 60_000 };
  fixture = await startFixture({ pages: { file: async () => null }, wallClock });
  links = await issueFixtureRun(fixture.store);
  for (const [index, scope] of Scope.options.entries()) {
    const id = `0000000${index}`;
    const secret = mintToken();
    const createdAt = '2026-09-01T00:00:00Z';
    await fixture.store.addApiKey({ id, name: scope, scopes: [scope], digest: digestOf(secret), createdAt });
    keys.set(scope, `Bearer mlk_${id}_${secret}`);
  }
});
afterAll(() => fixture.close());

/** The address with something in place of each parameter; a token that opens nothing. */
const filled = (url: string): string =>
  url
    .replace(':token', foreignToken)
    .replace('keys/:id', 'keys/00000000')
    .replace(':id', 'nobody')
    .replace(':name', 'nothing.js')
    .replace(':period', '2020-01');

const ask = (method: string, url: string, headers: Record<string, string>) =>
  fixture.ask({
    method: method as 'GET',
    url: filled(url),
    headers,
    ...(method === 'POST' ? { payload: {} } : {}),
  });

test('every route is covered by these tests, with what it asks for', () => {
  const declared = fixture.api.declaredRoutes
    .filter(({ method }) => method !== 'HEAD')
    .map(({ method, url, access }) => [method, url, access].join(' '));
  expect(declared.sort()).toEqual(routes.map((route) => route.join(' ')).sort());
});

describe.each(routes)('%s %s asks for %s', (method, url, required) => {
  const open = required === 'open';
  test('from anybody: only what is open', async () => {
    const { statusCode } = await ask(method, url, {});
    if (open) expect([200, 400, 404, 503]).toContain(statusCode);
    else if (required === 'tenant') expect([400, 404, 503]).toContain(statusCode);
    else expect(statusCode).toBe(401);
  });

  test.each(Scope.options)('from a key with %s: only what it says', async (scope) => {
    const { statusCode } = await ask(method, url, { authorization: keys.get(scope) ?? '' });
    const may = open || ['tenant', 'signed_in', scope].includes(required) || scope === 'admin';
    if (may) expect([401, 403]).not.toContain(statusCode);
    else expect(statusCode).toBe(403);
  });

  test("from the operator's browser: all of it", async () => {
    const { statusCode } = await ask(method, url, await fixture.signIn());
    expect([401, 403]).not.toContain(statusCode);
  });

  test("with a tenant's token as a key: nothing beyond what is open", async () => {
    const { statusCode } = await ask(method, url, { authorization: `Bearer ${links[0]?.token}` });
    if (open || required === 'tenant') expect([401, 403]).not.toContain(statusCode);
    else expect(statusCode).toBe(403);
  });
});

describe("a statement's link", () => {
  const link = (index: number, rest = ''): string => `/api/v1/tenant/${links[index]?.token}${rest}`;
  const span = `from=${at('2026-09-10T00:00:00+08:00')}&to=${at('2026-09-11T00:00:00+08:00')}`;
  const open = (url: string) => fixture.ask({ method: 'GET', url });

  test('opens its own statement, byte for byte', async () => {
    const reply = await open(link(1, '/statement'));
    expect(reply.statusCode).toBe(200);
    expect(digestOf(reply.body)).toBe(links[1]?.digest);
  });

  test("another tenant's meter is answered like a meter that does not exist", async () => {
    const [foreign, unknown] = [
      await open(link(0, `/curve?meter=E-A-102&${span}`)),
      await open(link(0, `/curve?meter=NOBODY&${span}`)),
    ];
    expect(foreign.statusCode).toBe(404);
    expect(foreign.body).toBe(unknown.body);
    expect((await open(link(0, `/curve?meter=E-A-101&${span}`))).statusCode).toBe(200);
  });

  test("outside the lease's dates there is nothing", async () => {
    const before = `from=${at('2026-08-01T00:00:00+08:00')}&to=${at('2026-08-02T00:00:00+08:00')}`;
    expect((await open(link(0, `/curve?meter=E-A-101&${before}`))).json().intervals).toEqual([]);
  });

  test('naming a tenant in the query is refused', async () => {
    const reply = await open(link(0, `/curve?meter=E-A-101&${span}&tenantId=L-02`));
    expect([reply.statusCode, reply.json().code]).toEqual([400, 'invalid_request']);
  });

  test('confirms only the bytes that it opens, once, and no roles', async () => {
    const confirm = (body: unknown) =>
      fixture.ask({ method: 'POST', url: link(0, '/confirm'), payload: body as object });
    const digest = links[0]?.digest;
    expect((await confirm({ digest: links[1]?.digest })).json().code).toBe('digest_mismatch');
    expect((await confirm({ digest, role: 'admin' })).statusCode).toBe(400);
    const first = await confirm({ digest });
    expect(first.json().confirmedAt).not.toBeNull();
    expect((await confirm({ digest })).json()).toEqual(first.json());
    expect((await fixture.store.statement(links[0]?.id ?? ''))?.confirmedAt).toBe(first.json().confirmedAt);
  });

  test('renewed, the one before opens nothing, and the new one is another each time', async () => {
    const { id } = links[1] ?? { id: '' };
    const renew = async () => (await fixture.post(`/api/v1/statements/${id}/link`, {})).json().link;
    const seen = [`/s/${links[1]?.token}`, await renew(), await renew()];
    expect(new Set(seen).size).toBe(3);
    const answers = [];
    for (const one of seen) answers.push((await open(`/api/v1/tenant/${one.slice(3)}`)).statusCode);
    expect(answers).toEqual([404, 404, 200]);
    const { items } = (await fixture.get('/api/v1/statements')).json();
    expect(items.find((item: { id: string }) => item.id === id).link).toBe(seen[2]);
  });

  test('is not shown to a key that may only read', async () => {
    const { items } = (
      await fixture.get('/api/v1/statements', { authorization: keys.get('statements:read') ?? '' })
    ).json();
    expect(items.map(({ link: shown }: { link: string | null }) => shown)).toEqual([null, null]);
  });

  test('renewing takes no body of ours or of anybody', async () => {
    const reply = await fixture.post(`/api/v1/statements/${links[1]?.id}/link`, { token: 'mine' });
    expect([reply.statusCode, reply.json().code]).toEqual([400, 'invalid_request']);
  });

  test('two years after the days that it bills, it opens nothing', async () => {
    const late = Temporal.Instant.from('2028-10-01T00:00:00Z').epochMilliseconds;
    for (const [atMs, status] of [
      [late - 1, 200],
      [late, 404],
    ] as const) {
      const own = await startFixture({ clock: { nowMs: () => atMs } });
      const [first] = await issueFixtureRun(own.store);
      expect((await own.ask({ method: 'GET', url: `/api/v1/tenant/${first?.token}` })).statusCode).toBe(
        status,
      );
      await own.close();
    }
  });

  test('posting a charge with it is refused and audited', async () => {
    const authorization = `Bearer ${links[0]?.token}`;
    // Of what was refused above, more than is audited of one actor in a minute.
    minutesAhead = 1;
    const reply = await fixture.post('/api/v1/charges', {}, { authorization });
    expect(reply.statusCode).toBe(403);
    const [row] = await fixture.store.auditTrail(1);
    expect(row).toMatchObject({ actor: 'tenant', outcome: '403 forbidden' });
  });
});

describe('who asks', () => {
  test.each([
    ['a JWT without a signature', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.'],
    ['a JWT of a foreign key', 'Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6IngifQ.eyJyb2xlIjoiYWRtaW4ifQ.c2ln'],
    ['a key that was never minted', `Bearer mlk_ffffffff_${mintToken()}`],
    ['another scheme', 'Basic b3BlcmF0b3I6cGFzc3dvcmQ='],
    ['nothing after the scheme', 'Bearer '],
  ])('%s is nobody', async (_, authorization) => {
    const reply = await fixture.get('/api/v1/meters', { authorization });
    expect(reply.statusCode).toBe(401);
    expect(reply.json()).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  test('a revoked key and a closed session are nobody', async () => {
    const minted = (await fixture.post('/api/v1/keys', { name: 'x', scopes: ['admin'] })).json();
    const authorization = `Bearer ${minted.secret}`;
    expect((await fixture.get('/api/v1/keys', { authorization })).statusCode).toBe(200);
    const gone = await fixture.ask({
      method: 'DELETE',
      url: `/api/v1/keys/${minted.id}`,
      headers: { authorization },
    });
    expect(gone.statusCode).toBe(204);
    expect((await fixture.get('/api/v1/keys', { authorization })).statusCode).toBe(401);

    const headers = await fixture.signIn();
    await fixture.ask({ method: 'DELETE', url: '/api/v1/session', headers });
    expect((await fixture.ask({ method: 'GET', url: '/api/v1/meters', headers })).statusCode).toBe(401);
  });

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://elsewhere.example' }, 403],
    [{}, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ origin: 'http://localhost:80' }, 200],
  ])('a write by cookie with %o is answered with %i', async (origin, status) => {
    const { cookie = '' } = await fixture.signIn();
    const reply = await fixture.ask({
      method: 'POST',
      url: '/api/v1/jobs/nightly-check',
      headers: { cookie, host: 'localhost', ...origin },
      payload: { day: '2026-09-14' },
    });
    expect(reply.statusCode).toBe(status);
    if (status === 403) expect(reply.json().code).toBe('cross_site');
  });

  test('the cookie cannot be read by scripts, nor sent from other sites', async () => {
    const reply = await fixture.ask({
      method: 'POST',
      url: '/api/v1/session',
      payload: { password: 'correct horse battery' },
    });
    expect(reply.headers['set-cookie']).toMatch(/; HttpOnly; SameSite=Strict; /);
  });

  test('writes and refusals are in the audit trail, without secrets', async () => {
    await fixture.post('/api/v1/jobs/nightly-check', { day: '2026-09-14' });
    const [written] = await fixture.store.auditTrail(1);
    expect(written).toMatchObject({
      actor: 'key:environment',
      action: 'POST /api/v1/jobs/nightly-check',
      outcome: '200',
    });
    const trail = JSON.stringify(await fixture.store.auditTrail(1_000));
    for (const { token } of links) expect(trail).not.toContain(token);
  });
});

test('from the eleventh wrong password on, the answer is 429, and the right one does not help', async () => {
  let nowMs = 1_000_000;
  const own = await startFixture({ wallClock: { nowMs: () => nowMs } });
  const signIn = (text: string) =>
    own.ask({ method: 'POST', url: '/api/v1/session', payload: { password: text } });
  const codes: number[] = [];
  for (let guess = 0; guess < 20; guess += 1) codes.push((await signIn('wrong')).statusCode);
  expect(codes).toEqual([...Array(10).fill(401), ...Array(10).fill(429)]);
  const locked = await signIn('correct horse battery');
  expect([locked.statusCode, locked.headers['retry-after']]).toEqual([
    refusals.too_many_attempts.status,
    '900',
  ]);
  nowMs += 900_000;
  expect((await signIn('correct horse battery')).statusCode).toBe(204);
  await own.close();
});
