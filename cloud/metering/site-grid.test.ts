import { expect, test } from 'vitest';
import { boundaryAtOrBefore, siteDays, siteGrid } from './site-grid.ts';

const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
const day = (timeZone: string, text: string, minutes = 15) =>
  siteGrid({ timeZone, fromMs: at(text), toMs: at(text), minutes });

test.each([
  ['leaves out the hour that is skipped', '2026-03-29T12:00Z', 92, [7, 12]],
  ['has the hour that is repeated twice', '2026-10-25T12:00Z', 100, [11, 8]],
  ['counts on where nothing changes', '2026-06-01T12:00Z', 96, [7, 8]],
])('the local time of day %s', (_, text, intervals, slots) => {
  const grid = day('Europe/Madrid', text);
  expect(grid.slots).toHaveLength(intervals);
  const change = intervals === 100 ? 12 : 8;
  expect([...grid.slots.slice(change - 1, change + 1)]).toEqual(slots);
});

test('hours of a zone that is half an hour off begin on its half hours', () => {
  const [first = 0] = day('Asia/Kolkata', '2026-09-01T12:00Z', 60).boundaries;
  expect(first).toBe(at('2026-09-01T00:00+05:30'));
});

test('weekends are Saturdays and Sundays of the site', () => {
  const week = { fromMs: at('2026-09-04T17:00Z'), toMs: at('2026-09-07T15:00Z') };
  const grid = siteGrid({ timeZone: 'Asia/Shanghai', minutes: 60, ...week });
  expect([...Map.groupBy(grid.weekend, (flag) => flag)].map(([flag, of]) => [flag, of.length])).toEqual([
    [1, 48],
    [0, 24],
  ]);
});

test('an instant belongs to the boundary before it, and to none before the grid', () => {
  const grid = day('Asia/Shanghai', '2026-09-01T00:00Z');
  const [first = 0, second = 0] = grid.boundaries;
  expect(
    [first - 1, first, second - 1, second, (grid.boundaries.at(-1) ?? 0) + 5].map((ms) =>
      boundaryAtOrBefore(grid, ms),
    ),
  ).toEqual([-1, 0, 0, 1, 96]);
});

test('days follow on each other, whatever their length', () => {
  const days = siteDays(at('2026-03-28T12:00Z'), at('2026-03-30T12:00Z'), 'Europe/Madrid');
  expect(days.map(({ startMs, endMs }) => (endMs - startMs) / 3_600_000)).toEqual([24, 23, 24]);
  expect(days.slice(1).every(({ startMs }, i) => startMs === days[i]?.endMs)).toBe(true);
});
