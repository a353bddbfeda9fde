import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Balance, type BalanceNode } from '../../protocols/api.ts';
import { formatMicro } from '../../protocols/units.ts';
import { fixturePark, monthStartMs, seedIntervals } from './fixture-park.ts';
import { at, type Fixture, nowMs, startFixture } from './fixture-server.ts';
import { instantText, msOf } from './query.ts';

const QUARTER_MS = 15 * 60_000;
const HOUR_MS = 4 * QUARTER_MS;
const DAY_MS = 24 * HOUR_MS;
/** Seven minutes before the fixture's now: the last boundary that was read. */
const readMs = msOf('2026-09-15T18:00:00+08:00');

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
  await seedIntervals(fixture.store, nowMs);
});
afterEach(() => fixture.close());

const days = { from: '2026-09-01', to: '2026-10-01' };
async function tree(utility: string, { from, to }: { from: string; to: string }): Promise<Balance> {
  const span = `from=${at(`${from}T00:00:00+08:00`)}&to=${at(`${to}T00:00:00+08:00`)}`;
  return Balance.parse((await fixture.get(`/api/v1/tree?utility=${utility}&${span}`)).json());
}

const missing = (meter: string, startMs: number) => ({
  ...{ meter, startMs, endMs: startMs + QUARTER_MS, quantity: null },
  ...{ quality: 'missing' as const, method: 'none', reason: 'gap' },
});
/** Nothing is known of the meter from the instant on; so it is written up to the end of the day. */
async function loseFrom(meter: string, fromMs: number): Promise<void> {
  const endMs = msOf('2026-09-16T00:00:00+08:00');
  const rows = Array.from({ length: (endMs - fromMs) / QUARTER_MS }, (_, i) =>
    missing(meter, fromMs + i * QUARTER_MS),
  );
  await fixture.store.replaceIntervals(meter, fromMs, endMs, rows);
}
const verdicts = ({ nodes }: Balance) =>
  nodes.filter(({ verdict }) => verdict !== 'leaf').map(({ verdict }: BalanceNode) => verdict);

describe('the tree of a span that still runs', () => {
  test.each([
    ['month', days],
    ['week', { from: '2026-09-14', to: '2026-09-21' }],
    ['day', { from: '2026-09-15', to: '2026-09-16' }],
  ])('is balanced up to the last boundary that is known: of the %s', async (_, span) => {
    for (const { id } of fixturePark.meters) await loseFrom(id, readMs);
    const balance = await tree('water', span);
    expect(balance).toMatchObject({ through: instantText(readMs), conserved: true });
    expect(Date.parse(balance.to)).toBe(msOf(`${span.to}T00:00:00+08:00`));
  });

  test('ends where the meter ends that is last to report, for all of them', async () => {
    await loseFrom('W-A-102', readMs - 3 * HOUR_MS);
    const balance = await tree('water', days);
    expect(balance).toMatchObject({ through: instantText(readMs - 3 * HOUR_MS), conserved: true });
    const known = { meters: ['W-0'], fromMs: monthStartMs, toMs: readMs - 3 * HOUR_MS };
    const [root] = await fixture.store.intervalTotals(known);
    expect(balance.nodes[0]).toMatchObject({ meter: 'W-0', quantity: formatMicro(root?.quantity ?? 0n) });
    expect(verdicts(balance)).toEqual(['within']);
  });

  test('is not held back by a meter that has been silent for a day: it lacks intervals, and says so', async () => {
    await loseFrom('W-A-102', readMs - DAY_MS);
    expect(await tree('water', days)).toMatchObject({ through: instantText(readMs), conserved: false });
  });

  test('is not called conserved over a hole that nothing has filled', async () => {
    // E-A-103 was silent for two days.
    expect(await tree('electricity', days)).toMatchObject({
      through: instantText(readMs),
      conserved: false,
    });
  });

  test('still runs for an interval after its end: its last readings are on their way', async () => {
    const nowMs = msOf('2026-09-15T00:05:00+08:00');
    const own = await startFixture({ clock: { nowMs: () => nowMs } });
    await seedIntervals(own.store, nowMs - 20 * 60_000);
    const span = `from=${at('2026-09-14T00:00:00+08:00')}&to=${at('2026-09-15T00:00:00+08:00')}`;
    const balance = (await own.get(`/api/v1/tree?utility=water&${span}`)).json();
    expect(balance).toMatchObject({ through: '2026-09-14T15:45:00Z', conserved: true });
    await own.close();
  });

  test('goes nowhere where nothing is known of the span yet', async () => {
    const balance = await tree('water', { from: '2026-09-16', to: '2026-09-17' });
    expect(balance).toMatchObject({ through: balance.from, conserved: false });
  });
});

describe('the tree of a span that is over', () => {
  const day = { from: '2026-09-14', to: '2026-09-15' };
  test('is of all of it', async () => {
    const balance = await tree('water', day);
    expect(balance).toMatchObject({ through: balance.to, conserved: true });
  });

  test('is not cut short for a meter that lacks its end', async () => {
    await loseFrom('W-A-102', msOf('2026-09-14T23:00:00+08:00'));
    const balance = await tree('water', day);
    expect(balance).toMatchObject({ through: balance.to, conserved: false });
  });
});
