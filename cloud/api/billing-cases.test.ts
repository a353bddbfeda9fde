import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, mintToken } from '../../process/secrets.ts';
import { rotateIssuerKey, trustedKeys } from '../issuer-keys.ts';
import { closePeriod } from '../jobs/close-period.ts';
import { ingestHours, twoMonthPark } from '../jobs/fixture-month.ts';
import { openSigningKey, statementToken } from '../signing.ts';
import { type Fixture, startFixture } from './fixture-server.ts';

let dir: string;
let fixture: Fixture;
const authority: Record<string, Record<string, string>> = {};
/** L2's statement of September, as its tenant. */
let tenant: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-cases-'));
  const signingKey = openSigningKey(dir);
  fixture = await startFixture({
    park: twoMonthPark,
    statementToken: (name) => statementToken(openSigningKey(dir), name),
    rotateKey: () => rotateIssuerKey(fixture.store, dir, '2026-10-20T00:00:00Z'),
  });
  const { store } = fixture;
  await ingestHours(store, '2026-10-01T00:00');
  const closed = await closePeriod({
    ...{ store, park: twoMonthPark, parkDigest: 'a'.repeat(64), period: '2026-09', signingKey },
    ...{ issuedAt: '2026-10-01T02:00:00Z', acceptEstimates: null, intervalMinutes: 60 },
  });
  if (!closed.ok) throw new Error(closed.detail);
  for (const [index, name] of ['first', 'second'].entries()) {
    const secret = mintToken();
    const id = `0000000${index}`;
    const key = { id, name, digest: digestOf(secret), createdAt: '2026-09-01T00:00:00Z' };
    await store.addApiKey({ ...key, scopes: ['billing:run', 'charges:read', 'statements:read'] });
    authority[name] = { authorization: `Bearer mlk_${id}_${secret}` };
  }
  tenant = `/api/v1/tenant/${statementToken(signingKey, '2026-09.L2')}`;
}, 60_000);
afterAll(async () => {
  await fixture.close();
  rmSync(dir, { recursive: true });
});

describe('a webhook', () => {
  test.each([
    ['loopback', 'https://127.0.0.1/hook'],
    ['loopback by number', 'https://2130706433/hook'],
    ['loopback in hexadecimal', 'https://0x7f.1/hook'],
    ['loopback by name', 'https://localhost/hook'],
    ['IPv6 loopback', 'https://[::1]/hook'],
    ['IPv4 inside IPv6', 'https://[::ffff:127.0.0.1]/hook'],
    ['link-local metadata', 'https://169.254.169.254/latest/meta-data'],
    ['a private network', 'https://10.1.2.3/hook'],
    ['a unique local address', 'https://[fd00::1]/hook'],
    ['nowhere', 'https://0.0.0.0/hook'],
    ['no TLS', 'http://1.1.1.1/hook'],
    ['another scheme', 'file:///etc/passwd'],
    ['a password in the address', 'https://user:secret@1.1.1.1/hook'],
    ['no address', 'not an address'],
  ])('to %s is refused', async (_, url) => {
    const reply = await fixture.post('/api/v1/webhooks', { url });
    expect([reply.statusCode, reply.json().code]).toEqual([422, 'webhook_refused']);
  });

  test('to a public address is taken; its secret is shown once, also to a repeated request', async () => {
    const body = { url: 'https://1.1.1.1/hook', description: 'ledger' };
    const headers = { 'idempotency-key': 'one' };
    const minted = (await fixture.post('/api/v1/webhooks', body, headers)).json();
    expect(minted.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect((await fixture.post('/api/v1/webhooks', body, headers)).json()).toEqual({
      ...minted,
      secret: null,
    });
    const listed = (await fixture.get('/api/v1/webhooks')).json().items;
    expect(listed).toMatchObject([{ id: minted.id, pending: 0, dead: 0 }]);
    expect(JSON.stringify(listed)).not.toContain('whsec');
    const { handed } = (await fixture.post(`/api/v1/webhooks/${minted.id}/replay`, { since: '0' })).json();
    const events = (await fixture.get('/api/v1/events?limit=1000')).json();
    expect(handed).toBe(events.items.length);
    expect(events.items[0]).toMatchObject({
      type: 'meterline.charge.posted',
      data: { kind: 'charge', account: 'clearing:electricity:energy-flat' },
    });
    const gone = await fixture.ask({
      method: 'DELETE',
      url: `/api/v1/webhooks/${minted.id}`,
      headers: { authorization: 'Bearer an-admin-key-of-the-environment' },
    });
    expect(gone.statusCode).toBe(204);
  });
});

describe('a dispute', () => {
  const line = 'electricity.energy-flat.own';
  const dispute = (body: unknown) =>
    fixture.ask({ method: 'POST', url: `${tenant}/disputes`, payload: body as object });

  test('opens a case on one line, once, and holds that line alone', async () => {
    expect((await dispute({ line: 'electricity.nothing.own', reason: 'x' })).json().code).toBe(
      'unknown_line',
    );
    const opened = await dispute({ line, reason: 'twice as much as in August' });
    expect(opened.statusCode).toBe(201);
    expect(opened.json()).toMatchObject({ lease: 'L2', state: 'open', decision: null, line });
    expect((await dispute({ line, reason: 'again' })).json().code).toBe('already_disputed');
    const seen = (await fixture.ask({ method: 'GET', url: `${tenant}/disputes` })).json().items;
    expect(seen).toEqual([opened.json()]);
    const { items } = (await fixture.get('/api/v1/events?limit=1000')).json();
    expect(items.at(-1)).toMatchObject({
      type: 'meterline.line.held',
      data: { line, gross: opened.json().gross },
    });
  });

  test('is decided once, with a reason; a credit waits for somebody else', async () => {
    const [open] = (await fixture.get('/api/v1/disputes')).json().items;
    const decide = (body: object, who: string) =>
      fixture.post(`/api/v1/disputes/${open.id}/decision`, body, authority[who]);
    expect((await decide({ reason: 'no', credit: '99999.00' }, 'first')).json().code).toBe('credit_refused');
    expect(
      (await decide({ reason: 'the meter was read twice', credit: '1.00' }, 'first')).json(),
    ).toMatchObject({
      state: 'credited',
      decision: { actor: 'key:00000000', reason: 'the meter was read twice' },
    });
    expect((await decide({ reason: 'no' }, 'second')).json().code).toBe('already_decided');
    const approve = (who: string) =>
      fixture.post(`/api/v1/credits/d-${open.id}/decision`, { approved: true }, authority[who]);
    const own = await approve('first');
    expect([own.statusCode, own.json().code]).toEqual([403, 'own_approval']);
    expect((await approve('second')).json()).toMatchObject({
      state: 'approved',
      decidedBy: 'key:00000001',
      posted: null,
    });
    expect((await approve('second')).json().code).toBe('already_decided');
    const { items } = (await fixture.get('/api/v1/events?limit=1000')).json();
    expect(items.at(-1)).toMatchObject({ type: 'meterline.line.released', data: { state: 'credited' } });
  });

  test('of another tenant is neither seen nor opened', async () => {
    const signingKey = openSigningKey(dir);
    const other = `/api/v1/tenant/${statementToken(signingKey, '2026-09.L3')}`;
    expect((await fixture.ask({ method: 'GET', url: `${other}/disputes` })).json().items).toEqual([]);
  });
});

describe('a credit', () => {
  const ask = (body: object) => fixture.post('/api/v1/credits', body, authority.first);
  test('is of a lease’s charge, and of all its credits no more than it', async () => {
    const charge = 'L3|electricity|energy-flat|own|2026-09|0';
    const gross = (await fixture.store.charge(charge))?.gross ?? '';
    const reason = 'goodwill';
    expect(
      (
        await ask({ charge: 'landlord|electricity|energy-flat|light-a|2026-09|0', gross: '1.00', reason })
      ).json().code,
    ).toBe('unknown_charge');
    expect((await ask({ charge, gross: '-1.00', reason })).json().code).toBe('credit_refused');
    expect((await ask({ charge, gross, reason })).statusCode).toBe(201);
    expect((await ask({ charge, gross: '0.01', reason })).json().code).toBe('credit_refused');
  });
});

test('a statement is a PDF, the same bytes each time, for staff and for its tenant', async () => {
  const [first, second, tenants] = await Promise.all([
    fixture.get('/api/v1/statements/2026-09.L2/pdf'),
    fixture.get('/api/v1/statements/2026-09.L2/pdf'),
    fixture.ask({ method: 'GET', url: `${tenant}/statement.pdf` }),
  ]);
  expect(first.headers['content-type']).toBe('application/pdf');
  expect(first.rawPayload.subarray(0, 5).toString()).toBe('%PDF-');
  expect(second.rawPayload.equals(first.rawPayload)).toBe(true);
  expect(tenants.rawPayload.equals(first.rawPayload)).toBe(true);
});

describe('the books', () => {
  test('agree, and say by account what stands where', async () => {
    expect((await fixture.get('/api/v1/ledger/reconciliation')).json()).toMatchObject({
      agrees: true,
      bills: '12966.06',
      ledger: '12966.06',
      differences: [],
    });
    const { items } = (await fixture.get('/api/v1/ledger/accounts')).json();
    expect(items.map(({ account }: { account: string }) => account)).toContain('lease:L2');
  });

  test('take rules of posting, but none that names who owes', async () => {
    const put = (rules: object) =>
      fixture.ask({
        method: 'PUT',
        url: '/api/v1/ledger/posting-rules',
        headers: { authorization: 'Bearer an-admin-key-of-the-environment' },
        payload: rules,
      });
    expect((await put({ rules: [{ account: 'lease:L1', name: 'x' }] })).statusCode).toBe(400);
    const rules = [{ utility: 'water', component: 'sewage*', account: '6401.02', name: '污水处理费' }];
    expect((await put({ rules })).json()).toEqual({ version: 1 });
    expect((await fixture.get('/api/v1/ledger/posting-rules')).json()).toEqual({ rules, taxAccount: 'tax' });
  });
});

test('a new signing key is vouched for by the one before, links go on working, and the list is open to all', async () => {
  const old = openSigningKey(dir);
  expect((await fixture.post('/api/v1/issuer-keys', null)).statusCode).toBe(201);
  const list = (await fixture.ask({ method: 'GET', url: '/.well-known/meterline-issuer.json' })).json();
  expect(list.keys.map(({ keyId }: { keyId: string }) => keyId)).toEqual([
    old.keyId,
    openSigningKey(dir).keyId,
  ]);
  expect([...trustedKeys(list, old.publicKey).keys()].sort()).toEqual(
    list.keys.map(({ keyId }: { keyId: string }) => keyId).sort(),
  );
  list.keys[1].voucher = list.keys[1].voucher.replace(/^./, (first: string) => (first === 'A' ? 'B' : 'A'));
  expect([...trustedKeys(list, old.publicKey).keys()]).toEqual([old.keyId]);
  expect((await fixture.ask({ method: 'GET', url: tenant })).statusCode).toBe(200);
});
