/** What every store owes its callers about intervals, anomalies and billing. */
import assert from 'node:assert/strict';
import type { ContractCase } from './contract.ts';
import { charge, issuedRun, QUARTER_MS, START_MS } from './contract-fixtures.ts';

const interval = (slot: number, quantity: bigint | null, meter = 'E-1') => ({
  meter,
  startMs: START_MS + slot * QUARTER_MS,
  endMs: START_MS + (slot + 1) * QUARTER_MS,
  quantity,
  quality: quantity === null ? ('missing' as const) : ('actual' as const),
  method: 'difference',
  reason: '',
});

const derived: ContractCase[] = [
  {
    title: 'intervals of a span are replaced as one, exactly, and no others',
    async check({ store }) {
      const day = { fromMs: START_MS, toMs: START_MS + 4 * QUARTER_MS };
      const first = [0, 1, 2, 3, 4].map((slot) => interval(slot, 9_007_199_254_740_993n));
      await store.replaceIntervals('E-1', START_MS, START_MS + 5 * QUARTER_MS, first);
      await store.replaceIntervals('E-2', day.fromMs, day.toMs, [interval(0, 5n, 'E-2')]);
      await store.replaceIntervals('E-1', day.fromMs, day.toMs, [interval(1, null)]);
      const all = { fromMs: 0, toMs: Date.UTC(2100, 0) };
      const kept = [interval(1, null), interval(4, 9_007_199_254_740_993n)];
      assert.deepEqual(await store.intervals({ meters: ['E-1'], ...all }), kept);
      assert.deepEqual(await store.intervals({ meters: null, ...all }), [...kept, interval(0, 5n, 'E-2')]);
      assert.deepEqual(await store.intervals({ meters: ['E-3'], ...all }), []);
      assert.deepEqual(await store.intervalTotals({ meters: ['E-1', 'E-2', 'E-3'], ...all }), [
        { meter: 'E-1', quantity: 9_007_199_254_740_993n, estimated: 0n, known: 1, missing: 1 },
        { meter: 'E-2', quantity: 5n, estimated: 0n, known: 1, missing: 0 },
      ]);
      const spans = [{ ...day }, { fromMs: day.toMs, toMs: all.toMs }, { fromMs: 0, toMs: 1 }];
      const last = { coveredMs: QUARTER_MS, intervals: 1 };
      const sum = { quantity: 9_007_199_254_740_993n, unsettled: 0, endMs: START_MS + 5 * QUARTER_MS };
      assert.deepEqual(await store.intervalSums({ meters: ['E-1', 'E-3', 'E-2'].sort(), spans }), [
        { meter: 'E-1', span: 0, ...last, quantity: 0n, unsettled: 1, endMs: START_MS + 2 * QUARTER_MS },
        { meter: 'E-1', span: 1, ...last, ...sum },
        { meter: 'E-2', span: 0, ...last, quantity: 5n, unsettled: 0, endMs: START_MS + QUARTER_MS },
      ]);
      assert.deepEqual(await store.intervalSums({ meters: ['E-1'], spans: [] }), []);
      assert.deepEqual(
        await store.unsettledIntervals({ meter: 'E-1', ...all }),
        kept.filter(({ quality }) => quality !== 'actual'),
      );
      const end = (slot: number) => START_MS + slot * QUARTER_MS;
      assert.deepEqual(await store.lastKnownEnds({ meters: ['E-1', 'E-2', 'E-3'], beforeMs: end(9) }), [
        { meter: 'E-1', endMs: end(5) },
        { meter: 'E-2', endMs: end(1) },
      ]);
      assert.deepEqual(await store.lastKnownEnds({ meters: ['E-1', 'E-2'], beforeMs: end(4) }), [
        { meter: 'E-2', endMs: end(1) },
      ]);
      const outside = store.replaceIntervals('E-1', day.fromMs, day.toMs, [interval(4, 1n)]);
      await assert.rejects(outside, /outside the span/);
      assert.deepEqual(await store.intervals({ meters: ['E-1'], ...all }), kept);
    },
  },
  {
    title: 'an anomaly detected again stays one, raised when it first was',
    async check({ store }) {
      const raised = {
        id: 'a1',
        meter: 'W-1',
        kind: 'night_flow' as const,
        start: '2026-09-10T17:00:00Z',
        end: null,
        raisedAt: '2026-09-11T00:00:00Z',
        severity: 'warning' as const,
        evidence: { 'zh-CN': '夜间 0.4 m³/h', en: '0.4 m³/h at night' },
      };
      await store.putAnomalies([raised]);
      const ended = { ...raised, end: '2026-09-12T00:00:00Z' };
      assert.deepEqual(await store.anomalies({ openOnly: true }), [raised]);
      await store.putAnomalies([{ ...ended, raisedAt: '2026-09-13T00:00:00Z' }]);
      assert.deepEqual(await store.anomalies(), [ended]);
      assert.deepEqual(await store.anomalies({ openOnly: true }), []);
    },
  },
];

const issued: ContractCase[] = [
  {
    title: 'a run is issued once, with its charges, entries and statements',
    async check({ store }) {
      const run = issuedRun();
      assert.equal(await store.billingRun('2026-09'), null);
      assert.equal(await store.lastStatementDigest(), null);
      assert.equal(await store.issueRun(run), 'issued');
      assert.equal(await store.issueRun(run), 'already_issued');
      assert.deepEqual(await store.billingRun('2026-09'), run.run);
      assert.deepEqual(await store.charges({ since: 0, limit: 9 }), [{ ...charge(), position: 1 }]);
      assert.deepEqual(await store.charges({ since: 1, limit: 9 }), []);
      assert.deepEqual(await store.ledgerTotals(), [
        { account: 'cost/electricity', amountMinor: -10_000n },
        { account: 'receivable/L-1', amountMinor: 11_300n },
        { account: 'tax', amountMinor: -1_300n },
      ]);
      const [statement] = run.statements;
      const { json, ...listed } = { ...statement, revision: 0, confirmedAt: null, correctedBy: null };
      assert.deepEqual(await store.statements({ period: '2026-09' }), [listed]);
      assert.deepEqual(await store.statements({ lease: 'L-2' }), []);
      assert.deepEqual(await store.statement('S-1'), { ...listed, json });
      assert.deepEqual(await store.statementByTokenHash('h1'), { ...listed, json });
      assert.equal(await store.statementByTokenHash('h2'), null);
      assert.equal(await store.lastStatementDigest(), 'd1');
    },
  },
  {
    title: 'another manifest for an issued period is refused as period_closed, a further revision is not',
    async check({ store }) {
      const run = issuedRun();
      await store.issueRun(run);
      const other = { ...run, run: { ...run.run, manifest: 'm2' } };
      await assert.rejects(store.issueRun(other), { code: 'period_closed' });
      const next = {
        run: { ...run.run, revision: 1, manifest: 'm2' },
        charges: [],
        entries: [],
        statements: [],
        events: [],
        inputs: [],
        seal: null,
        span: null,
        settles: [],
        follows: 'd1',
      };
      assert.equal(await store.issueRun(next), 'issued');
      assert.equal((await store.billingRun('2026-09'))?.revision, 1);
    },
  },
  {
    title: 'the key of a charge is unique for ever, across runs',
    async check({ store }) {
      const run = issuedRun();
      await store.issueRun(run);
      const october = { ...run.run, period: '2026-10', manifest: 'm3' };
      const again = {
        run: october,
        charges: [charge({ period: '2026-10', statement: null })],
        entries: [],
        statements: [],
        events: [],
        inputs: [],
        seal: null,
        span: null,
        settles: [],
        follows: 'd1',
      };
      await assert.rejects(store.issueRun(again), /unique/i);
      assert.equal(await store.billingRun('2026-10'), null);
    },
  },
  {
    title: 'a confirmation binds the digest, and the first one stands',
    async check({ store }) {
      await store.issueRun(issuedRun());
      const at = '2026-10-03T00:00:00Z';
      const confirm = (id: string, digest: string, when = at) =>
        store.confirmStatement({ id, digest, at: when });
      const code = async (id: string, digest: string) => {
        const answer = await confirm(id, digest);
        return answer.ok ? 'ok' : answer.code;
      };
      assert.equal(await code('S-9', 'd1'), 'unknown_statement');
      assert.equal(await code('S-1', 'd2'), 'digest_mismatch');
      assert.equal((await store.statement('S-1'))?.confirmedAt, null);
      assert.deepEqual(await confirm('S-1', 'd1'), { ok: true, confirmedAt: at });
      assert.deepEqual(await confirm('S-1', 'd1', '2026-11-01T00:00:00Z'), { ok: true, confirmedAt: at });
      assert.equal((await store.statement('S-1'))?.confirmedAt, at);
    },
  },
];

type Spoil = (run: ReturnType<typeof issuedRun>) => void;
const spoilt: [string, Spoil, RegExp][] = [
  ['an entry that does not sum to zero', ({ entries }) => entries[0]?.postings.pop(), /sum to zero/],
  ['an entry without postings', ({ entries }) => entries[0]?.postings.splice(0), /sum to zero/],
  [
    'an entry of no charge',
    ({ charges, statements }) => {
      charges.pop();
      statements.pop();
    },
    /foreign key/i,
  ],
  [
    'a charge whose gross is not net and tax',
    ({ charges }) => {
      charges[0] = charge({ net: '99.99' });
    },
    /check/i,
  ],
  [
    'a statement whose total is not that of its charges',
    ({ charges }) => {
      charges[0] = charge({ statement: null });
    },
    /total of statement/,
  ],
  [
    'money of a tenth of a fen',
    ({ charges }) => {
      charges[0] = charge({ net: '99.995' });
    },
    /fraction digits/,
  ],
];

const atomic: ContractCase[] = spoilt.map(([title, spoil, reason]) => ({
  title: `${title} is refused, and nothing of the run is kept`,
  async check({ store }) {
    const run = issuedRun();
    spoil(run);
    await assert.rejects(store.issueRun(run), reason);
    assert.equal(await store.billingRun('2026-09'), null);
    assert.deepEqual(await store.charges({ since: 0, limit: 9 }), []);
    assert.deepEqual(await store.statements(), []);
    assert.deepEqual(await store.ledgerTotals(), []);
  },
}));

const protectedTables = ['billing_run', 'charge', 'ledger_entry', 'posting', 'statement', 'confirmation'];
const columns: Record<string, string> = { posting: 'line', confirmation: 'at', ledger_entry: 'description' };
const appendOnly: ContractCase[] = protectedTables.map((table) => ({
  title: `the database itself refuses to change, remove or replace a row of ${table}`,
  async check({ store, sql, replaceRows }) {
    await store.issueRun(issuedRun());
    await store.confirmStatement({ id: 'S-1', digest: 'd1', at: '2026-10-03T00:00:00Z' });
    await assert.rejects(
      sql(`UPDATE ${table} SET ${columns[table] ?? 'period'} = ${columns[table] ?? 'period'}`),
      /never changed/,
    );
    await assert.rejects(sql(`DELETE FROM ${table}`), /never removed/);
    await assert.rejects(replaceRows(table), /never removed|no further postings/);
  },
}));

const posting = 'INSERT INTO posting (entry, line, account, amount_minor) VALUES';
const ledger: ContractCase[] = [
  {
    title: 'a posting cannot be added to an entry, nor stand without one',
    async check({ store, sql }) {
      await store.issueRun(issuedRun());
      await assert.rejects(sql(`${posting} ('entry-1', 9, 'cash', 1)`), /no further postings/);
      await assert.rejects(sql(`${posting} ('entry-2', 0, 'cash', 1)`), /foreign key/i);
    },
  },
];

export const billingContract: ContractCase[] = [...derived, ...issued, ...atomic, ...appendOnly, ...ledger];
