import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MeterExchange, ParkMeter } from '../../protocols/park.ts';
import type { Statement } from '../../protocols/statement.ts';
import { samplePark } from '../billing/sample-park.ts';
import { verifyStatement } from '../billing/verify-statement.ts';
import { openSigningKey } from '../signing.ts';
import { openStore, type Store } from '../store/store.ts';
import { type ClosePeriod, closePeriod } from './close-period.ts';
import { hourlyPoints } from './fixture-month.ts';
import { at, gatewayInto, type Point } from './fixture-site.ts';

let store: Store;
let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-close-'));
  store = await openStore({ file: ':memory:' });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const options = (over: Partial<ClosePeriod> = {}): ClosePeriod => ({
  store,
  park: samplePark,
  parkDigest: 'a'.repeat(64),
  period: '2026-09',
  issuedAt: '2026-10-01T00:30:00Z',
  acceptEstimates: null,
  signingKey: openSigningKey(dir),
  intervalMinutes: 60,
  ...over,
});

/** @param edit what becomes of a meter's readings on the way */
async function ingest(
  edit: (meter: ParkMeter, points: Point[]) => Point[] = (_, points) => points,
): Promise<void> {
  const send = gatewayInto(store);
  for (const meter of samplePark.meters) await send(meter, edit(meter, hourlyPoints(samplePark, meter)));
}

async function statementsOf(): Promise<Statement[]> {
  const rows = await store.statements({ period: '2026-09' });
  const documents = await Promise.all(rows.map(({ id }) => store.statement(id)));
  return documents.map((document) => JSON.parse(document?.json ?? '') as Statement);
}

const without = (meter: string, from: string, to: string) => (one: ParkMeter, points: Point[]) =>
  one.id === meter ? points.filter(({ atMs }) => atMs < at(from) || atMs >= at(to)) : points;

describe('closing a period from stored readings', () => {
  test('issues charges, entries and statements that prove each other', async () => {
    await ingest();
    const closed = await closePeriod(options());
    if (!closed.ok) throw new Error(`${closed.code}: ${closed.detail}`);
    const { run } = closed;
    expect(run.utilities.every(({ conserved }) => conserved)).toBe(true);
    expect(run.ledgerTotal).toBe('12966.06');
    expect(run.utilities.map(({ source }) => source)).toEqual(['8203.26', '4762.80']);
    const charges = await store.charges({ since: 0, limit: 1000 });
    expect(charges.length).toBe(run.charges);
    const named = new Map(charges.map((charge) => [`${charge.component} ${charge.pool}`, charge]));
    expect(named.get('energy-peak lift')).toMatchObject({ name: 'Peak', poolName: 'Lifts' });
    expect(named.get('energy-peak own')).toMatchObject({ name: 'Peak', poolName: 'own' });
    expect(named.get('sewage remainder')).toMatchObject({ name: 'Sewage', poolName: 'remainder' });
    const lines = samplePark.sourceBills.flatMap((bill) => bill.lines);
    expect(run.proof.map(({ component, name }) => `${component} ${name}`).sort()).toEqual(
      lines.map(({ component, name }) => `${component} ${name}`).sort(),
    );
    const totals = await store.ledgerTotals();
    expect(totals.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n)).toBe(0n);

    let previous: string | null = null;
    for (const row of await store.statements({ period: '2026-09' })) {
      const document = await store.statement(row.id);
      const verified = await verifyStatement(new TextEncoder().encode(document?.json ?? ''));
      if (!verified.ok) throw new Error(JSON.stringify(verified.findings));
      expect(verified.statement.head).toMatchObject({ previous, manifest: run.manifest });
      previous = row.digest;
    }
    expect(await store.lastStatementDigest()).toBe(previous);
  });

  test('twice changes nothing, and a dry run issues nothing', async () => {
    await ingest();
    const dry = await closePeriod(options({ dryRun: true }));
    expect(dry).toMatchObject({ ok: true, already: false, run: { state: 'computed' } });
    expect(await store.billingRun('2026-09')).toBeNull();
    const first = await closePeriod(options());
    const second = await closePeriod(options({ issuedAt: '2026-11-01T00:00:00Z' }));
    expect(first).toMatchObject({ ok: true, already: false });
    expect(second).toMatchObject({ ok: true, already: true });
    if (!first.ok || !second.ok || !dry.ok) throw new Error('refused');
    expect(second.run).toEqual(first.run);
    expect(second.statements).toEqual(first.statements);
    expect(dry.run).toEqual({ ...first.run, state: 'computed' });
  });

  test('the same readings give the same bytes in another store', async () => {
    await ingest();
    await closePeriod(options());
    const [before] = await statementsOf();
    await store.close();
    store = await openStore({ file: ':memory:' });
    await ingest((_, points) => [...points].reverse());
    await closePeriod(options());
    expect((await statementsOf())[0]).toEqual(before);
  });

  test('a rollover stands on the statement, and the new tenant opens where the old one closed', async () => {
    await ingest();
    await closePeriod(options());
    const [old, next] = await statementsOf();
    const spanOf = (statement: Statement | undefined, meter: string) =>
      statement?.registers.find((span) => span.meter === meter);
    expect(spanOf(next, 'E-A-101')?.opening).toBe(spanOf(old, 'E-A-101')?.closing);
    expect(spanOf(next, 'E-A-101')?.events).toEqual([]);
    const lift = spanOf(old, 'E-lift');
    expect(lift?.events).toMatchObject([{ kind: 'rollover', modulus: '100000000' }]);
    expect(lift?.opening).toBe('99999950');
    expect(lift?.closing).toMatch(/^\d{3}\./);
  });

  test('a meter exchange is bridged and shown', async () => {
    const exchangeMs = at('2026-09-20T10:00');
    const exchange: MeterExchange = {
      meter: 'E-B-101',
      at: Temporal.Instant.fromEpochMilliseconds(exchangeMs).toString(),
      finalOld: '0',
      initialNew: '3.5',
      newSerial: 'SN-new',
      newDigits: 6,
      newMultiplier: '1',
    };
    await ingest((meter, points) => {
      if (meter.id !== 'E-B-101') return points;
      const final = points.find(({ atMs }) => atMs === exchangeMs)?.value ?? 0n;
      exchange.finalOld = `${final / 1_000_000n}.${(final % 1_000_000n).toString().padStart(6, '0')}`;
      return points.map(({ atMs, value }) => ({
        atMs,
        value: atMs < exchangeMs ? value : value - final + 3_500_000n,
      }));
    });
    const closed = await closePeriod(options({ park: { ...samplePark, exchanges: [exchange] } }));
    if (!closed.ok) throw new Error(`${closed.code}: ${closed.detail}`);
    const span = (await statementsOf())
      .find(({ head }) => head.lease === 'L3')
      ?.registers.find(({ meter }) => meter === 'E-B-101');
    expect(span?.events).toMatchObject([{ kind: 'exchange', initialNew: '3.5', newSerial: 'SN-new' }]);
  });

  test('a gap enters only when it is signed for, and the signature is in the manifest', async () => {
    await ingest(without('E-A-101', '2026-09-05T09:00', '2026-09-05T12:00'));
    expect(await closePeriod(options())).toMatchObject({ ok: false, code: 'estimates_unsigned' });
    const acceptEstimates = { by: 'ops', reason: 'outage, total known' };
    expect(await closePeriod(options({ acceptEstimates }))).toMatchObject({
      ok: true,
      run: { estimatedIntervals: 4 },
    });
    expect(JSON.parse((await store.billingRun('2026-09'))?.manifestJson ?? '')).toMatchObject({
      acceptEstimates,
    });
  });

  test('a gap over the change of tenant gives both the same worked-out register, marked as such', async () => {
    await ingest(without('E-A-101', '2026-09-15T22:00', '2026-09-16T03:00'));
    const closed = await closePeriod(options({ acceptEstimates: { by: 'ops', reason: 'outage' } }));
    if (!closed.ok) throw new Error(`${closed.code}: ${closed.detail}`);
    const [old, next] = (await statementsOf()).map(({ registers }) =>
      registers.find(({ meter }) => meter === 'E-A-101'),
    );
    expect(next?.opening).toBe(old?.closing);
    expect(old?.events).toMatchObject([{ kind: 'estimated', at: '2026-09-15T16:00:00Z' }]);
    expect(next?.events).toMatchObject([{ kind: 'estimated', at: '2026-09-15T16:00:00Z' }]);
  });
});

test.each([
  [
    'a meter that fell silent before the end',
    without('E-lift', '2026-09-30T20:00', '2027-01-01T00:00'),
    {},
    'missing_quantity',
  ],
  ['a month that is none', undefined, { period: '2026-13' }, 'unknown_period'],
  ['a month without a bill', undefined, { period: '2026-10' }, 'source_bill_missing'],
])('%s is refused, and nothing is stored', async (_, edit, over, code) => {
  if (edit !== undefined) await ingest(edit);
  expect(await closePeriod(options(over))).toMatchObject({ ok: false, code });
  expect(await store.charges({ since: 0, limit: 1 })).toEqual([]);
  expect(await store.statements()).toEqual([]);
});
