/**
 * A small park for tests: two buildings, four units, a tenant change, a vacancy, three kinds of pools, one metered branch
 * each for electricity and water. Quantities are given by the caller; the branches count them and a loss.
 */
import type { Park, ParkMeter, Serves } from '../../protocols/park.ts';
import type { BillingInput } from './bill-period.ts';
import { type BillingPeriod, billingPeriod, dateStartMs } from './billing-period.ts';
import type { BoundaryRegister } from './register-spans.ts';
import type { DailyUsage } from './summarize-usage.ts';
import { touSegments } from './tou-segments.ts';

const timeZone = 'Asia/Shanghai';

const meter = (
  id: string,
  utility: ParkMeter['utility'],
  parent: string | null,
  serves: Serves,
): ParkMeter => ({
  id,
  name: `Meter ${id}`,
  serial: `SN-${id}`,
  utility,
  register: utility === 'electricity' ? '1-0:1.8.0' : '8-0:1.0.0',
  parent,
  building: null,
  floor: null,
  room: null,
  serves,
  multiplier: '1',
  digits: 8,
  maxPerHour: '1000',
  accuracyPercent: '2',
  gateway: 'gw-a',
});

const unit = (id: string) => ({ kind: 'unit', unit: id }) as const;
const pool = (id: string) => ({ kind: 'pool', pool: id }) as const;
const branch = { kind: 'branch' } as const;

const rule = (id: string) => ({ id, version: 1, text: 'area x days' });

export const samplePark: Park = {
  id: 'park-1',
  name: 'Sample Park',
  issuer: 'Sample Park Services',
  timeZone,
  currency: 'CNY',
  buildings: [
    { id: 'A', name: 'Building A' },
    { id: 'B', name: 'Building B' },
  ],
  units: [
    { id: 'A-101', name: '101', building: 'A', floor: '1', areaM2: '120.5' },
    { id: 'A-102', name: '102', building: 'A', floor: '1', areaM2: '80' },
    { id: 'B-101', name: '101', building: 'B', floor: '1', areaM2: '333.33' },
    { id: 'B-102', name: '102', building: 'B', floor: '1', areaM2: '50' },
  ],
  leases: [
    { id: 'L1', tenant: 'Bakery', units: ['A-101'], from: '2026-01-01', to: '2026-09-16' },
    { id: 'L2', tenant: 'Studio', units: ['A-101'], from: '2026-09-16', to: null },
    { id: 'L3', tenant: '冷库', units: ['B-101'], from: '2025-01-01', to: null },
    { id: 'L4', tenant: 'Office', units: ['A-102'], from: '2026-09-11', to: '2026-09-21' },
  ],
  meters: [
    meter('E-0', 'electricity', null, branch),
    meter('E-A', 'electricity', 'E-0', branch),
    meter('E-A-101', 'electricity', 'E-A', unit('A-101')),
    meter('E-A-102', 'electricity', 'E-A', unit('A-102')),
    meter('E-A-light', 'electricity', 'E-A', pool('light-a')),
    meter('E-B-101', 'electricity', 'E-0', unit('B-101')),
    meter('E-B-102', 'electricity', 'E-0', unit('B-102')),
    meter('E-lift', 'electricity', 'E-0', pool('lift')),
    meter('E-purifier', 'electricity', 'E-0', pool('purifier')),
    meter('E-office', 'electricity', 'E-0', { kind: 'landlord' }),
    meter('W-0', 'water', null, branch),
    meter('W-A-101', 'water', 'W-0', unit('A-101')),
    meter('W-B-101', 'water', 'W-0', unit('B-101')),
    meter('W-garden', 'water', 'W-0', pool('garden')),
  ],
  exchanges: [],
  pools: [
    {
      id: 'lift',
      name: 'Lifts',
      utility: 'electricity',
      sharing: 'mandatory',
      scope: { kind: 'park' },
      rule: rule('R1'),
    },
    {
      id: 'light-a',
      name: 'Corridor A',
      utility: 'electricity',
      sharing: 'mandatory',
      scope: { kind: 'building', building: 'A' },
      rule: rule('R2'),
    },
    {
      id: 'purifier',
      name: 'Purifier',
      utility: 'electricity',
      sharing: 'exclusive',
      scope: { kind: 'lease', lease: 'L2' },
      rule: rule('R3'),
    },
    {
      id: 'garden',
      name: 'Garden',
      utility: 'water',
      sharing: 'mandatory',
      scope: { kind: 'park' },
      rule: rule('R4'),
    },
  ],
  tariffs: [
    {
      kind: 'pass_through',
      id: 'grid',
      version: 1,
      utility: 'electricity',
      from: '2026-01-01',
      to: null,
      calendar: {
        timeZone,
        seasons: [],
        otherSeason: 'all',
        windows: [
          { from: '08:00', to: '12:00', period: 'peak' },
          { from: '00:00', to: '06:00', period: 'valley' },
        ],
        otherPeriod: 'flat',
      },
    },
    {
      kind: 'tiered',
      id: 'water',
      version: 2,
      utility: 'water',
      component: 'supply',
      tiers: [
        { upTo: '22', unit: '2.05', flat: '0' },
        { upTo: '30.5', unit: '3.075', flat: '0' },
        { upTo: null, unit: '4.1', flat: '0' },
      ],
      taxRate: '0.09',
      from: '2026-01-01',
      to: null,
    },
  ],
  sourceBills: [
    {
      id: 'SB-E',
      utility: 'electricity',
      meter: 'E-0',
      supplier: 'Grid',
      period: '2026-09',
      quantity: '10000',
      lines: [
        {
          component: 'energy-peak',
          name: 'Peak',
          touPeriod: 'peak',
          quantity: '4000',
          net: '4123.45',
          tax: '536.05',
        },
        {
          component: 'energy-flat',
          name: 'Flat',
          touPeriod: 'flat',
          quantity: '4000',
          net: '2611.11',
          tax: '339.44',
        },
        {
          component: 'energy-valley',
          name: 'Valley',
          touPeriod: 'valley',
          quantity: '2000',
          net: '612.97',
          tax: '79.69',
        },
        {
          component: 'power-factor',
          name: 'Power factor',
          touPeriod: null,
          quantity: null,
          net: '-88.01',
          tax: '-11.44',
        },
      ],
    },
    {
      id: 'SB-W',
      utility: 'water',
      meter: 'W-0',
      supplier: 'Water works',
      period: '2026-09',
      quantity: '400',
      lines: [
        {
          component: 'supply',
          name: 'Supply',
          touPeriod: null,
          quantity: '400',
          net: '4000.00',
          tax: '360.00',
        },
        {
          component: 'sewage',
          name: 'Sewage',
          touPeriod: null,
          quantity: '400',
          net: '380.00',
          tax: '22.80',
        },
      ],
    },
  ],
};

/** Millionths that a meter counts in one TOU period of one date. */
export type Counting = (meter: string, date: string, touPeriod: string | null) => bigint;

/** Some consumption everywhere, without a pattern. */
export const someCounting: Counting = (id, date, touPeriod) =>
  BigInt(
    [...`${id}${date}${touPeriod ?? ''}`].reduce(
      (hash, char) => (hash * 31 + (char.codePointAt(0) ?? 0)) % 9_999_991,
      7,
    ),
  );

/**
 * The input of a billing run in which the end meters count as told, and each branch what lies below it plus a loss.
 * @param lossPercent of the branches, against what lies below
 */
export function sampleInput(
  counting: Counting = someCounting,
  { park = samplePark, lossPercent = 1n }: { park?: Park; lossPercent?: bigint } = {},
): BillingInput {
  const period = billingPeriod('2026-09', park.timeZone);
  if (period === null) throw new RangeError('no month');
  const memo = new Map<string, bigint>();
  const count: Counting = (id, date, touPeriod) => {
    const key = `${id} ${date} ${touPeriod}`;
    const known =
      memo.get(key) ??
      countOf(
        park,
        id,
        lossPercent,
        (child) => count(child, date, touPeriod),
        () => counting(id, date, touPeriod),
      );
    memo.set(key, known);
    return known;
  };
  const usage = park.meters.flatMap((one) => usageOf(park, one, period, count));
  return {
    park,
    period: period.id,
    usage,
    registers: registersOf(park, period, usage),
    rollovers: [],
    acceptEstimates: null,
  };
}

function countOf(
  park: Park,
  id: string,
  loss: bigint,
  below: (child: string) => bigint,
  own: () => bigint,
): bigint {
  const children = park.meters.filter(({ parent }) => parent === id);
  if (children.length === 0) return own();
  const sum = children.reduce((total, child) => total + below(child.id), 0n);
  return (sum * (100n + loss)) / 100n;
}

function usageOf(
  park: Park,
  { id, utility }: ParkMeter,
  period: BillingPeriod,
  counting: Counting,
): DailyUsage[] {
  const tariff = park.tariffs.find((one) => one.utility === utility);
  const calendar = tariff?.calendar ?? null;
  const rows = new Map<string, DailyUsage>();
  for (const { date, touPeriod } of touSegments(calendar, period))
    rows.set(`${date} ${touPeriod}`, {
      meter: id,
      date,
      touPeriod,
      quantity: counting(id, date, touPeriod),
      estimated: 0n,
      intervals: 1,
      estimatedIntervals: 0,
      missingIntervals: 0,
    });
  return [...rows.values()];
}

/** A register at every midnight, from 1000 on. */
function registersOf(park: Park, period: BillingPeriod, usage: readonly DailyUsage[]): BoundaryRegister[] {
  return park.meters.flatMap(({ id }) => {
    const own = usage.filter((row) => row.meter === id);
    const dates = [...new Set(own.map(({ date }) => date)), period.to].sort();
    return dates.map((date) => ({
      meter: id,
      atMs: dateStartMs(date, park.timeZone),
      value:
        1_000_000_000n + own.filter((row) => row.date < date).reduce((sum, row) => sum + row.quantity, 0n),
      raw: null,
      estimated: false,
    }));
  });
}
