/** What every store owes its callers about what stands around an issued run: steps, claims, the outbox, disputes and credits. */
import assert from 'node:assert/strict';
import type { ContractCase } from './contract.ts';
import { charge, issuedRun, QUARTER_MS, START_MS } from './contract-fixtures.ts';

const at = '2026-10-03T00:00:00Z';
const event = (number: number) => ({
  ...{ id: `evt_${number}`, type: 'meterline.charge.posted', subject: `c${number}`, time: at },
  data: '{"gross":"1.00"}',
});
const webhook = { id: 'w1', url: 'https://a.example/', description: '', secret: 'whsec_AA==', createdAt: at };

const runs: ContractCase[] = [
  {
    title: 'a step is added after the one that was seen last, and only then',
    async check({ store }) {
      const step = { period: '2026-09', state: 'checked' as const, at, actor: 'operator', detail: '{}' };
      assert.equal(await store.addRunStep({ ...step, after: 0 }), true);
      assert.equal(await store.addRunStep({ ...step, after: 0 }), false);
      assert.equal(await store.addRunStep({ ...step, state: 'computed', after: 1 }), true);
      const steps = await store.runSteps('2026-09');
      assert.deepEqual(
        steps.map(({ number, state }) => [number, state]),
        [
          [1, 'checked'],
          [2, 'computed'],
        ],
      );
    },
  },
  {
    title: 'a scope has one owner until it is given back or runs out',
    async check({ store }) {
      const claim = (owner: string, nowMs: number) =>
        store.claimRun({ scope: 'billing', owner, nowMs, untilMs: nowMs + 10 });
      assert.equal(await claim('a', 0), true);
      assert.equal(await claim('b', 5), false);
      assert.equal(await claim('a', 5), true);
      assert.equal(await claim('b', 15), true);
      await store.releaseRun('billing', 'a');
      assert.equal(await claim('c', 16), false);
      await store.releaseRun('billing', 'b');
      assert.equal(await claim('c', 16), true);
    },
  },
  {
    title: 'a run that was signed on top of another statement than the last one is refused as chain_moved',
    async check({ store }) {
      const run = issuedRun();
      await assert.rejects(store.issueRun({ ...run, follows: 'd0' }), { code: 'chain_moved' });
      assert.equal(await store.billingRun('2026-09'), null);
      assert.equal(await store.issueRun(run), 'issued');
    },
  },
  {
    title: 'intervals of an issued period that are written anew mark the meter, unless they are the same',
    async check({ store }) {
      const span = { fromMs: START_MS, toMs: START_MS + 4 * QUARTER_MS };
      const row = (quantity: bigint) => ({
        ...{ meter: 'E-1', startMs: START_MS, endMs: START_MS + QUARTER_MS, quantity },
        ...{ quality: 'actual' as const, method: 'difference', reason: '' },
      });
      const write = (quantity: bigint) =>
        store.replaceIntervals('E-1', span.fromMs, span.toMs + QUARTER_MS, [row(quantity)]);
      await write(1n);
      await store.issueRun({ ...issuedRun(), span });
      await write(1n);
      assert.deepEqual(await store.lateChanges(), []);
      await write(2n);
      assert.deepEqual(await store.lateChanges(), [{ period: '2026-09', meter: 'E-1' }]);
    },
  },
];

const outbox: ContractCase[] = [
  {
    title: 'an event is told once, handed to every webhook, and delivered by whoever claimed it',
    async check({ store }) {
      await store.addWebhook(webhook);
      await store.tellEvents([event(1), event(2)]);
      await store.tellEvents([event(2)]);
      const told = await store.outboxEvents({ since: 0, limit: 9 });
      assert.deepEqual(
        told.map(({ id }) => id),
        ['evt_1', 'evt_2'],
      );
      const claim = (owner: string, nowMs: number) =>
        store.claimDeliveries({ owner, nowMs, untilMs: nowMs + 10, limit: 9 });
      assert.equal((await claim('a', 0)).length, 2);
      assert.equal((await claim('b', 5)).length, 0);
      const [first] = await claim('b', 20);
      assert.ok(first);
      const outcome = {
        ...{ webhook: 'w1', position: first.event.position, state: 'delivered' as const, nextAtMs: 0, at },
        ...{ status: 204, detail: '', milliseconds: 1 },
      };
      assert.equal(await store.settleDelivery({ ...outcome, owner: 'a' }), false);
      assert.equal(await store.settleDelivery({ ...outcome, owner: 'b' }), true);
      assert.deepEqual(await store.deliveryCounts(), [{ webhook: 'w1', pending: 1, delivered: 1, dead: 0 }]);
      assert.equal(await store.replayEvents({ webhook: 'w1', since: 0, through: 99 }), 2);
      assert.deepEqual(await store.deliveryCounts(), [{ webhook: 'w1', pending: 2, delivered: 0, dead: 0 }]);
    },
  },
];

const cases: ContractCase[] = [
  {
    title: 'a line is disputed once at a time, and decided once',
    async check({ store }) {
      await store.issueRun(issuedRun());
      const dispute = { id: 'x1', statement: 'S-1', line: 'l', reason: 'too much', openedAt: at };
      assert.equal(await store.openDispute(dispute), true);
      assert.equal(await store.openDispute({ ...dispute, id: 'x2' }), false);
      const decision = { dispute: 'x1', state: 'rejected' as const, reason: 'no', actor: 'a', at };
      assert.equal(await store.decideDispute(decision), true);
      assert.equal(await store.decideDispute({ ...decision, state: 'credited' }), false);
      assert.equal((await store.dispute('x1'))?.state, 'rejected');
      assert.equal(await store.openDispute({ ...dispute, id: 'x2' }), true);
    },
  },
  {
    title: 'the database itself refuses the approval of a credit by whoever asked for it',
    async check({ store }) {
      await store.issueRun(issuedRun());
      await store.requestCredit({
        ...{ id: 'c1', charge: charge().key, dispute: null, grossMinor: 100n },
        ...{ reason: 'goodwill', requestedBy: 'a', requestedAt: at },
      });
      const decide = (actor: string) => store.decideCredit({ credit: 'c1', approved: true, actor, at });
      await assert.rejects(decide('a'), /nobody approves a credit of their own/);
      assert.equal(await decide('b'), true);
      assert.equal(await decide('b'), false);
      const [credit] = await store.credits();
      assert.deepEqual(
        [credit?.state, credit?.decidedBy, credit?.posted, credit?.grossMinor],
        ['approved', 'b', null, 100n],
      );
    },
  },
];

export const ledgerContract: ContractCase[] = [...runs, ...outbox, ...cases];
