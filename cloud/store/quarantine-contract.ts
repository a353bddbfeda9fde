/** What every store owes its callers about quarantine: nothing in it is lost, and what leaves it leaves once, through the same checks. */
import assert from 'node:assert/strict';
import type { ContractCase } from './contract.ts';
import { batch, INGESTED_AT, instantText, reading } from './contract-fixtures.ts';
import type { Store } from './store.ts';

const everything = { meter: 'E-A-101', register: '1-0:1.8.0', fromMs: 0, toMs: Date.UTC(2100, 0) };
const SLOW = '2026-09-01T00:00:00Z';
const by = 'operator';

/** Readings that come an hour and a day ahead of a clock that is slow. @returns their ids, in this order */
async function heldFromAhead(store: Store): Promise<[number, number]> {
  const ahead = [reading({ readAt: '2026-09-01T01:00:00Z' }), reading({ readAt: '2026-09-02T00:00:00Z' })];
  assert.equal((await store.ingestBatch(batch(ahead), SLOW)).quarantined, 2);
  const [day, hour] = await store.quarantineEntries({ limit: 9 });
  assert(day !== undefined && hour !== undefined);
  return [hour.id, day.id];
}

export const quarantineContract: ContractCase[] = [
  {
    title:
      'a reading from the future is released once its instant is past, exactly once, and is a duplicate when it comes again',
    async check({ store }) {
      const [hour] = await heldFromAhead(store);
      const early = await store.releaseQuarantined({ id: hour, at: '2026-09-01T00:49:59Z', by });
      assert.equal(early.ok ? '' : early.code, 'future_timestamp');
      assert.deepEqual(await store.readings(everything), []);
      const due = { id: hour, at: '2026-09-01T01:00:00Z', by };
      assert.deepEqual(await store.releaseQuarantined(due), { ok: true, outcome: 'stored' });
      const again = await store.releaseQuarantined(due);
      assert.equal(again.ok ? '' : again.code, 'already_closed');
      const [row] = await store.readings(everything);
      assert.deepEqual([row?.gateway, row?.epoch, row?.sequence], ['gw-a', '00000000000000aa', 1]);
      const entry = (await store.quarantineEntries({ limit: 9 })).find(({ id }) => id === hour);
      assert.deepEqual([entry?.state, entry?.closed], ['released', { at: due.at, by, reason: null }]);
      assert.equal(await store.quarantineCount(), 1);
      const sent = batch([reading({ readAt: '2026-09-01T01:00:00Z' })]);
      assert.deepEqual(await store.ingestBatch(sent, INGESTED_AT), {
        stored: 0,
        duplicates: 1,
        quarantined: 0,
      });
      assert.equal((await store.dirtyDays()).length > 0, true, 'what is derived from it is stale');
    },
  },
  {
    title:
      'a clock that was slow and is put right releases what came meanwhile and was not ahead of the right time',
    async check({ store }) {
      const [hour, day] = await heldFromAhead(store);
      const step = { since: SLOW, stepMs: 3_600_000, at: '2026-09-01T01:00:05Z' };
      assert.equal(
        await store.releaseAfterClockStep({ ...step, since: '2026-09-01T00:00:01Z' }),
        0,
        'came before',
      );
      assert.equal(await store.releaseAfterClockStep({ ...step, stepMs: 60_000 }), 0, 'too small a step');
      assert.equal(await store.releaseAfterClockStep(step), 1);
      const states = await store.quarantineEntries({ limit: 9 });
      assert.deepEqual(
        states.map(({ id, state, closed }) => [id, state, closed?.by ?? null]),
        [
          [day, 'held', null],
          [hour, 'released', 'clock'],
        ],
      );
      assert.equal(await store.releaseAfterClockStep(step), 0, 'once');
      assert.equal(
        await store.releaseAfterClockStep({ ...step, at: '2026-09-03T00:00:00Z' }),
        0,
        'time alone does not make a stamp true that was ahead of it',
      );
    },
  },
  {
    title:
      'a meter is written by the gateway that wrote it first; what another sends is kept until the meter is moved to it',
    async check({ store }) {
      const from = (gateway: string, readAt: string, sequence: number) =>
        store.ingestBatch(batch([reading({ readAt })], { gateway, from: sequence }), INGESTED_AT);
      assert.equal((await from('gw-a', '2026-09-01T01:00:00Z', 1)).stored, 1);
      assert.equal((await from('gw-b', '2026-09-01T01:00:00Z', 1)).quarantined, 1, 'the same reading too');
      assert.equal((await from('gw-b', '2026-09-01T07:30:00Z', 2)).quarantined, 1);
      const codes = new Set((await store.quarantined(9)).map(({ code }) => code));
      assert.deepEqual(codes, new Set(['foreign_meter']));
      const move = { meters: ['E-A-101'], gateway: 'gw-b', at: '2026-09-01T08:00:00Z', by };
      assert.deepEqual(await store.assignMeters(move), { moved: ['E-A-101'], released: 2 });
      assert.deepEqual(await store.assignMeters(move), { moved: [], released: 0 });
      assert.equal((await from('gw-b', '2026-09-01T10:00:00Z', 3)).stored, 1);
      assert.equal(
        (await from('gw-a', '2026-09-01T07:59:59Z', 2)).stored,
        1,
        'read before the move, sent after it',
      );
      assert.equal((await from('gw-a', '2026-09-01T08:00:00Z', 3)).quarantined, 1);
      assert.deepEqual(
        [await store.metersOfGateway('gw-a'), await store.metersOfGateway('gw-b')],
        [[], ['E-A-101']],
      );
      assert.equal((await store.readings(everything)).length, 4);
    },
  },
  {
    title: 'a conflict stays one: releasing goes through the same checks',
    async check({ store }) {
      await store.ingestBatch(batch([reading()]), INGESTED_AT);
      await store.ingestBatch(batch([reading({ value: '9' })], { from: 2 }), INGESTED_AT);
      const [held] = await store.quarantineEntries({ limit: 1 });
      const released = await store.releaseQuarantined({ id: held?.id ?? 0, at: INGESTED_AT, by });
      assert.equal(released.ok ? '' : released.code, 'conflict');
      assert.equal(await store.quarantineCount(), 1);
    },
  },
  {
    title: 'what is dismissed is kept with its reason, is not released, and stays out when it comes again',
    async check({ store }) {
      const [hour] = await heldFromAhead(store);
      const seen = { id: hour, at: INGESTED_AT, by, reason: 'clock of the gateway' };
      assert.equal(await store.dismissQuarantined(seen), true);
      assert.equal(await store.dismissQuarantined(seen), false);
      const released = await store.releaseQuarantined({ id: hour, at: INGESTED_AT, by });
      assert.equal(released.ok ? '' : released.code, 'already_closed');
      const sent = batch([reading({ readAt: '2026-09-01T01:00:00Z' })]);
      assert.equal((await store.ingestBatch(sent, INGESTED_AT)).quarantined, 1);
      assert.deepEqual(await store.readings(everything), []);
      const [entry] = await store.quarantineEntries({ limit: 9, state: 'dismissed' });
      assert.deepEqual(entry?.closed, { at: INGESTED_AT, by, reason: 'clock of the gateway' });
    },
  },
  {
    title: 'a whole message, and an id that is not there, release nothing',
    async check({ store }) {
      await store.quarantine({
        gateway: null,
        topic: 't',
        code: 'foreign_topic',
        detail: '',
        payload: '{',
        at: SLOW,
      });
      const [entry] = await store.quarantineEntries({ limit: 1 });
      const codes = [];
      for (const id of [entry?.id ?? 0, 999_999]) {
        const released = await store.releaseQuarantined({ id, at: INGESTED_AT, by });
        codes.push(released.ok ? '' : released.code);
      }
      assert.deepEqual(codes, ['not_an_item', 'unknown_entry']);
      assert.equal(await store.dismissQuarantined({ id: 999_999, at: SLOW, by, reason: 'x' }), false);
    },
  },
  {
    title: 'the list is filtered by gateway, reason and state, newest first, a page at a time',
    async check({ store }) {
      for (let n = 0; n < 7; n += 1) {
        const entry = {
          gateway: n % 2 === 0 ? 'gw-a' : 'gw-b',
          topic: 't',
          code: n < 3 ? 'not_json' : 'not_zstd',
        };
        await store.quarantine({ ...entry, detail: '', payload: `${n}`, at: instantText(n * 1000) });
      }
      const payloads = async (filter: object) =>
        (await store.quarantineEntries({ limit: 9, ...filter })).map(({ payload }) => payload).join('');
      assert.equal(await payloads({}), '6543210');
      assert.equal(await payloads({ gateway: 'gw-a' }), '6420');
      assert.equal(await payloads({ gateway: 'gw-a', code: 'not_json' }), '20');
      assert.equal(await payloads({ state: 'released' }), '');
      const [, , third] = await store.quarantineEntries({ limit: 3 });
      assert.equal(await payloads({ before: third?.id, limit: 2 }), '32');
    },
  },
  {
    title: 'tries that failed are counted by key until the batch is settled',
    async check({ store }) {
      const at = SLOW;
      const counts = [];
      for (const key of ['a', 'b', 'a', 'a']) counts.push(await store.batchFailed({ key, at }));
      await store.batchSettled('a');
      counts.push(await store.batchFailed({ key: 'a', at }), await store.batchFailed({ key: 'b', at }));
      assert.deepEqual(counts, [1, 1, 2, 3, 1, 2]);
    },
  },
];
