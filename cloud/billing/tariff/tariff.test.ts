/** Every tariff of the library is proved, and gives the bills that were worked out by hand; bad ones are refused by name. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type TariffComponent, TariffDocument, TariffUsage } from '../../../protocols/tariff.ts';
import { formatFraction, fromDecimal, toDecimal } from '../rational.ts';
import { touSegments } from '../tou-segments.ts';
import { checkTariff } from './check-tariff.ts';
import { peakDemand } from './demand.ts';
import { priceTariff } from './price-tariff.ts';

interface WorkedBill {
  title: string;
  usage: unknown;
  expected: { lines: Record<string, string>; tax: string; total: string };
}
const library = new URL('library/', import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, library), 'utf8'));
const examples = readdirSync(library)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => ({ file, tariff: read(file), bills: read(`bills/${file}`) as WorkedBill[] }));

describe.each(examples)('$file', ({ tariff: raw, bills }) => {
  const tariff = TariffDocument.parse(raw);
  test('prices every quantity at every instant once', () => expect(checkTariff(tariff)).toEqual([]));
  test.each(bills)('$title', ({ usage, expected }) => {
    const bill = priceTariff(tariff, TariffUsage.parse(usage));
    if (!bill.ok) throw new Error(bill.detail);
    expect({
      lines: Object.fromEntries(bill.lines.map(({ component, net }) => [component, toDecimal(net)])),
      tax: toDecimal(bill.tax),
      total: toDecimal(bill.total),
    }).toEqual(expected);
  });
});

const flat: TariffComponent = {
  kind: 'energy',
  id: 'energy',
  name: 'Energy',
  rounding: { mode: 'half_up', step: '0.01' },
  taxRate: '0',
  touPeriod: null,
  mode: 'graduated',
  tiers: [{ upTo: null, unit: '0.5' }],
};
const withTiers = (...tiers: { from?: string; upTo: string | null; unit: string }[]): TariffComponent => ({
  ...flat,
  tiers,
});
const document = (components: TariffComponent[], over: Partial<TariffDocument> = {}): TariffDocument => ({
  format: 'meterline-tariff/1',
  id: 'T',
  version: 1,
  name: 'T',
  utility: 'electricity',
  currency: 'CNY',
  source: 'a test',
  from: '2026-01-01',
  to: null,
  calendar: null,
  components,
  ...over,
});
const calendar = {
  timeZone: 'Europe/Berlin',
  seasons: [],
  otherSeason: 'all',
  windows: [{ from: '06:00', to: '22:00', period: 'day' }],
  otherPeriod: 'night',
};

describe('publishing refuses', () => {
  test.each<[string, TariffDocument, string]>([
    [
      'overlapping bands',
      document([withTiers({ upTo: '100', unit: '1' }, { from: '90', upTo: null, unit: '2' })]),
      'energy: tier 2 from 90 overlaps the one before',
    ],
    [
      'a gap between bands',
      document([withTiers({ upTo: '100', unit: '1' }, { from: '110', upTo: null, unit: '2' })]),
      'energy: a gap below tier 2: nothing prices up to 110',
    ],
    [
      'a last band that ends',
      document([withTiers({ upTo: '100', unit: '1' })]),
      'energy: the last tier has a bound: nothing prices what lies above 100',
    ],
    [
      'bounds that fall',
      document([withTiers({ upTo: '100', unit: '1' }, { upTo: '50', unit: '1' }, { upTo: null, unit: '2' })]),
      'energy: the bound of tier 2 does not rise',
    ],
    [
      'a negative rate',
      document([withTiers({ upTo: null, unit: '-0.1' })]),
      'energy: tier 1: unit -0.1 is below 0',
    ],
    [
      'an end before its beginning',
      document([flat], { to: '2025-01-01' }),
      '"to" 2025-01-01 is not after "from" 2026-01-01',
    ],
    [
      'a rounding step of zero',
      document([{ ...flat, rounding: { mode: 'floor', step: '0' } }]),
      'energy: a rounding step of 0',
    ],
    ['a tax of 113 %', document([{ ...flat, taxRate: '1.13' }]), 'energy: taxRate 1.13 is not from 0 to 1'],
    ['an id that stands twice', document([flat, flat]), 'energy: the id stands twice'],
    [
      'percent of what comes after it',
      document([
        { ...flat, kind: 'percent', id: 'p', of: ['energy'], percent: '10' } as TariffComponent,
        flat,
      ]),
      'p: "energy" is no component before it',
    ],
    [
      'a TOU period without a price',
      document([{ ...flat, touPeriod: 'day' }], { calendar }),
      'no component prices the period "night"',
    ],
    [
      'a price for a TOU period that is none',
      document([flat, { ...flat, id: 'x', touPeriod: 'dusk' }], { calendar }),
      'x: period "dusk" is not in the calendar',
    ],
    [
      'windows that overlap on a date',
      document([flat], {
        calendar: {
          ...calendar,
          windows: [...calendar.windows, { weekdays: [7], from: '21:00', to: '23:00', period: 'x' }],
        },
      }),
      '2026-01-04: windows 06:00-22:00 and 21:00-23:00 meet',
    ],
    [
      'a day that is holiday and make-up day',
      document([flat], {
        calendar: { ...calendar, holidays: ['2026-10-10'], makeUpDays: [{ date: '2026-10-10', as: 1 }] },
      }),
      '2026-10-10: it stands twice among holidays and make-up days',
    ],
    [
      'a power factor without a row',
      document([
        flat,
        {
          ...flat,
          kind: 'power_factor',
          id: 'pf',
          of: ['energy'],
          decimals: 2,
          table: [{ atLeast: '0.9', percent: '0' }],
        } as TariffComponent,
      ]),
      'pf: nothing is said of a power factor below 0.9',
    ],
  ])('%s', (_, tariff, problem) => expect(checkTariff(tariff)).toContain(problem));

  test('no rate of twelve decimals: it is legal, and no digit is lost', () => {
    const tariff = document([withTiers({ upTo: null, unit: '0.123456789012' })]);
    expect(checkTariff(tariff)).toEqual([]);
    const bill = priceTariff(tariff, {
      from: '2026-01-01',
      to: '2026-02-01',
      quantities: [{ touPeriod: null, quantity: '1000000' }],
    });
    expect(bill.ok && toDecimal(bill.total)).toBe('123456.79');
  });
});

describe('a bill is refused', () => {
  const usage = { from: '2026-01-01', to: '2026-02-01', quantities: [{ touPeriod: null, quantity: '10' }] };
  const demand = { ...flat, kind: 'demand', id: 'd', of: 'contract' } as TariffComponent;
  test.each<[string, TariffDocument, TariffUsage, string]>([
    ['without the contract that it prices', document([demand]), usage, 'd: the bill names no contract'],
    [
      'with a quantity below zero',
      document([flat]),
      { ...usage, quantities: [{ touPeriod: null, quantity: '-1' }] },
      'a quantity of -1 is below 0',
    ],
    [
      'with bounds by kW and no kW',
      document([{ ...flat, scale: ['kw'] } as TariffComponent]),
      usage,
      'energy: blocks by kW need a demand, a contract or a capacity',
    ],
    [
      'for no household',
      document([{ ...flat, scale: ['households'] } as TariffComponent]),
      { ...usage, households: '0' },
      'energy: its bounds are multiplied by households, which is 0',
    ],
    [
      'without a TOU period',
      document([flat], { calendar }),
      usage,
      'a quantity has no TOU period, but the tariff has',
    ],
  ])('%s', (_, tariff, given, detail) =>
    expect(priceTariff(tariff, given)).toEqual({ ok: false, code: 'tariff_refused', detail }),
  );
});

describe('days of 23 and 25 hours', () => {
  test.each([
    ['2026-03-29', 23],
    ['2026-10-25', 25],
  ])('%s has %i hours, each in one TOU period', (day, hours) => {
    const to = `${Temporal.PlainDate.from(day).add({ days: 1 })}`;
    const segments = touSegments(calendar, { from: day, to, timeZone: calendar.timeZone });
    expect(
      segments.map(({ touPeriod, startMs, endMs }) => [touPeriod, (endMs - startMs) / 3_600_000]),
    ).toEqual([
      ['night', hours - 18],
      ['day', 16],
      ['night', 2],
    ]);
  });
});

describe('demand', () => {
  const quarter = 15 * 60_000;
  const intervals = ['10', '30', '30', '10'].map((kwh, index) => ({
    startMs: index * quarter,
    endMs: (index + 1) * quarter,
    quantity: BigInt(kwh) * 1_000_000n,
    quality: 'actual' as const,
  }));
  const span = { fromMs: 0, toMs: 4 * quarter };
  const peak = (minutes: number, stepMinutes: number, of = intervals) => {
    const found = peakDemand(of, span, { minutes, stepMinutes });
    return found === null ? null : [formatFraction(found.kw), found.startMs / quarter];
  };
  test('of blocks is the highest of those that follow one another', () => {
    expect(peak(15, 15)).toEqual(['120', 1]);
    expect(peak(30, 30)).toEqual(['80', 0]);
  });
  test('of a sliding window finds the hour between two blocks', () =>
    expect(peak(30, 15)).toEqual(['120', 1]));
  test('is unknown where an interval is missing, and no gap is a zero', () => {
    expect(peak(30, 15, intervals.slice(2))).toEqual(['80', 2]);
    expect(peak(60, 60, intervals.slice(1))).toBeNull();
  });
  test('is exact', () => {
    const third = [{ startMs: 0, endMs: 60 * 60_000, quantity: 333_333n, quality: 'actual' as const }];
    expect(peakDemand(third, span, { minutes: 60, stepMinutes: 60 })?.kw).toEqual(fromDecimal('0.333333'));
  });
});
