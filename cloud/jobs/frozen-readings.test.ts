import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatMicro } from '../../protocols/units.ts';
import type { IntervalRow } from '../store/port/intervals.ts';
import { openStore, type Store } from '../store/store.ts';
import { boundaryRegisters } from './boundary-registers.ts';
import { deriveDirtyIntervals } from './derive-intervals.ts';
import { at, counting, gatewayInto, meter, type Point, park } from './fixture-site.ts';

const E1 = meter('E-1', { multiplier: '40' });
const start = at('2026-08-30T00:00');
/** Each day counts more than the one before. */
const load = (atMs: number): bigint => BigInt(1 + Math.floor((atMs - start) / 86_400_000)) * 10_000n;
const all = counting(start, at('2026-09-04T00:00'), load);
const frozen = (points: Point[]): Point[] => points.map((point) => ({ ...point, frozen: true }));
const isMidnight = ({ atMs }: Point): boolean => (atMs - start) % 86_400_000 === 0;
/** Nobody read the meter from the evening of the 30th to the morning of the 3rd. */
const inGap = ({ atMs }: Point): boolean => atMs > at('2026-08-30T18:00') && atMs < at('2026-09-03T09:00');

let store: Store;
beforeEach(async () => {
  store = await openStore({ file: ':memory:' });
});
afterEach(() => store.close());
const context = () => ({ store, park: park([E1]), intervalMinutes: 15 });
const rows = (fromText: string, toText: string): Promise<IntervalRow[]> =>
  store.intervals({ meters: ['E-1'], fromMs: at(fromText), toMs: at(toText) });
const total = (intervals: readonly IntervalRow[]): string =>
  formatMicro(intervals.reduce((sum, { quantity }) => sum + (quantity ?? 0n), 0n));
const told = (intervals: readonly IntervalRow[]): string =>
  [...Map.groupBy(intervals, ({ quality, method }) => `${quality} ${method}`)]
    .map(([of, { length }]) => `${length} ${of}`)
    .join(', ');
const register = async (when: string) => (await boundaryRegisters(context(), E1, [at(when)])).registers[0];

/** The gap first, then what the meter kept of it. */
async function healedBy(kept: Point[]): Promise<void> {
  const send = gatewayInto(store);
  await send(
    E1,
    all.filter((point) => !inGap(point)),
  );
  await deriveDirtyIntervals(context(), at('2026-09-04T00:00'));
  await send(E1, frozen(kept));
  await deriveDirtyIntervals(context(), at('2026-09-04T00:00'));
}

describe('what a meter froze in a gap', () => {
  test('at midnights makes each day exact, and leaves only the shape of the day estimated', async () => {
    await healedBy(all.filter(inGap).filter(isMidnight));
    // 96 quarters x 0.02, 0.03, 0.04 kWh x 40.
    expect(total(await rows('2026-08-31T00:00', '2026-09-01T00:00'))).toBe('76.8');
    expect(total(await rows('2026-09-01T00:00', '2026-09-02T00:00'))).toBe('115.2');
    expect(total(await rows('2026-09-02T00:00', '2026-09-03T00:00'))).toBe('153.6');
    expect(told(await rows('2026-09-01T00:00', '2026-09-02T00:00'))).toMatch(/^96 estimated/);
  });
  test('at every quarter is actual, and says where it comes from', async () => {
    await healedBy(all.filter(inGap));
    expect(told(await rows('2026-08-30T00:00', '2026-09-04T00:00'))).toBe(
      '132 actual difference, 348 actual frozen',
    );
  });
  test('is the register of a boundary, with its bytes and its source', async () => {
    await healedBy(all.filter(inGap).filter(isMidnight));
    const { value } = all.find(({ atMs }) => atMs === at('2026-09-01T00:00')) ?? { value: 0n };
    expect(await register('2026-09-01T00:00')).toMatchObject({ value, estimated: false, frozen: true });
  });
  test('without it the register of the boundary is estimated', async () => {
    await healedBy([]);
    expect(await register('2026-09-01T00:00')).toMatchObject({ estimated: true, frozen: false });
  });
  test('that no meter can have counted changes nothing', async () => {
    const impossible = all
      .filter(inGap)
      .filter(isMidnight)
      .map((point) => ({ ...point, value: 1n }));
    await healedBy(impossible);
    expect(await register('2026-09-01T00:00')).toMatchObject({ estimated: true, frozen: false });
    const [before, after] = [at('2026-08-30T18:00'), at('2026-09-03T09:00')].map(
      (ms) => all.find(({ atMs }) => atMs === ms)?.value ?? 0n,
    );
    expect(total(await rows('2026-08-30T18:00', '2026-09-03T09:00'))).toBe(
      formatMicro(((after ?? 0n) - (before ?? 0n)) * 40n),
    );
  });
});
