import { expect, test } from 'vitest';
import type { Park } from '../protocols/park.ts';
import { samplePark } from './billing/sample-park.ts';
import { checkPark } from './check-park.ts';

test('a consistent document has no problems', () => {
  expect(checkPark(samplePark)).toEqual([]);
});

const [meter, child] = [
  samplePark.meters.find(({ parent }) => parent === null),
  samplePark.meters.find(({ parent }) => parent !== null),
];
const [unit] = samplePark.units;
const [lease] = samplePark.leases;
if (meter === undefined || child === undefined || unit === undefined || lease === undefined)
  throw new Error('the sample lacks a row');
const withMeter = (change: Partial<Park['meters'][number]>): Partial<Park> => ({
  meters: samplePark.meters.map((one) => (one.id === child.id ? { ...one, ...change } : one)),
});
const exchange = (at: string, finalOld: string, initialNew: string): Park['exchanges'][number] => ({
  ...{ meter: child.id, at, finalOld, initialNew },
  ...{ newSerial: 'n', newDigits: 6, newMultiplier: '1' },
});

const withExchange = (finalOld: string, initialNew: string): Partial<Park> => ({
  exchanges: [exchange('2026-09-10T00:00:00Z', finalOld, initialNew)],
});
type Tariff = Park['tariffs'][number];
type Tiered = Extract<Tariff, { kind: 'tiered' }>;
type PassThrough = Extract<Tariff, { kind: 'pass_through' }>;
const withTiered = (change: Partial<Tiered>): Partial<Park> => ({
  tariffs: samplePark.tariffs.map((one) => (one.kind === 'tiered' ? { ...one, ...change } : one)),
});
const withCalendar = (change: Partial<PassThrough['calendar']>): Partial<Park> => ({
  tariffs: samplePark.tariffs.map((one) =>
    one.kind === 'tiered' ? one : { ...one, calendar: { ...one.calendar, ...change } },
  ),
});
const season = (name: string, from: string, to: string) => ({ name, from, to });
const withLine = (change: Partial<Park['sourceBills'][number]['lines'][number]>): Partial<Park> => ({
  sourceBills: samplePark.sourceBills.map((bill, i) =>
    i > 0 ? bill : { ...bill, lines: bill.lines.map((line, j) => (j > 0 ? line : { ...line, ...change })) },
  ),
});
const [tier, ...tiers] = [
  { upTo: '10', unit: '1', flat: '0' },
  { upTo: '20', unit: '2', flat: '0' },
  { upTo: null, unit: '3', flat: '0' },
] as const;
const tooMuch = '1000000000000000';

test.each<[what: string, change: Partial<Park>]>([
  ['registers up to the face', withExchange('99999999.999999', '999999.999999')],
  ['a register of zeros', withExchange('0', '0')],
  ['the 29th of February', withCalendar({ seasons: [season('s', '02-29', '03-31')] })],
  [
    'seasons next to each other, over the turn of the year',
    withCalendar({ seasons: [season('winter', '10-01', '05-31'), season('summer', '06-01', '09-30')] }),
  ],
  ['no tax, or as much again', withTiered({ taxRate: '1' })],
  ['an accuracy of 0', withMeter({ accuracyPercent: '0' })],
  ['fifteen whole digits', withLine({ net: '-999999999999999.99' })],
])('taken: %s', (_, change) => {
  expect(checkPark({ ...samplePark, ...change })).toEqual([]);
});

test.each<[rule: string, change: Partial<Park>, problem: string]>([
  ['an id stands once', { units: [...samplePark.units, unit] }, `units.${unit.id}: the id stands twice`],
  [
    'a parent is in the document',
    withMeter({ parent: 'nowhere' }),
    'parent "nowhere" is not in the document',
  ],
  [
    'a meter is not its own ancestor',
    withMeter({ parent: child.id }),
    `meters.${child.id}: it is its own ancestor`,
  ],
  [
    'a unit that is served exists',
    withMeter({ serves: { kind: 'unit', unit: 'nowhere' } }),
    'unit "nowhere" is not',
  ],
  ['a multiplier is above 0', withMeter({ multiplier: '0' }), 'multiplier must be above 0'],
  ['a multiplier has at most 6 decimals', withMeter({ multiplier: '0.1234567' }), 'has more than 6 decimals'],
  [
    'a unit has one lease at a time',
    { leases: [...samplePark.leases, { ...lease, id: 'L-two', to: null }] },
    `is held by lease "${lease.id}" in the same days`,
  ],
  ['a lease ends after it begins', { leases: [{ ...lease, to: lease.from }] }, 'is not after "from"'],
  ['a time zone exists', { timeZone: 'Asia/Nowhere' }, 'is no IANA time zone'],
  [
    'a device ends at or above where it began',
    { exchanges: [exchange('2026-09-20T00:00:00Z', '5', '0'), exchange('2026-09-10T00:00:00Z', '900', '7')] },
    'finalOld 5 is below the 7',
  ],
  [
    'a final register has 6 decimals',
    withExchange('1.1234567', '0'),
    'exchanges.0: finalOld 1.1234567 has more than 6',
  ],
  [
    'a first register has 6 decimals',
    withExchange('1', '0.0000001'),
    'exchanges.0: initialNew 0.0000001 has',
  ],
  ['a final register is not negative', withExchange('-1', '0'), 'exchanges.0: finalOld -1 is below 0'],
  ['a first register is not negative', withExchange('1', '-0.5'), 'exchanges.0: initialNew -0.5 is below 0'],
  [
    'a final register fits the old face',
    withExchange('100000000', '0'),
    'exchanges.0: finalOld 100000000 does not fit the 8 digits',
  ],
  [
    'a first register fits the new face',
    withExchange('1', '1000000'),
    'exchanges.0: initialNew 1000000 does not fit the 6 digits',
  ],
  [
    'a final register fits the face of the exchange before',
    {
      exchanges: [
        exchange('2026-09-20T00:00:00Z', '1000000', '0'),
        exchange('2026-09-10T00:00:00Z', '9', '0'),
      ],
    },
    'exchanges.0: finalOld 1000000 does not fit the 6 digits',
  ],
  ['an area is above 0', { units: [{ ...unit, areaM2: '0' }] }, `units.${unit.id}: areaM2 must be above 0`],
  [
    'an area is not beyond measure',
    { units: [{ ...unit, areaM2: '10000000000' }] },
    `units.${unit.id}: areaM2 10000000000 has more than 10 whole digits`,
  ],
  [
    'an accuracy is a percentage',
    withMeter({ accuracyPercent: '100.1' }),
    `meters.${child.id}: accuracyPercent 100.1 is not from 0 to 100`,
  ],
  ['an accuracy is not negative', withMeter({ accuracyPercent: '-1' }), 'accuracyPercent -1 is not from 0'],
  [
    'a price is not negative',
    withTiered({ tiers: [{ ...tier, unit: '-1' }, ...tiers] }),
    'tariffs.water: tiers.0: unit -1 is below 0',
  ],
  [
    'a flat amount is not negative',
    withTiered({ tiers: [{ ...tier, flat: '-1' }, ...tiers] }),
    'tariffs.water: tiers.0: flat -1 is below 0',
  ],
  [
    'a tax is not negative',
    withTiered({ taxRate: '-0.01' }),
    'tariffs.water: taxRate -0.01 is not from 0 to 1',
  ],
  ['a tax is a share', withTiered({ taxRate: '9' }), 'tariffs.water: taxRate 9 is not from 0 to 1'],
  [
    'bounds rise',
    withTiered({ tiers: [tier, tier, ...tiers] }),
    'tariffs.water: the bound of tier 2 does not rise',
  ],
  ['the last tier is open', withTiered({ tiers: [tier] }), 'tariffs.water: the last tier has a bound'],
  [
    'only the last tier is open',
    withTiered({ tiers: [{ ...tier, upTo: null }, ...tiers] }),
    'tariffs.water: tier 1 is without end, but not the last',
  ],
  [
    'a season begins on a day of the year',
    withCalendar({ seasons: [season('s', '13-99', '06-01')] }),
    'tariffs.grid: season "s": 13-99 is no day of the year',
  ],
  [
    'a season ends on a day of the year',
    withCalendar({ seasons: [season('s', '01-01', '02-30')] }),
    'tariffs.grid: season "s": 02-30 is no day of the year',
  ],
  [
    'seasons do not meet',
    withCalendar({ seasons: [season('a', '01-01', '06-01'), season('b', '06-01', '07-01')] }),
    'tariffs.grid: seasons "a" and "b" both hold 06-01',
  ],
  [
    'seasons do not meet at the turn of the year',
    withCalendar({ seasons: [season('a', '10-01', '02-01'), season('b', '01-15', '03-01')] }),
    'tariffs.grid: seasons "a" and "b" both hold 01-15',
  ],
  [
    "a calendar runs on the park's clock",
    withCalendar({ timeZone: 'Asia/Tokyo' }),
    'tariffs.grid: the calendar runs on Asia/Tokyo, the park on Asia/Shanghai',
  ],
  [
    'a net amount has 15 whole digits',
    withLine({ net: tooMuch }),
    `sourceBills.SB-E: lines.0: net ${tooMuch} has more than 15 whole digits`,
  ],
  ['a tax amount has 15 whole digits', withLine({ tax: `-${tooMuch}` }), 'lines.0: tax'],
  ['a quantity of a line has 15 whole digits', withLine({ quantity: tooMuch }), 'lines.0: quantity'],
  [
    'a quantity of a bill has 15 whole digits',
    { sourceBills: samplePark.sourceBills.map((bill) => ({ ...bill, quantity: tooMuch })) },
    `sourceBills.SB-E: quantity ${tooMuch} has more than 15 whole digits`,
  ],
])('%s', (_, change, problem) => {
  expect(checkPark({ ...samplePark, ...change }).join('\n')).toContain(problem);
});
