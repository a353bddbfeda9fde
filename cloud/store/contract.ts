/** What every store owes its callers about readings, as cases that run against any implementation. */
import assert from 'node:assert/strict';
import { batch, INGESTED_AT, instantText, QUARTER_MS, reading, START_MS } from './contract-fixtures.ts';
import type { Store } from './store.ts';

/** An empty store, and ways to send SQL to its database past the store. */
export interface Subject {
  store: Store;
  sql(text: string): Promise<void>;
  /** Takes the rows of a table away and puts others in their place, by what the database has for that beside UPDATE and DELETE. */
  replaceRows(table: string): Promise<void>;
}
export interface ContractCase {
  title: string;
  check(subject: Subject): Promise<void>;
}

const at = (slot: number): string => instantText(START_MS + slot * QUARTER_MS);
const channel = { meter: 'E-A-101', register: '1-0:1.8.0' };
const everything = { ...channel, fromMs: 0, toMs: Date.UTC(2100, 0) };

const stored: ContractCase[] = [
  {
    title: 'a reading comes back exactly as it was sent',
    async check({ store }) {
      const item = reading({ value: '9007199254.740993', readAt: '2026-09-01T08:15:00.250+08:00' });
      assert.deepEqual(await store.ingestBatch(batch([item], { from: 7 }), INGESTED_AT), {
        stored: 1,
        duplicates: 0,
        quarantined: 0,
      });
      assert.deepEqual(await store.readings(everything), [
        {
          ...channel,
          atMs: Date.UTC(2026, 8, 1, 0, 15, 0, 250),
          value: 9_007_199_254_740_993n,
          unit: 'kWh',
          code: null,
          raw: '00a1',
          source: 'poll',
          gateway: 'gw-a',
          epoch: '00000000000000aa',
          sequence: 7,
        },
      ]);
    },
  },
  {
    title: 'an absent value is stored with its reason',
    async check({ store }) {
      await store.ingestBatch(batch([reading({ value: null, code: 'not_available' })]), INGESTED_AT);
      const [row] = await store.readings(everything);
      assert.deepEqual([row?.value, row?.code], [null, 'not_available']);
    },
  },
  {
    title: 'the same batch again is a duplicate in whole, gap markers included',
    async check({ store }) {
      const gap = {
        kind: 'gap' as const,
        sequence: 2,
        ...channel,
        from: at(2),
        to: at(4),
        count: 3,
        reason: 'buffer_full' as const,
      };
      const sent = batch([reading(), gap]);
      assert.equal((await store.ingestBatch(sent, INGESTED_AT)).stored, 2);
      assert.equal((await store.ingestBatch(sent, INGESTED_AT)).duplicates, 2);
      assert.equal((await store.readings(everything)).length, 1);
    },
  },
  {
    title: 'the same register, instant and value under another sequence is a duplicate',
    async check({ store }) {
      await store.ingestBatch(batch([reading()]), INGESTED_AT);
      const other = batch([reading()], { from: 9 });
      assert.equal((await store.ingestBatch(other, INGESTED_AT)).duplicates, 1);
      assert.deepEqual((await store.readings(everything)).length, 1);
      assert.equal(await store.quarantineCount(), 0);
    },
  },
];

const conflicts: ContractCase[] = [
  {
    title: 'another payload under a known sequence is quarantined, 100 of 100, and nothing is overwritten',
    async check({ store }) {
      const items = Array.from({ length: 100 }, (_, i) => reading({ readAt: at(i) }));
      await store.ingestBatch(batch(items), INGESTED_AT);
      const before = await store.readings(everything);
      const moved = items.map((item, i) => reading({ ...item, meter: 'E-A-102', readAt: at(i) }));
      assert.equal((await store.ingestBatch(batch(moved), INGESTED_AT)).quarantined, 100);
      assert.deepEqual(await store.readings(everything), before);
      assert.deepEqual(await store.readings({ ...everything, meter: 'E-A-102' }), []);
      assert.deepEqual(new Set((await store.quarantined(1000)).map((q) => q.code)), new Set(['conflict']));
      assert.equal(await store.quarantineCount(), 100);
    },
  },
  {
    title: 'another value of a register at a known instant is quarantined, and nothing is overwritten',
    async check({ store }) {
      await store.ingestBatch(batch([reading()]), INGESTED_AT);
      const other = batch([reading({ value: '1234.57' })], { from: 2 });
      assert.equal((await store.ingestBatch(other, INGESTED_AT)).quarantined, 1);
      assert.deepEqual((await store.readings(everything))[0]?.value, 1_234_560_000n);
    },
  },
  {
    title: 'a reading and the marker that gave it up are kept beside each other, whichever comes first',
    async check({ store }) {
      const span = { from: at(1), to: at(2), count: 2, reason: 'corrupt' as const };
      const gap = { kind: 'gap' as const, sequence: 1, ...channel, ...span };
      await store.ingestBatch(batch([gap]), INGESTED_AT);
      assert.equal((await store.ingestBatch(batch([reading()]), INGESTED_AT)).stored, 1);
      await store.ingestBatch(batch([reading({ readAt: at(9) })], { from: 5 }), INGESTED_AT);
      assert.equal((await store.ingestBatch(batch([gap], { from: 5 }), INGESTED_AT)).stored, 1);
    },
  },
  {
    title: 'what was quarantined stays so when it is sent again later, as one row',
    async check({ store }) {
      const early = batch([reading({ readAt: '2026-09-01T00:20:01Z' })]);
      assert.equal((await store.ingestBatch(early, '2026-09-01T00:10:00Z')).quarantined, 1);
      assert.equal((await store.ingestBatch(early, INGESTED_AT)).quarantined, 1);
      assert.equal(await store.quarantineCount(), 1);
      assert.deepEqual(await store.readings(everything), []);
    },
  },
];

const refusals = [
  ['a value of more than 6 decimals', { value: '1.0000001' }, 'out_of_scale'],
  ['a value beyond 64 bits', { value: '9223372036854.775808' }, 'out_of_scale'],
  ['a stamp over 10 minutes ahead of the cloud', { readAt: '2026-10-02T00:10:00.001Z' }, 'future_timestamp'],
  ['seconds sent as milliseconds', { readAt: '1970-01-21T15:36:28Z' }, 'past_timestamp'],
  ['neither a value nor a reason', { value: null }, 'no_value'],
] as const;

const refused: ContractCase[] = refusals.map(([title, over, code]) => ({
  title: `${title} goes to quarantine as ${code}, and the rest of the batch is stored`,
  async check({ store }) {
    const sent = batch([reading({ readAt: at(3) }), reading(over), reading({ readAt: at(4) })]);
    assert.deepEqual(await store.ingestBatch(sent, INGESTED_AT), {
      stored: 2,
      duplicates: 0,
      quarantined: 1,
    });
    const [held] = await store.quarantined(10);
    assert.deepEqual([held?.code, held?.gateway, held?.at], [code, 'gw-a', INGESTED_AT]);
    assert.deepEqual(JSON.parse(held?.payload ?? ''), sent.items[1]);
  },
}));

const queries: ContractCase[] = [
  {
    title: 'readings are ascending and half-open, and found before and after an instant across empty hours',
    async check({ store }) {
      const slots = [0, 1, 2, 96, 5000];
      const items = slots.toReversed().map((slot) => reading({ readAt: at(slot), value: `${slot}` }));
      const far = instantText(Date.UTC(2029, 0));
      await store.ingestBatch(batch([...items, reading({ meter: 'E-other', readAt: at(97) })]), far);
      const ms = (slot: number) => START_MS + slot * QUARTER_MS;
      const span = await store.readings({ ...channel, fromMs: ms(1), toMs: ms(96) });
      assert.deepEqual(
        span.map((row) => row.atMs),
        [ms(1), ms(2)],
      );
      assert.equal((await store.readings({ ...everything, limit: 3 })).length, 3);
      const before = async (slot: number) =>
        (await store.readingAtOrBefore({ ...channel, ms: ms(slot) }))?.value ?? null;
      const after = async (slot: number) =>
        (await store.readingAtOrAfter({ ...channel, ms: ms(slot) }))?.value ?? null;
      assert.deepEqual(
        [await before(-1), await before(0), await before(95), await before(4999), await before(9000)],
        [null, 0n, 2_000_000n, 96_000_000n, 5_000_000_000n],
      );
      assert.deepEqual(
        [await after(-50), await after(2), await after(3), await after(97), await after(5001)],
        [0n, 2_000_000n, 96_000_000n, 5_000_000_000n, null],
      );
      assert.equal(await store.readingAtOrBefore({ ...channel, meter: 'E-never', ms: ms(9) }), null);
    },
  },
  {
    title: 'the last reading of a register is the newest by its instant, not by its arrival',
    async check({ store }) {
      await store.ingestBatch(batch([reading({ readAt: at(9), value: '9' })]), INGESTED_AT);
      await store.ingestBatch(batch([reading({ readAt: at(5), value: '5' })], { from: 2 }), INGESTED_AT);
      assert.deepEqual(
        (await store.lastReadings()).map((row) => row.value),
        [9_000_000n],
      );
    },
  },
  {
    title: 'a mark is cleared only as it was seen: what arrived meanwhile keeps it',
    async check({ store }) {
      await store.ingestBatch(batch([reading({ readAt: at(0) })]), INGESTED_AT);
      const seen = await store.dirtyDays();
      const days = seen.map((day) => day.dayMs);
      assert.deepEqual(days, [START_MS - 86_400_000, START_MS], 'midnight closes the day before as well');
      const [hour] = await store.exportDirtyHours({ afterHour: 0, limit: 9 });
      assert(hour);
      await store.ingestBatch(batch([reading({ readAt: at(1) })], { from: 2 }), INGESTED_AT);
      await store.clearDirty(seen);
      assert.deepEqual(
        (await store.dirtyDays()).map((day) => day.dayMs),
        [START_MS],
      );
      assert.deepEqual(await store.clearExportDirty(hour), { cleared: false });
      await store.clearDirty(await store.dirtyDays());
      assert.deepEqual(await store.dirtyDays(), []);
      const [again] = await store.exportDirtyHours({ afterHour: 0, limit: 9 });
      assert(again);
      assert.deepEqual(await store.clearExportDirty(again), { cleared: true });
    },
  },
  {
    title: 'a duplicate marks nothing',
    async check({ store }) {
      await store.ingestBatch(batch([reading()]), INGESTED_AT);
      await store.clearDirty(await store.dirtyDays());
      await store.ingestBatch(batch([reading()]), INGESTED_AT);
      assert.deepEqual(await store.dirtyDays(), []);
    },
  },
];

export const togetherContract: ContractCase[] = [
  {
    title: 'what is to go on once at a time does, by scope, and again after it failed',
    async check({ store }) {
      const first = Promise.withResolvers<string>();
      const running = store.alone('nightly', () => first.promise);
      assert.equal(await store.alone('nightly', async () => 'too'), null);
      assert.deepEqual(await store.alone('derive', async () => 'beside'), { result: 'beside' });
      first.resolve('done');
      assert.deepEqual(await running, { result: 'done' });
      await assert.rejects(
        store.alone('nightly', () => Promise.reject(new Error('failed'))),
        /failed/,
      );
      assert.deepEqual(await store.alone('nightly', async () => 'again'), { result: 'again' });
    },
  },
];

const appendOnly: ContractCase[] = ['reading', 'gap_marker'].map((table) => ({
  title: `the database itself refuses to change, remove or replace a row of ${table}`,
  async check({ store, sql, replaceRows }) {
    const span = { from: at(1), to: at(2), count: 2, reason: 'corrupt' as const };
    const gap = { kind: 'gap' as const, sequence: 2, ...channel, ...span };
    await store.ingestBatch(batch([reading(), gap]), INGESTED_AT);
    await assert.rejects(sql(`UPDATE ${table} SET sequence = 99`), /never changed/);
    await assert.rejects(sql(`DELETE FROM ${table}`), /never removed/);
    await assert.rejects(replaceRows(table), /never removed/);
  },
}));

export const readingsContract: ContractCase[] = [
  ...stored,
  ...conflicts,
  ...refused,
  ...queries,
  ...appendOnly,
];
