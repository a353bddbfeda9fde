/** The same readings make the same intervals, charges, entries and statements on every store, to the byte. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requirePeer } from '../../process/peers.ts';
import { samplePark } from '../billing/sample-park.ts';
import { closePeriod } from '../jobs/close-period.ts';
import { hourlyPoints } from '../jobs/fixture-month.ts';
import { at, gatewayInto } from '../jobs/fixture-site.ts';
import { openSigningKey } from '../signing.ts';
import { postgresProgram, startTestServer } from './postgres/test-server.ts';
import { openStore, type Store } from './store.ts';

const PERIOD = '2026-09';

/** Readings of the month, some of them late, one register with a hole; then the month is closed, and a reading comes that fills the hole. */
async function billMonth(store: Store, folder: string): Promise<void> {
  const send = gatewayInto(store);
  const [holed] = samplePark.meters;
  const inHole = (atMs: number): boolean => atMs >= at('2026-09-10T03:00') && atMs < at('2026-09-10T09:00');
  for (const meter of samplePark.meters.toReversed()) {
    const points = hourlyPoints(samplePark, meter).filter(({ atMs }) => meter !== holed || !inHole(atMs));
    await send(meter, points.slice(300));
    await send(meter, points.slice(0, 300));
  }
  await store.putPark({
    digest: 'a'.repeat(64),
    importedAt: '2026-10-01T00:00:00Z',
    document: JSON.stringify(samplePark),
  });
  const closed = await closePeriod({
    store,
    park: samplePark,
    parkDigest: 'a'.repeat(64),
    period: PERIOD,
    issuedAt: '2026-10-01T00:30:00Z',
    acceptEstimates: { by: 'operator', reason: 'the gateway was away' },
    signingKey: openSigningKey(folder),
    intervalMinutes: 60,
  });
  expect(closed).toMatchObject({ ok: true, already: false });
  if (holed === undefined) return;
  const late = hourlyPoints(samplePark, holed).filter(({ atMs }) => inHole(atMs));
  await send(holed, late);
}

/** All that anybody is shown or told of the month. */
async function books(store: Store): Promise<string> {
  const span = { fromMs: 0, toMs: Date.UTC(2100, 0) };
  const run = { period: PERIOD, revision: 0 };
  const statements = await store.statements();
  const shown = {
    readings: await Promise.all(
      samplePark.meters.map(({ id, register }) => store.readings({ meter: id, register, ...span })),
    ),
    last: await store.lastReadings(),
    days: (await store.dirtyDays()).map(({ meter, dayMs }) => [meter, dayMs]),
    intervals: await store.intervals({ meters: null, ...span }),
    totals: await store.intervalTotals({ meters: samplePark.meters.map(({ id }) => id), ...span }),
    run: await store.billingRun(PERIOD),
    charges: await store.charges({ since: 0, limit: 10_000 }),
    service: await store.chargesForService(PERIOD),
    entries: await store.entriesOfRun(run),
    ledger: (await store.ledgerTotals()).map(({ account, amountMinor }) => [account, BigInt(amountMinor)]),
    statements,
    chain: await store.statementChain(),
    files: await Promise.all(statements.map(({ id }) => store.statement(id))),
    inputs: (await store.runInputs(run)).map(({ meter, digest, body }) => [
      meter,
      digest,
      Buffer.from(body).toString('hex'),
    ]),
    seals: await store.runSeals(),
    steps: await store.runSteps(PERIOD),
    events: await store.outboxEvents({ since: 0, limit: 10_000 }),
    books: await store.booksRows({ since: 0, limit: 10_000 }),
    late: await store.lateChanges(),
  };
  return JSON.stringify(shown, (_, value) => (typeof value === 'bigint' ? `${value}` : value), 1);
}

test('a month on PostgreSQL is the month on SQLite: intervals, charges, ledger and statements, byte by byte', {
  timeout: 60_000,
}, async (context) => {
  requirePeer(context, postgresProgram());
  const folder = mkdtempSync(join(tmpdir(), 'meterline-bills-'));
  await using server = await startTestServer();
  const stores = [
    await openStore({ file: ':memory:' }),
    await openStore({ postgres: await server.createDatabase() }),
  ];
  try {
    const shown: string[] = [];
    for (const store of stores) {
      await billMonth(store, folder);
      shown.push(await books(store));
    }
    const [embedded, postgres] = shown;
    expect(embedded?.length).toBeGreaterThan(500_000);
    expect(postgres).toBe(embedded);
  } finally {
    for (const store of stores) await store.close();
    rmSync(folder, { recursive: true });
  }
});
