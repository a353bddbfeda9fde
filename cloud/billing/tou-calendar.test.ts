import { describe, expect, test } from 'vitest';
import type { TouCalendar } from '../../protocols/park.ts';
import { summarizeUsage, type UsageInterval } from './summarize-usage.ts';
import { checkCalendar, touPeriodAt } from './tou-calendar.ts';
import { touSegments } from './tou-segments.ts';

const calendar = (over: Partial<TouCalendar> = {}): TouCalendar => ({
  timeZone: 'Europe/Berlin',
  seasons: [],
  otherSeason: 'all',
  windows: [
    { from: '02:00', to: '03:00', period: 'low' },
    { from: '10:00', to: '12:30', period: 'peak' },
  ],
  otherPeriod: 'flat',
  ...over,
});
const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
const HOUR_MS = 3_600_000;

describe('a calendar is proved before it is used', () => {
  test.each<[string, Partial<TouCalendar>, string | null]>([
    ['windows that do not meet', {}, null],
    [
      'windows that touch',
      {
        windows: [
          { from: '00:00', to: '12:00', period: 'a' },
          { from: '12:00', to: '24:00', period: 'b' },
        ],
      },
      null,
    ],
    [
      'windows that meet',
      {
        windows: [
          { from: '00:00', to: '12:01', period: 'a' },
          { from: '12:00', to: '24:00', period: 'b' },
        ],
      },
      'meet',
    ],
    [
      'windows that meet on Sundays alone',
      {
        windows: [
          { from: '00:00', to: '12:00', period: 'a' },
          { from: '11:00', to: '13:00', period: 'b', weekdays: [7] },
        ],
      },
      '2026-03-01',
    ],
    ['a window over midnight', { windows: [{ from: '22:00', to: '06:00', period: 'a' }] }, 'two windows'],
    [
      'an unknown season',
      { windows: [{ from: '00:00', to: '06:00', period: 'a', season: 'monsoon' }] },
      'monsoon',
    ],
  ])('%s', (_, over, problem) => {
    const problems = checkCalendar(calendar(over), '2026-03-01', '2026-04-01');
    if (problem === null) expect(problems).toEqual([]);
    else expect(problems[0]).toContain(problem);
  });
});

test('windows are half-open', () => {
  const period = (text: string) => touPeriodAt(calendar(), Temporal.PlainDateTime.from(text));
  expect(
    ['2026-03-02T09:59:59', '2026-03-02T10:00', '2026-03-02T12:29', '2026-03-02T12:30'].map(period),
  ).toEqual(['flat', 'peak', 'peak', 'flat']);
});

test.each([
  ['an ordinary day', '2026-03-28', 24, 1],
  ['the day of 23 hours, on which the window does not exist', '2026-03-29', 23, 0],
  ['the day of 25 hours, on which the window comes twice', '2026-10-25', 25, 2],
])('segments of %s', (_, date, hours, lowHours) => {
  const to = `${Temporal.PlainDate.from(date).add({ days: 1 })}`;
  const segments = touSegments(calendar(), { from: date, to, timeZone: 'Europe/Berlin' });
  const length = (period: string | null) =>
    segments
      .filter(({ touPeriod }) => period === null || touPeriod === period)
      .reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0) / HOUR_MS;
  expect(length(null)).toBe(hours);
  expect(length('low')).toBe(lowHours);
  expect(length('peak')).toBe(2.5);
  // Every quarter of an hour is classified as its own clock says.
  for (const { startMs, endMs, touPeriod } of segments)
    for (let ms = startMs; ms < endMs; ms += HOUR_MS / 4) {
      const local = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO('Europe/Berlin');
      expect(touPeriodAt(calendar(), local.toPlainDateTime())).toBe(touPeriod);
    }
  segments.slice(1).forEach(({ startMs }, index) => {
    expect(startMs).toBe(segments[index]?.endMs);
  });
});

describe('usage is summed per date and TOU period', () => {
  const segments = touSegments(calendar(), {
    from: '2026-03-02',
    to: '2026-03-03',
    timeZone: 'Europe/Berlin',
  });
  const day = at('2026-03-02T00:00:00+01:00');
  const hourly = (edit: (interval: UsageInterval, hour: number) => UsageInterval[]): UsageInterval[] =>
    Array.from({ length: 48 }, (_, k) => ({
      startMs: day + (k * HOUR_MS) / 2,
      endMs: day + ((k + 1) * HOUR_MS) / 2,
      quantity: 10n,
      quality: 'actual' as const,
    })).flatMap((interval, k) => edit(interval, k / 2));
  const summary = (intervals: UsageInterval[]) =>
    Object.fromEntries(
      summarizeUsage('E-1', intervals, segments).map(({ touPeriod, ...row }) => [touPeriod, row]),
    );

  test('each interval in the period it starts in, in any order', () => {
    const rows = summary(hourly((interval) => [interval]).reverse());
    expect(rows).toMatchObject({
      low: { quantity: 20n, intervals: 2, missingIntervals: 0 },
      peak: { quantity: 50n, intervals: 5, missingIntervals: 0 },
      flat: { quantity: 410n, intervals: 41, missingIntervals: 0 },
    });
  });

  test('estimates are counted and summed apart', () => {
    const rows = summary(hourly((one, hour) => [hour === 2 ? { ...one, quality: 'estimated' } : one]));
    expect(rows.low).toMatchObject({ quantity: 20n, estimated: 10n, estimatedIntervals: 1 });
  });

  test.each<[string, (one: UsageInterval, hour: number) => UsageInterval[]]>([
    [
      'an interval without a quantity',
      (one, hour) => [hour === 2 ? { ...one, quantity: null, quality: 'missing' } : one],
    ],
    ['a hole between intervals', (one, hour) => (hour === 2 ? [] : [one])],
    ['an interval twice', (one, hour) => (hour === 2 ? [one, one] : [one])],
    [
      'an interval over the edge of a period',
      (one, hour) => (hour === 2.5 ? [{ ...one, endMs: one.endMs + 1 }] : [one]),
    ],
  ])('%s is missing, not zero', (_, edit) => {
    const rows = summary(hourly(edit));
    expect(rows.low?.missingIntervals).toBeGreaterThan(0);
    expect(rows.peak?.missingIntervals).toBe(0);
  });

  test('a day without any interval is missing in each of its periods', () => {
    expect(summarizeUsage('E-1', [], segments).map(({ missingIntervals }) => missingIntervals)).toEqual([
      1, 1, 1,
    ]);
  });
});

describe('holidays, make-up days and windows that were called out', () => {
  const china: TouCalendar = {
    timeZone: 'Asia/Shanghai',
    seasons: [],
    otherSeason: 'all',
    windows: [
      { weekdays: [1, 2, 3, 4, 5], from: '08:00', to: '11:00', period: 'peak' },
      { from: '00:00', to: '06:00', holidays: 'except', period: 'valley' },
      { from: '00:00', to: '08:00', holidays: 'only', period: 'deep-valley' },
    ],
    otherPeriod: 'flat',
    holidays: ['2026-10-01'],
    makeUpDays: [{ date: '2026-10-10', as: 5 }],
    triggered: [{ dates: ['2026-10-12'], from: '10:00', to: '12:00', period: 'extreme' }],
  };
  test.each([
    ['2026-10-01T07:00', 'deep-valley'],
    ['2026-10-02T07:00', 'flat'],
    ['2026-10-02T05:00', 'valley'],
    // A Thursday: the peak of working days knows nothing of holidays unless it says so.
    ['2026-10-01T09:00', 'peak'],
    ['2026-10-10T09:00', 'peak'],
    ['2026-10-11T09:00', 'flat'],
    ['2026-10-12T09:59', 'peak'],
    ['2026-10-12T10:00', 'extreme'],
    ['2026-10-12T11:59', 'extreme'],
    ['2026-10-12T12:00', 'flat'],
    ['2026-10-13T10:00', 'peak'],
  ])('%s is %s', (text, period) =>
    expect(touPeriodAt(china, Temporal.PlainDateTime.from(text))).toBe(period),
  );
  test('segments agree with the instants in them', () => {
    const span = { from: '2026-10-12', to: '2026-10-13', timeZone: china.timeZone };
    expect(
      touSegments(china, span).map(({ touPeriod, startMs, endMs }) => [
        touPeriod,
        (endMs - startMs) / HOUR_MS,
      ]),
    ).toEqual([
      ['valley', 6],
      ['flat', 2],
      ['peak', 2],
      ['extreme', 2],
      ['flat', 12],
    ]);
  });
});
