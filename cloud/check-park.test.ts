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
])('%s', (_, change, problem) => {
  expect(checkPark({ ...samplePark, ...change }).join('\n')).toContain(problem);
});
