import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Charge } from '../../protocols/api.ts';
import type { Park } from '../../protocols/park.ts';
import type { Statement } from '../../protocols/statement.ts';
import { minor } from '../../protocols/units.ts';
import { verifyStatement } from '../billing/verify-statement.ts';
import { openSigningKey } from '../signing.ts';
import { openStore, type Store } from '../store/store.ts';
import { closePeriod } from './close-period.ts';
import { correctPeriod } from './correct-period.ts';
import { deriveDirtyIntervals } from './derive-intervals.ts';
import { type Hold, ingestHours, twoMonthPark } from './fixture-month.ts';
import { at } from './fixture-site.ts';
import { recomputeRun } from './recompute-run.ts';

let store: Store;
let dir: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-correct-'));
  store = await openStore({ file: join(dir, 'store.db') });
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const common = (park: Park = twoMonthPark) => ({
  store,
  park,
  parkDigest: 'a'.repeat(64),
  acceptEstimates: { by: 'ops', reason: 'the line was down' },
  signingKey: openSigningKey(dir),
  intervalMinutes: 60,
});
const close = (period: string, issuedAt = '2026-10-01T02:00:00Z', park: Park = twoMonthPark) =>
  closePeriod({ ...common(park), period, issuedAt });
const correct = (over: { dryRun?: boolean; park?: Park; basis?: 'issued' | 'current' } = {}) =>
  correctPeriod({
    ...common(over.park),
    period: '2026-09',
    issuedAt: '2026-10-05T00:00:00Z',
    cause: 'readings came late',
    basis: over.basis ?? 'issued',
    dryRun: over.dryRun ?? false,
  });

/** Four meters lose 260 hours each in the middle of September. */
const silentWeeks: Hold = ({ id }, { atMs }) =>
  ['E-A-101', 'E-A-102', 'E-B-101', 'E-lift'].includes(id) &&
  atMs > at('2026-09-04T05:00') &&
  atMs <= at('2026-09-15T01:00');

const allCharges = () => store.charges({ since: 0, limit: 10_000 });
const grossOf = (charges: readonly Charge[]): bigint =>
  charges.reduce((sum, { gross }) => sum + minor(gross), 0n);
async function documentOf(id: string): Promise<{ json: string; statement: Statement }> {
  const document = await store.statement(id);
  if (document === null) throw new Error(`no statement ${id}`);
  return { json: document.json, statement: JSON.parse(document.json) as Statement };
}
async function verified(id: string): Promise<Statement> {
  const result = await verifyStatement(new TextEncoder().encode((await documentOf(id)).json));
  if (!result.ok) throw new Error(JSON.stringify(result.findings));
  return result.statement;
}
const ledgerSum = async (): Promise<bigint> =>
  (await store.ledgerTotals()).reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n);

test('a thousand late readings change no closed bill: the difference is charged with the next period', async () => {
  const sendLate = await ingestHours(store, '2026-11-01T00:00', silentWeeks);
  expect(await close('2026-09')).toMatchObject({ ok: true, already: false });
  const before = { charges: await allCharges(), statement: await documentOf('2026-09.L1') };

  expect(await sendLate()).toBeGreaterThan(1_000);
  await deriveDirtyIntervals({ store, park: twoMonthPark, intervalMinutes: 60 }, at('2026-11-01T00:00'));
  expect((await store.lateChanges()).map(({ meter }) => meter)).toEqual([
    'E-A-101',
    'E-A-102',
    'E-B-101',
    'E-lift',
  ]);
  expect(await close('2026-10', '2026-11-01T02:00:00Z')).toMatchObject({ ok: true, already: false });
  const after = await allCharges();
  expect(after.slice(0, before.charges.length)).toEqual(before.charges);
  expect(await documentOf('2026-09.L1')).toEqual(before.statement);
  expect(await store.billingRun('2026-09')).toMatchObject({ revision: 0 });

  const adjustments = after.filter(({ kind }) => kind === 'adjustment');
  expect(adjustments.length).toBeGreaterThan(5);
  expect(adjustments.every(({ servicePeriod }) => servicePeriod === '2026-09')).toBe(true);
  expect(adjustments.every(({ period }) => period === '2026-10')).toBe(true);
  // The supplier's bill of September is what it was: what some owe more, others owe less.
  expect(grossOf(adjustments)).toBe(0n);
  expect(await ledgerSum()).toBe(0n);
  expect(await store.lateChanges()).toEqual([]);

  const october = await verified('2026-10.L2');
  const carried = october.head.carried ?? [];
  expect(carried.length).toBeGreaterThan(0);
  expect(carried[0]).toMatchObject({ kind: 'adjustment', servicePeriod: '2026-09' });

  // September by all readings costs what was charged for it, adjustments included.
  await store.close();
  store = await openStore({ file: join(dir, 'fresh.db') });
  await ingestHours(store, '2026-11-01T00:00');
  await close('2026-09');
  const byLine = (charges: readonly Charge[]) => {
    const totals = new Map<string, bigint>();
    for (const { lease, component, pool, gross } of charges)
      totals.set(
        `${lease} ${component} ${pool}`,
        (totals.get(`${lease} ${component} ${pool}`) ?? 0n) + minor(gross),
      );
    return new Map([...totals].filter(([, amount]) => amount !== 0n).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  expect(byLine(after.filter(({ servicePeriod }) => servicePeriod === '2026-09'))).toEqual(
    byLine(await allCharges()),
  );
}, 60_000);

describe('a period that is issued and not closed', () => {
  test('is corrected by reversal and rebill, with statements that name what they take the place of', async () => {
    const sendLate = await ingestHours(store, '2026-10-01T00:00', silentWeeks);
    await close('2026-09');
    const before = await documentOf('2026-09.L1');
    expect(await correct()).toMatchObject({ ok: false, code: 'nothing_to_correct' });
    await sendLate();
    const looked = await correct({ dryRun: true });
    expect(looked).toMatchObject({ ok: true, correction: { issued: false, revision: 1, statements: [] } });
    const corrected = await correct();
    if (!corrected.ok || !looked.ok) throw new Error('refused');
    expect(corrected.correction.lines).toEqual(looked.correction.lines);
    expect(corrected.correction.statements).toContain('2026-09.L1.r1');

    expect(await documentOf('2026-09.L1')).toEqual(before);
    const { head } = await verified('2026-09.L1.r1');
    expect(head.revision).toBe(1);
    expect(head.corrects).toMatchObject({
      statement: '2026-09.L1',
      cause: 'readings came late',
      gross: before.statement.head.gross,
    });
    expect(head.corrects?.lines.length).toBe(
      corrected.correction.lines.filter(({ lease }) => lease === 'L1').length,
    );
    const kinds = Map.groupBy(
      (await allCharges()).filter(({ revision }) => revision === 1),
      ({ kind }) => kind,
    );
    const reversals = kinds.get('reversal') ?? [];
    const rebills = kinds.get('rebill') ?? [];
    expect(reversals.length).toBe(rebills.length);
    expect(rebills.every(({ corrects }) => corrects !== null)).toBe(true);
    expect(grossOf([...reversals, ...rebills])).toBe(0n);
    expect(await ledgerSum()).toBe(0n);
    expect(await store.lateChanges()).toEqual([]);
    expect(await correct()).toMatchObject({ ok: false, code: 'nothing_to_correct' });
    // The next period has nothing to make good.
    expect((await store.statements({ lease: 'L1' })).map(({ id, correctedBy }) => [id, correctedBy])).toEqual(
      [
        ['2026-09.L1', '2026-09.L1.r1'],
        ['2026-09.L1.r1', null],
      ],
    );
  }, 60_000);

  test('the issued master data is kept unless the correction asks for the current', async () => {
    await ingestHours(store, '2026-10-01T00:00');
    await close('2026-09');
    const dearer: Park = {
      ...twoMonthPark,
      sourceBills: twoMonthPark.sourceBills.map((bill) => ({
        ...bill,
        lines: bill.lines.map((line, index) => (index === 0 ? { ...line, net: '5000.00' } : line)),
      })),
    };
    const current = await correct({ park: dearer, basis: 'current', dryRun: true });
    if (!current.ok) throw new Error(current.code);
    const change = current.correction.lines.reduce(
      (sum, { before, after }) => sum + minor(after.net) - minor(before.net),
      0n,
    );
    expect(change).toBe(minor('5000.00') - minor('4123.45') + (minor('5000.00') - minor('4000.00')));
  }, 60_000);

  test('a closed one is refused', async () => {
    await ingestHours(store, '2026-10-01T00:00');
    await close('2026-09');
    await store.addRunStep({
      period: '2026-09',
      after: 0,
      state: 'closed',
      at: '2026-10-03T00:00:00Z',
      actor: 'a',
      detail: '{}',
    });
    expect(await correct()).toMatchObject({ ok: false, code: 'period_immutable' });
  }, 60_000);
});

describe('a credit', () => {
  const request = async (gross: bigint) => {
    const own = (await allCharges()).find(
      ({ lease, pool, component }) => lease === 'L1' && pool === 'own' && component === 'energy-peak',
    );
    await store.requestCredit({
      ...{ id: 'c1', charge: own?.key ?? '', dispute: null, grossMinor: gross },
      ...{ reason: 'the meter ran fast', requestedBy: 'key:a', requestedAt: '2026-10-02T00:00:00Z' },
    });
    return own;
  };

  test('granted by two is on the statement issued anew, and borne by the landlord', async () => {
    await ingestHours(store, '2026-10-01T00:00');
    await close('2026-09');
    await request(1_000n);
    const at2 = '2026-10-02T01:00:00Z';
    await expect(
      store.decideCredit({ credit: 'c1', approved: true, actor: 'key:a', at: at2 }),
    ).rejects.toThrow('nobody approves a credit of their own');
    expect(await correct()).toMatchObject({ ok: false, code: 'nothing_to_correct' });
    expect(await store.decideCredit({ credit: 'c1', approved: true, actor: 'key:b', at: at2 })).toBe(true);
    const before = await documentOf('2026-09.L1');
    const corrected = await correct();
    expect(corrected).toMatchObject({ ok: true, correction: { lines: [], statements: ['2026-09.L1.r1'] } });
    const { head } = await verified('2026-09.L1.r1');
    expect(minor(head.gross)).toBe(minor(before.statement.head.gross) - 1_000n);
    expect(head.carried).toMatchObject([{ kind: 'credit', reason: 'the meter ran fast', gross: '-10.00' }]);
    const credits = (await allCharges()).filter(({ kind }) => kind === 'credit');
    expect(credits.map(({ lease, gross }) => [lease, gross])).toEqual([
      ['L1', '-10.00'],
      [null, '10.00'],
    ]);
    expect((await store.credits())[0]?.posted).toBe(credits[0]?.key);
    expect(await correct()).toMatchObject({ ok: false, code: 'nothing_to_correct' });
    expect(await ledgerSum()).toBe(0n);
  }, 60_000);
});

describe('a run computed again', () => {
  test('is identical, also after late data and a correction', async () => {
    const sendLate = await ingestHours(store, '2026-10-01T00:00', silentWeeks);
    await close('2026-09');
    const again = () => recomputeRun({ ...common(), period: '2026-09' });
    expect(await again()).toMatchObject({
      ok: true,
      result: { identical: true, revision: 0, statements: 4, differences: [] },
    });
    await sendLate();
    await deriveDirtyIntervals({ store, park: twoMonthPark, intervalMinutes: 60 }, at('2026-10-01T00:00'));
    expect(await again()).toMatchObject({ ok: true, result: { identical: true, revision: 0 } });
    await correct();
    expect(await again()).toMatchObject({
      ok: true,
      result: { identical: true, revision: 1, differences: [] },
    });
  }, 60_000);
});
