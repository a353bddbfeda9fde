/** The service over the small park of the tests, with its month derived, checked and billed by the real jobs, and its pages. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dashboardPages } from '../process/built-pages.ts';
import type { Anomaly } from '../protocols/api.ts';
import type { Jobs } from './api/context.ts';
import { fixturePark, monthEndMs, seedReadings } from './api/fixture-park.ts';
import { password } from './api/fixture-server.ts';
import { buildServer } from './api/server.ts';
import { systemClock } from './clock.ts';
import { billingJobs } from './jobs/billing-jobs.ts';
import { runNightlyCheck } from './jobs/nightly-check.ts';
import { ensureOperatorPassword } from './operator-password.ts';
import { openSigningKey, statementToken } from './signing.ts';
import { openStore, type Store } from './store/store.ts';

export interface FixtureService {
  url: string;
  store: Store;
  stop(): Promise<void>;
}

/** A leak, as the detectors would report it; the park itself has none. */
const anomaly: Anomaly = {
  id: 'night_flow:W-A-102:2026-09-28',
  meter: 'W-A-102',
  kind: 'night_flow',
  start: '2026-09-27T18:00:00Z',
  end: null,
  raisedAt: '2026-09-28T16:00:00Z',
  severity: 'warning',
  evidence: {
    'zh-CN': '02:00–05:00 流量始终不低于 0.18 m³/h；此前 28 夜为 0.012 m³/h。',
    en: 'From 02:00 to 05:00 it never fell below 0.18 m³/h; on the 28 nights before, 0.012 m³/h.',
  },
};

/** Seven minutes into the first of October at the site. */
const nowMs = monthEndMs + 7 * 60_000;

export async function startFixtureService(): Promise<FixtureService> {
  const dataDir = await mkdtemp(join(tmpdir(), 'meterline-pages-'));
  const store = await openStore({ file: ':memory:' });
  await seedReadings(store);
  await ensureOperatorPassword(store, password);
  const signingKey = openSigningKey(dataDir);
  const park = fixturePark;
  const jobs: Jobs = {
    nightlyCheck: () => runNightlyCheck({ store, park, dayEndMs: monthEndMs }),
    billing: billingJobs({
      ...{ store, park, parkDigest: 'f'.repeat(64), intervalMinutes: 15 },
      ...{ clock: { nowMs: () => nowMs }, wallClock: systemClock(), signingKey: () => signingKey },
    }),
  };
  await jobs.nightlyCheck('2026-09-30');
  await store.putAnomalies([anomaly]);
  const pages = dashboardPages((error) => {
    throw error;
  });
  const api = await buildServer({
    store,
    park,
    clock: { nowMs: () => nowMs },
    jobs,
    statementToken: (name) => statementToken(signingKey, name),
    pages,
  });
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  await pages.ready;
  return {
    url,
    store,
    async stop() {
      await api.close();
      await store.close();
      await rm(dataDir, { recursive: true });
    },
  };
}
