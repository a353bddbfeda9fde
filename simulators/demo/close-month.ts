/** After the month: checks its nights, closes the period, and fetches over the API what came of it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import {
  Anomaly,
  Balance,
  BillingRun,
  Charge,
  NightlyCheckResult,
  page,
  StatementSummary,
  StoredReading,
} from '../../protocols/api.ts';
import { Checker, type Silence } from '../checker.ts';
import type { CheckResult } from '../compare-readings.ts';
import type { Truth } from '../park/truth.ts';
import type { ApiClient } from './api-client.ts';

export interface ClosedMonth {
  balances: Balance[];
  anomalies: Anomaly[];
  run: BillingRun;
  charges: Charge[];
  /** SHA-256 over the charges as they were fetched. */
  digest: string;
  statements: StatementSummary[];
  statementsVerified: number;
}

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

/** For so long nothing more may come in before what is missing is given up. */
const patienceMs = 20_000;
const pauseMs = 500;
const workers = 4;
const readingsPerPage = 10_000;

/** Waits until every reading has come in, and compares all of them with the truth. */
export async function checkReadings(
  api: ApiClient,
  truth: Truth,
  silences: readonly Silence[],
): Promise<CheckResult> {
  const checker = new Checker(truth, silences);
  let missing = Number.POSITIVE_INFINITY;
  let lastProgressAt = performance.now();
  for (;;) {
    const queue = checker.incomplete();
    const work = async (): Promise<void> => {
      for (let meter = queue.pop(); meter !== undefined; meter = queue.pop())
        checker.check(meter, await storedReadings(api, meter, truth));
    };
    await Promise.all(Array.from({ length: workers }, work));
    const total = checker.total();
    if (total.lost < missing) lastProgressAt = performance.now();
    missing = total.lost;
    if (missing === 0 || performance.now() - lastProgressAt > patienceMs) return total;
    await sleep(pauseMs);
  }
}

async function storedReadings(api: ApiClient, meter: string, { grid }: Truth): Promise<StoredReading[]> {
  const readings: StoredReading[] = [];
  // A day more on either side: what does not belong to the month is to be found as well.
  const span = `from=${instantText(grid.fromMs - 86_400_000)}&to=${instantText(grid.toMs + 86_400_000)}`;
  const path = `/api/v1/meters/${meter}/readings?${span}&limit=${readingsPerPage}`;
  let cursor: string | null = null;
  do {
    const { items, next }: z.infer<typeof ReadingPage> = await api.get(
      cursor === null ? path : `${path}&cursor=${cursor}`,
      ReadingPage,
    );
    readings.push(...items);
    cursor = next;
  } while (cursor !== null);
  return readings;
}
const ReadingPage = page(StoredReading);

/** The nightly check of each day of the month, as the schedule would have run it. */
export async function checkNights(api: ApiClient, period: string): Promise<void> {
  const month = Temporal.PlainYearMonth.from(period);
  for (let day = 1; day <= month.daysInMonth; day += 1) await checkNight(api, month.toPlainDate({ day }));
}

/** Checks one site-local day that has ended. */
export async function checkNight(api: ApiClient, day: Temporal.PlainDate): Promise<void> {
  await api.post('/api/v1/jobs/nightly-check', { day: day.toString() }, NightlyCheckResult);
}

const ChargePage = z.strictObject({ items: z.array(Charge), next: z.string(), more: z.boolean() });

async function allCharges(api: ApiClient): Promise<Charge[]> {
  const charges: Charge[] = [];
  for (let since = '0', more = true; more; ) {
    const answer = await api.get(`/api/v1/charges?since=${since}&limit=500`, ChargePage);
    charges.push(...answer.items);
    ({ next: since, more } = answer);
  }
  return charges;
}

/** @param folder where the downloaded statements go */
export async function closeMonth(
  api: ApiClient,
  { period, truth, folder }: { period: string; truth: Truth; folder: string },
): Promise<ClosedMonth> {
  const run = await api.post(
    '/api/v1/billing-runs',
    { period, acceptEstimates: { by: 'demo', reason: '通信中断期间按同类日曲线估算,总量与表底一致' } },
    BillingRun,
  );
  const charges = await allCharges(api);
  const { items: statements } = await api.get(`/api/v1/statements?period=${period}`, page(StatementSummary));
  const span = `from=${instantText(truth.grid.fromMs)}&to=${instantText(truth.grid.toMs)}`;
  const balances = [];
  for (const utility of ['electricity', 'water'])
    balances.push(await api.get(`/api/v1/tree?utility=${utility}&${span}`, Balance));
  const { items: anomalies } = await api.get('/api/v1/anomalies', page(Anomaly));
  return {
    balances,
    anomalies,
    run,
    charges,
    digest: createHash('sha256').update(JSON.stringify(charges)).digest('hex'),
    statements,
    statementsVerified: await verifyStatements(api, statements, folder),
  };
}

const meterline = join(import.meta.dirname, '../../meterline.ts');

/** Downloads the statements and has each verified offline, in a process that knows nothing but the files. */
async function verifyStatements(
  api: ApiClient,
  statements: readonly StatementSummary[],
  folder: string,
): Promise<number> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const { id } of statements) {
    const file = join(folder, `${id}.json`);
    await writeFile(file, await api.bytes(`/api/v1/statements/${id}`));
    files.push(file);
  }
  if (files.length === 0) return 0;
  const all = await verifies(files);
  if (all) return files.length;
  // One of them is bad: count the others.
  const verdicts = await Promise.all(files.map((file) => verifies([file])));
  return verdicts.filter(Boolean).length;
}

const verifies = (files: readonly string[]): Promise<boolean> =>
  new Promise((resolve) => {
    execFile(process.execPath, [meterline, 'verify', ...files], (error) => resolve(error === null));
  });
