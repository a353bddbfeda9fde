/** The service: store, broker, ingest, jobs and API put together. Nothing here decides; it connects. */
import { mkdirSync } from 'node:fs';
import type { Logger } from 'pino';
import { dashboardPages } from '../process/built-pages.ts';
import type { Anomaly } from '../protocols/api.ts';
import type { Park } from '../protocols/park.ts';
import type { Jobs } from './api/context.ts';
import { buildServer } from './api/server.ts';
import { type Broker, startBroker } from './broker.ts';
import { type Clock, systemClock } from './clock.ts';
import { watchClock } from './clock-watch.ts';
import type { CloudConfig, CloudSecrets } from './config.ts';
import { importPark } from './import-park.ts';
import { type Ingest, type IngestOptions, startIngest } from './ingest.ts';
import { recordSigningKey, rotateIssuerKey } from './issuer-keys.ts';
import { billingJobs } from './jobs/billing-jobs.ts';
import { checkBooks } from './jobs/check-books.ts';
import { deriveDirtyIntervals } from './jobs/derive-intervals.ts';
import { type DayHistory, runNightlyCheck } from './jobs/nightly-check.ts';
import { scheduleJobs } from './jobs/schedule.ts';
import { ensureOperatorPassword } from './operator-password.ts';
import { openSigningKey, type SigningKey, statementToken } from './signing.ts';
import { startExporter } from './store/influx/export-readings.ts';
import { openStore, type Store } from './store/store.ts';
import { readTls, storePlace } from './store-place.ts';
import { startDeliveries } from './webhooks/deliver-events.ts';

export interface Service {
  /** Where the pages and the API answer. */
  url: string;
  /** Shown once, at the first start only. */
  freshPassword: string | null;
  stop(): Promise<void>;
}

/** The park document cannot be taken: `problems` name file, line or row. */
export class ParkRefusedError extends Error {
  override readonly name = 'ParkRefusedError';
  readonly problems: string[];
  constructor(problems: string[]) {
    super('the park document is refused');
    this.problems = problems;
  }
}

export interface ServiceOptions {
  config: CloudConfig;
  secrets: CloudSecrets;
  clock: Clock;
  log: Logger;
}

/** @throws ParkRefusedError; StoreError; Error when a port is taken. What was opened before a fault is closed again. */
export async function startService(options: ServiceOptions): Promise<Service> {
  // Closed in the opposite order: nothing is taken away from under what still uses it.
  const opened = new AsyncDisposableStack();
  try {
    const { url, freshPassword } = await openAll(options, opened);
    return { url, freshPassword, stop: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function openAll(
  { config, secrets, clock, log }: ServiceOptions,
  opened: AsyncDisposableStack,
): Promise<Omit<Service, 'stop'>> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const store = await openStore(storePlace(config, secrets));
  opened.defer(() => store.close());
  const imported = await importPark(store, config.park, instantText(clock.nowMs()));
  if (!imported.ok) throw new ParkRefusedError(imported.problems);
  const { park, digest } = imported;
  const freshPassword = await ensureOperatorPassword(store, secrets.operatorPassword);
  if (config.influx !== undefined) {
    const exporter = startExporter({ store, influx: config.influx, clock, log });
    opened.defer(() => exporter.stop());
  }
  const { ingest, broker } = await openDelivery({ config, store, clock, log }, opened);
  // A broker may have forgotten what it retained.
  for (const newest of await store.newestGatewayConfigs()) ingest.sendConfig(newest);
  // Read each time: another process may have put a new key in its place.
  const signingKey = (): SigningKey => openSigningKey(config.dataDir);
  await recordSigningKey(store, signingKey(), instantText(clock.nowMs()));
  const jobs = createJobs({ store, park, parkDigest: digest, config, clock, signingKey });
  const pages = dashboardPages((error) => log.error({ error }, 'the pages cannot be built'));
  const server = await buildServer({
    store,
    park,
    clock,
    jobs,
    intake: ingest.intake,
    silentMs: ingest.silentMs,
    sendConfig: ingest.sendConfig,
    rotateKey: () => rotateIssuerKey(store, config.dataDir, instantText(clock.nowMs())),
    publicUrl: config.publicUrl ?? null,
    allowPrivateWebhooks: config.webhooks.allowPrivate,
    statementToken: (name) => statementToken(signingKey(), name),
    adminKey: secrets.adminKey,
    enrolment: config.enrolment ?? null,
    brokerCounters: broker === null ? null : () => ({ ...broker.counters(), connected: broker.connected() }),
    intervalMinutes: config.intervalMinutes,
    pages,
    log,
  });
  opened.defer(() => server.close());
  const url = await server.listen(config.http);
  const schedule = scheduleJobs({
    timeZone: park.timeZone,
    nowMs: () => clock.nowMs(),
    derive: jobs.derive,
    check: async (dayEndMs) => {
      await jobs.checkDayBefore(dayEndMs);
      const raised = await checkBooks(store, signingKey(), instantText(clock.nowMs()));
      if (raised > 0) log.error({ raised }, 'the books do not agree: see /api/v1/ledger/alarms');
    },
    tend: tendQuarantine({ config, store, clock, log }),
    alone: store.alone,
    onError: (error, job) => log.error({ error, job }, 'a job failed'),
  });
  opened.defer(() => schedule.stop());
  const deliveries = startDeliveries({
    ...{ store, clock: systemClock(), log, source: `urn:meterline:${park.id}` },
    allowPrivate: config.webhooks.allowPrivate,
  });
  opened.defer(() => deliveries.stop());
  return { url, freshPassword };
}

/** Forgets what was closed long ago, and sees when this machine's clock is put right; one that is driven is right by definition. */
function tendQuarantine({ config, store, clock, log }: Delivery): () => Promise<unknown> {
  const forget = (): Promise<number> => store.forgetClosed(clock.nowMs());
  if (config.clock === 'driven') return forget;
  const look = watchClock({ store, clock, steadyMs: () => performance.now(), log });
  return async () => {
    await look();
    await forget();
  };
}

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

type Delivery = Omit<ServiceOptions, 'secrets'> & { store: Store };

async function openDelivery(
  { config, store, clock, log }: Delivery,
  opened: AsyncDisposableStack,
): Promise<{ ingest: Ingest; broker: Broker | null }> {
  const { broker } = config;
  let embedded: Broker | null = null;
  let target: Pick<IngestOptions, 'brokerUrl' | 'username' | 'password' | 'shared' | 'tls'>;
  if ('url' in broker) {
    const { url, username, password, tls } = broker;
    const credential = username === undefined || password === undefined ? {} : { username, password };
    target = { brokerUrl: url, ...credential, shared: true, ...(tls && { tls: readTls(tls) }) };
  } else {
    const started = await startBroker({ ...broker.embedded, gateways: broker.gateways, log });
    opened.defer(() => started.close());
    embedded = started;
    target = { brokerUrl: started.url, ...started.ingestCredential };
  }
  const ingest = await startIngest({ ...target, store, clock, log });
  opened.defer(() => ingest.stop());
  return { ingest, broker: embedded };
}

interface JobOptions {
  store: Store;
  park: Park;
  parkDigest: string;
  config: CloudConfig;
  clock: Clock;
  signingKey: () => SigningKey;
}

/** What the API may start, and the clock too. */
interface ScheduledJobs extends Jobs {
  derive(): Promise<unknown>;
  checkDayBefore(dayEndMs: number): Promise<Anomaly[]>;
}

function createJobs({ store, park, parkDigest, config, clock, signingKey }: JobOptions): ScheduledJobs {
  const history: DayHistory = new Map();
  const billing = billingJobs({
    ...{ store, park, parkDigest, clock, intervalMinutes: config.intervalMinutes },
    ...{ wallClock: systemClock(), signingKey },
  });
  /** Closing derives intervals too: what the nights remember of them is stale. */
  const forgetting = <A extends unknown[], T>(work: (...args: A) => Promise<T>) => {
    return (...args: A): Promise<T> => work(...args).finally(() => history.clear());
  };
  const closePeriod = forgetting(billing.closePeriod);
  const correct = forgetting(billing.correct);
  const checkDayBefore = (dayEndMs: number): Promise<Anomaly[]> =>
    runNightlyCheck({ store, park, dayEndMs, intervalMinutes: config.intervalMinutes, history });
  return {
    // The interval that has just ended is not yet missing: its readings are still on their way.
    derive: () => {
      const intervalMs = config.intervalMinutes * 60_000;
      const throughMs = Math.floor(clock.nowMs() / intervalMs - 1) * intervalMs;
      return deriveDirtyIntervals({ store, park, intervalMinutes: config.intervalMinutes }, throughMs);
    },
    checkDayBefore,
    nightlyCheck: (day) => checkDayBefore(dayEnd(day, park.timeZone)),
    billing: { ...billing, closePeriod, correct },
  };
}

const dayEnd = (day: string, timeZone: string): number =>
  Temporal.PlainDate.from(day).add({ days: 1 }).toZonedDateTime(timeZone).epochMilliseconds;
