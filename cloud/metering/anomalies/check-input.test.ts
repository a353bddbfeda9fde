import { expect, test } from 'vitest';
import { approximate } from '../approximate.ts';
import { watchedMeters } from './check-input.ts';

const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
const meter = (id: string, unit: string | null) => ({
  id,
  name: id,
  serial: id,
  utility: 'water' as const,
  register: '8-0:1.0.0',
  parent: null,
  building: null,
  floor: null,
  room: null,
  serves: unit === null ? { kind: 'landlord' as const } : { kind: 'unit' as const, unit },
  multiplier: '1',
  digits: 5,
  maxPerHour: '3',
  accuracyPercent: '2',
  gateway: 'gw-a',
});
const park = {
  timeZone: 'Asia/Shanghai',
  meters: [meter('W-101', 'u-101'), meter('W-102', 'u-102'), meter('W-pool', null)],
  leases: [
    { id: 'L1', tenant: 'A', units: ['u-101'], from: '2025-01-01', to: '2026-09-14' },
    { id: 'L2', tenant: 'B', units: ['u-101'], from: '2026-09-18', to: null },
  ],
};
const settled = (untilText: string) =>
  watchedMeters(park, at(untilText)).map(({ id, settledMs }) => [id, settledMs]);

test.each([
  ['before the tenant leaves', '2026-09-14T00:00:00+08:00', '2025-01-01T00:00:00+08:00'],
  ['while the unit is vacant', '2026-09-15T00:00:00+08:00', '2026-09-14T00:00:00+08:00'],
  ['after the next one has come', '2026-09-20T00:00:00+08:00', '2026-09-18T00:00:00+08:00'],
])('a meter of a unit is settled since the last change of its lease: %s', (_, until, since) => {
  expect(settled(until)).toEqual([
    ['W-101', at(since)],
    ['W-102', Number.NEGATIVE_INFINITY],
    ['W-pool', Number.NEGATIVE_INFINITY],
  ]);
});

test.each([
  [0n, 0],
  [1_500_000n, 1.5],
  [-1n, -0.000001],
  [-4_294_967_297_000_000n, -4_294_967_297],
])('%s millionths are about %d units', (micro, units) => {
  expect(approximate(micro)).toBe(units);
});

test('what does not fit 64 bits is no quantity of a meter', () => {
  expect(() => approximate(2n ** 63n)).toThrow(RangeError);
});
