/** A server over a seeded store, and the ways of asking it, for tests. */
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { digestOf } from '../../process/secrets.ts';
import type { BillingRun } from '../../protocols/api.ts';
import { ensureOperatorPassword } from '../operator-password.ts';
import { openStore, type Store } from '../store/store.ts';
import type { Api, Jobs } from './context.ts';
import { fixturePark } from './fixture-park.ts';
import { instantText, msOf } from './query.ts';
import { buildServer, type ServerOptions } from './server.ts';

export const password = 'correct horse battery';
export const adminKey = 'an-admin-key-of-the-environment';
export const nowMs = msOf('2026-09-15T18:07:00+08:00');

const statementToken = (name: string): string => digestOf(`a secret of the fixture ${name}`);

export interface Fixture {
  store: Store;
  api: Api;
  asked: string[];
  ask(options: InjectOptions): Promise<LightMyRequestResponse>;
  /** With the key of the environment. */
  get(url: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  post(url: string, body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** A signed-in browser's headers. */
  signIn(): Promise<Record<string, string>>;
  close(): Promise<void>;
}

export async function startFixture(options: Partial<ServerOptions> = {}): Promise<Fixture> {
  const store = await openStore({ file: ':memory:' });
  const asked: string[] = [];
  const jobs: Jobs = {
    async nightlyCheck(day) {
      asked.push(`nightly-check ${day}`);
      return [];
    },
    billing: {
      async closePeriod({ period }) {
        asked.push(`close-period ${period}`);
        const run = await store.billingRun(period);
        if (run === null)
          return { ok: false, code: 'estimates_unsigned', detail: '3 intervals are estimated' };
        return { ok: true, already: true, run: run.result, statements: [], warnings: [] };
      },
      status: async (period) => ({
        ...{ period, state: 'open' as const, revision: null },
        ...{ lateMeters: [], working: null, steps: [] },
      }),
      readiness: async () => ({
        ...{
          blockers: ['source_bill_missing: a fixture has no bills'],
          meters: 0,
          missing: [],
          estimated: [],
        },
        ...{ estimatedGross: '0.00', totalGross: '0.00' },
      }),
      review: async () => ({ ok: false, code: 'source_bill_missing', detail: 'a fixture has no bills' }),
      step: async () => ({ ok: false, code: 'wrong_state', detail: 'a fixture takes no steps' }),
      correct: async () => ({
        ok: false,
        code: 'nothing_to_correct',
        detail: 'a fixture is never corrected',
      }),
      recompute: async () => ({ ok: false, code: 'unknown_run', detail: 'a fixture computes nothing' }),
    },
  };
  await ensureOperatorPassword(store, password);
  const api = await buildServer({
    store,
    park: fixturePark,
    clock: { nowMs: () => nowMs },
    jobs,
    statementToken,
    adminKey,
    ...options,
  });
  const authorization = `Bearer ${adminKey}`;
  return {
    store,
    api,
    asked,
    ask: (request) => api.inject(request),
    get: (url, headers = {}) => api.inject({ method: 'GET', url, headers: { authorization, ...headers } }),
    post: (url, body, headers = {}) =>
      api.inject({
        method: 'POST',
        url,
        headers: { authorization, 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async signIn() {
      const reply = await api.inject({ method: 'POST', url: '/api/v1/session', payload: { password } });
      const [cookie = ''] = String(reply.headers['set-cookie']).split(';');
      return { cookie, 'sec-fetch-site': 'same-origin' };
    },
    async close() {
      await api.close();
      await store.close();
    },
  };
}

const issuedAt = '2026-10-01T02:00:00Z';

/** Issues a run with one statement for each lease of one unit; only what the API reads of a statement is in it. */
export async function issueFixtureRun(
  store: Store,
): Promise<{ id: string; digest: string; token: string }[]> {
  const period = '2026-09';
  const result: BillingRun = {
    period,
    state: 'issued',
    manifest: digestOf('manifest'),
    utilities: [],
    proof: [],
    charges: 2,
    ledgerTotal: '100.00',
    statements: 2,
    estimatedIntervals: 0,
    issuedAt,
  };
  const statements = (['L-01', 'L-02'] as const).map((lease, index) => {
    const head = {
      issuer: fixturePark.issuer,
      lease,
      from: '2026-09-01',
      to: '2026-10-01',
      timeZone: fixturePark.timeZone,
    };
    const meter = `E-A-10${index + 1}`;
    const json = JSON.stringify({
      head,
      lines: [{ basis: { kind: 'own', meters: [meter] } }],
      registers: [],
    });
    const row = { id: `ST-${lease}`, lease, tenant: lease, period, from: head.from, to: head.to };
    return {
      ...row,
      gross: '50.00',
      json,
      digest: digestOf(json),
      tokenHash: digestOf(statementToken(row.id)),
      corrects: null,
    };
  });
  const charges = statements.map(({ id, lease }) => ({
    key: `${lease}/electricity/energy/own/${period}/1`,
    lease,
    utility: 'electricity' as const,
    component: 'energy',
    name: '电能电费',
    pool: 'own',
    poolName: 'own',
    period,
    revision: 1,
    quantity: '40',
    unit: 'kWh' as const,
    net: '44.25',
    tax: '5.75',
    gross: '50.00',
    currency: 'CNY' as const,
    statement: id,
    kind: 'charge' as const,
    corrects: null,
    servicePeriod: period,
    postedAt: issuedAt,
  }));
  await store.issueRun({
    run: { period, revision: 1, manifest: result.manifest, manifestJson: '{}', result, issuedAt },
    charges,
    entries: [],
    statements,
    events: [],
    inputs: [],
    seal: null,
    span: null,
    settles: [],
    follows: null,
  });
  return statements.map(({ id, digest }) => ({ id, digest, token: statementToken(id) }));
}

export const at = (text: string): string => encodeURIComponent(instantText(msOf(text)));
