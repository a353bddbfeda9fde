import { expect, test } from 'vitest';
import type { TouCalendar } from '../../protocols/park.ts';
import { touStrips } from './tou-strips.ts';

const calendar: TouCalendar = {
  timeZone: 'Asia/Shanghai',
  seasons: [{ name: 'summer', from: '07-01', to: '09-30' }],
  otherSeason: 'rest',
  windows: [
    { season: 'summer', weekdays: [1, 2, 3, 4, 5], from: '12:00', to: '14:00', period: 'sharp' },
    { from: '23:00', to: '24:00', period: 'valley' },
    { from: '00:00', to: '07:00', period: 'valley' },
  ],
  otherPeriod: 'flat',
};

const shown = (of: TouCalendar): string[] =>
  touStrips(of).map(
    ({ season, weekdays, holiday, parts }) =>
      `${season} ${weekdays.join('')}${holiday ? ' holiday' : ''}: ${parts.map(({ from, period }) => `${from} ${period}`).join(', ')}`,
  );

test('days that are alike share a strip, and every strip covers the day without a hole', () => {
  expect(shown(calendar)).toEqual([
    'summer 12345: 00:00 valley, 07:00 flat, 12:00 sharp, 14:00 flat, 23:00 valley',
    'summer 67: 00:00 valley, 07:00 flat, 23:00 valley',
    'rest 1234567: 00:00 valley, 07:00 flat, 23:00 valley',
  ]);
  for (const { parts } of touStrips(calendar)) {
    expect([parts[0]?.from, parts.at(-1)?.to]).toEqual(['00:00', '24:00']);
    expect(parts.slice(1).map(({ from }) => from)).toEqual(parts.slice(0, -1).map(({ to }) => to));
  }
});

test('holidays have strips of their own only where a window speaks of them', () => {
  const [work, ...rest] = calendar.windows;
  if (work === undefined) throw new Error('there are no windows');
  const windows = [{ ...work, holidays: 'except' as const }, ...rest];
  expect(shown({ ...calendar, windows }).filter((strip) => strip.includes('holiday'))).toEqual([
    'summer 1234567 holiday: 00:00 valley, 07:00 flat, 23:00 valley',
    'rest 1234567 holiday: 00:00 valley, 07:00 flat, 23:00 valley',
  ]);
});
