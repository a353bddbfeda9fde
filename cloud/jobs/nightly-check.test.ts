import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Anomaly } from '../../protocols/api.ts';
import { openStore, type Store } from '../store/store.ts';
import { at, counting, gatewayInto, meter, type Point, park } from './fixture-site.ts';
import { type DayHistory, runNightlyCheck } from './nightly-check.ts';
import { scheduleJobs } from './schedule.ts';

const meters = [meter('W-1'), meter('W-1-a', { parent: 'W-1' }), meter('W-1-b', { parent: 'W-1' })];
const site = park(meters);
const start = at('2026-09-01T00:00');
const leakMs = at('2026-09-12T13:00');
/** In millilitres a quarter. */
const use: Record<string, (atMs: number) => bigint> = {
  'W-1-a': (atMs) =>
    ((atMs - start) % 86_400_000 > 28_800_000 ? 90_000n : 1_000n) + (atMs >= leakMs ? 80_000n : 0n),
  'W-1-b': () => 20_000n,
  'W-1': (atMs) => (use['W-1-a']?.(atMs) ?? 0n) + 20_000n + 500n,
};
const played = new Map(
  meters.map((one) => [one, counting(start, at('2026-09-20T00:00'), use[one.id] ?? (() => 0n))]),
);
const silent = (id: string, { atMs }: Point): boolean =>
  id !== 'W-1' && atMs > at('2026-09-06T09:00') && atMs < at('2026-09-08T15:00');

let store: Store;
beforeEach(async () => {
  store = await openStore({ file: ':memory:' });
});
afterEach(() => store.close());

/** Night after night, as the readings come in. */
async function watch(history: () => DayHistory): Promise<Anomaly[][]> {
  const send = gatewayInto(store);
  const nights: Anomaly[][] = [];
  for (let dayEndMs = start + 86_400_000; dayEndMs <= at('2026-09-20T00:00'); dayEndMs += 86_400_000) {
    for (const [one, points] of played)
      await send(
        one,
        points.filter(
          (point) =>
            !silent(one.id, point) &&
            point.atMs <= dayEndMs &&
            (point.atMs > dayEndMs - 86_400_000 || point.atMs === start),
        ),
      );
    nights.push(await runNightlyCheck({ store, park: site, dayEndMs, history: history() }));
  }
  return nights;
}

describe('the nightly check', () => {
  test.each([
    ['keeping what it knows', true],
    ['after a restart every night', false],
  ])('raises the leak and the silence once each, and nothing else, %s', async (_, keeps) => {
    const kept: DayHistory = new Map();
    const nights = await watch(() => (keeps ? kept : new Map()));
    const told = nights.flatMap((changed, i) =>
      changed.map(({ id, end }) => `${i + 1}: ${id} ${end ?? 'open'}`),
    );
    expect(told).toEqual([
      '6: gap-W-1-a-2026-09-06 open',
      '8: gap-W-1-a-2026-09-06 2026-09-08T07:00:00Z',
      '15: night_flow-W-1-a-2026-09-13 open',
    ]);
    expect((await store.anomalies()).map(({ id, raisedAt }) => `${id} ${raisedAt}`)).toEqual([
      'night_flow-W-1-a-2026-09-13 2026-09-15T16:00:00Z',
      'gap-W-1-a-2026-09-06 2026-09-06T16:00:00Z',
    ]);
    expect(await runNightlyCheck({ store, park: site, dayEndMs: at('2026-09-20T00:00') })).toEqual([]);
  });
});

describe('the schedule', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("checks the day that has ended at half past midnight on the site's clock, derives every minute, and goes on after a failure", async () => {
    vi.useFakeTimers({ now: at('2026-09-14T23:50') });
    const checked: number[] = [];
    const failures: unknown[] = [];
    let derived = 0;
    const schedule = scheduleJobs({
      derive: async () => {
        derived += 1;
      },
      timeZone: 'Asia/Shanghai',
      nowMs: () => Date.now(),
      check: async (dayEndMs) => {
        checked.push(dayEndMs);
        throw new Error('the store is closed');
      },
      alone: async (_, work) => ({ result: await work() }),
      onError: (error, job) => failures.push([job, error]),
    });
    await vi.advanceTimersByTimeAsync(2 * 86_400_000);
    await schedule.stop();
    expect(checked).toEqual([at('2026-09-15T00:00'), at('2026-09-16T00:00')]);
    expect(failures.map((failure) => (failure as unknown[])[0])).toEqual(['nightly-check', 'nightly-check']);
    expect(derived).toBe(2 * 24 * 60);
  });
});
