import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSigningKey } from '../signing.ts';
import { openStore, type Store } from '../store/store.ts';
import { BillingBusyError } from './billing-claim.ts';
import { billingJobs } from './billing-jobs.ts';
import { type Hold, ingestHours, twoMonthPark } from './fixture-month.ts';
import { at } from './fixture-site.ts';

let store: Store;
let dir: string;
let nowMs = 0;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-runs-'));
  store = await openStore({ file: join(dir, 'store.db') });
  nowMs = at('2026-10-01T10:00');
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const jobs = () =>
  billingJobs({
    ...{ store, park: twoMonthPark, parkDigest: 'a'.repeat(64), intervalMinutes: 60 },
    ...{ clock: { nowMs: () => nowMs }, wallClock: { nowMs: () => nowMs } },
    signingKey: () => openSigningKey(dir),
  });
const period = '2026-09';
const signed = { by: 'ops', reason: 'the line was down' };
const gap: Hold = ({ id }, { atMs }) =>
  id === 'E-A-101' && atMs > at('2026-09-05T09:00') && atMs < at('2026-09-05T12:00');

test('a period goes step by step, each on what the one before found, and what is reviewed is issued', async () => {
  const sendLate = await ingestHours(store, '2026-10-01T00:00', gap);
  const billing = jobs();
  const take = (command: 'check' | 'compute' | 'review' | 'issue' | 'close' | 'cancel') =>
    billing.step({ period, command, acceptEstimates: signed, actor: 'operator' });
  expect(await billing.status(period)).toMatchObject({ state: 'open', revision: null, steps: [] });
  expect(await take('issue')).toMatchObject({ ok: false, code: 'wrong_state' });
  const checked = await take('check');
  expect(checked).toMatchObject({ ok: true, status: { state: 'checked' } });
  if (!checked.ok) throw new Error('refused');
  expect(checked.status.steps[0]?.detail).toMatchObject({
    readiness: {
      blockers: [],
      meters: 14,
      estimated: [{ meter: 'E-A-101', intervals: 3 }],
      totalGross: '12966.06',
    },
  });
  expect(await take('compute')).toMatchObject({ ok: true, status: { state: 'computed' } });
  expect(await take('review')).toMatchObject({ ok: true, status: { state: 'reviewed' } });
  await sendLate();
  expect(await take('issue')).toMatchObject({ ok: false, code: 'changed_since_review' });
  expect(await store.billingRun(period)).toBeNull();
  for (const command of ['compute', 'review', 'issue'] as const)
    expect(await take(command)).toMatchObject({ ok: true });
  expect(await billing.status(period)).toMatchObject({ state: 'issued', revision: 0, lateMeters: [] });
  expect(await take('compute')).toMatchObject({ ok: false, code: 'period_immutable' });
  expect(await take('close')).toMatchObject({ ok: true, status: { state: 'closed' } });
  expect(await take('cancel')).toMatchObject({ ok: false, code: 'period_immutable' });
}, 60_000);

test('what stands in the way is named, meter by meter', async () => {
  await ingestHours(
    store,
    '2026-10-01T00:00',
    ({ id }, { atMs }) => id === 'E-lift' && atMs > at('2026-09-30T20:00'),
  );
  const refused = await jobs().step({ period, command: 'check', actor: 'operator' });
  expect(refused).toMatchObject({
    ok: false,
    code: 'billing_refused',
    detail: 'E-lift: 4 intervals are missing',
  });
  expect(await store.runSteps(period)).toEqual([]);
});

test('two at once: one runs, the other is told; a claim whose owner died is given up after a minute', async () => {
  await ingestHours(store, '2026-10-01T00:00');
  const [first, second] = [jobs(), jobs()];
  const results = await Promise.allSettled([first.closePeriod({ period }), second.closePeriod({ period })]);
  const failed = results.filter((one) => one.status === 'rejected');
  expect(failed.map(({ reason }) => reason)).toEqual([expect.any(BillingBusyError)]);
  expect(await second.closePeriod({ period })).toMatchObject({ ok: true, already: true });
  await store.claimRun({ scope: 'billing', owner: 'a process that died', nowMs, untilMs: nowMs + 60_000 });
  await expect(first.closePeriod({ period })).rejects.toThrow(BillingBusyError);
  nowMs += 60_000;
  expect(await first.closePeriod({ period })).toMatchObject({ ok: true, already: true });
});

test('called off half way it issues nothing, and goes on from what was derived', async () => {
  await ingestHours(store, '2026-10-01T00:00');
  const billing = jobs();
  await billing.step({ period, command: 'check', actor: 'operator' });
  const computing = billing.step({ period, command: 'compute', actor: 'operator' });
  let seen = await billing.status(period);
  while (seen.working === null) seen = await billing.status(period);
  expect(seen.working.total).toBeGreaterThan(0);
  await billing.step({ period, command: 'cancel', actor: 'operator' });
  expect(await computing).toMatchObject({ ok: false, code: 'cancelled' });
  expect(await billing.status(period)).toMatchObject({ state: 'checked', working: null });
  expect(await billing.step({ period, command: 'compute', actor: 'operator' })).toMatchObject({ ok: true });
});

test('issuing a period closes the ones before it', async () => {
  await ingestHours(store, '2026-11-01T00:00');
  const billing = jobs();
  await billing.closePeriod({ period });
  expect(await billing.status(period)).toMatchObject({ state: 'issued' });
  await billing.closePeriod({ period: '2026-10' });
  expect(await billing.status(period)).toMatchObject({ state: 'closed' });
}, 60_000);
