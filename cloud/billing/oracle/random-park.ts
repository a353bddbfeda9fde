/**
 * Random small parks for tests: nested and scaled pools, negotiated ones, vacancy, tenants, areas, rules and parents that change
 * within the month, losses and over-counts. Everything follows from the seed.
 */
import type { Lease, Park, ParkMeter, ParkUnit, Pool, SourceBill } from '../../../protocols/park.ts';
import type { SharingMethod, SharingRule } from '../../../protocols/sharing.ts';
import { formatMinor } from '../../../protocols/units.ts';
import { type BillingPeriod, billingPeriod } from '../billing-period.ts';
import type { BillingTerms } from '../billing-terms.ts';
import type { DailyUsage } from '../summarize-usage.ts';

export interface RandomCase {
  park: Park;
  period: BillingPeriod;
  terms: BillingTerms;
  usage: Map<string, DailyUsage[]>;
}

/** Whole numbers from 0 to below `n`, and picks from lists. */
interface Chance {
  below: (n: number) => number;
  pick: <T>(list: readonly [T, ...T[]]) => T;
  /** Once in `n` times. */
  once: (n: number) => boolean;
}

/** mulberry32, public domain. */
function chanceOf(seed: number): Chance {
  let state = seed | 0;
  const below = (n: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
  return {
    below,
    pick: <T>(list: readonly [T, ...T[]]): T => list[below(list.length)] ?? list[0],
    once: (n) => below(n) === 0,
  };
}

const MONTH = '2026-02';
const DAYS = 28;
const date = (day: number): string => `2026-02-${`${day}`.padStart(2, '0')}`;

/** Weights that the oracle knows by their text. The first are safe for every pool. */
export const WEIGHTS = [
  '面积 * 天数',
  '面积',
  'area + 10 m2',
  '人数 * 天数',
  '本户用量',
  '0.7 * 本户用量 / 总用量 + 0.3 * 面积 / 总面积',
  'if(人数 > 2, 3, 1)',
  'min(面积, 100)',
  '0 * 面积',
] as const;
export const FACTORS = ['0.75', '(最高温 - 26) / 10', 'min(1, 基数 / 4)'] as const;
export const QUANTITIES = [
  '公摊量 * 面积 / 总面积 * 0.9',
  'sum_by_day(当日公摊量 * max(日最高温 - 26, 0) / 10 °C) * 面积 / 总面积',
] as const;
export const CAPS = ['面积 * 0.5 kWh / 1 m2', '20 kWh * 天数 / 本期天数'] as const;
export const FIXED_KEY = '面积 * 天数';

export function randomCase(seed: number): RandomCase {
  const chance = chanceOf(seed);
  const period = billingPeriod(MONTH, 'Asia/Shanghai');
  if (period === null) throw new RangeError('no month');
  const buildings = Array.from({ length: 1 + chance.below(2) }, (_, i) => ({ id: `B${i}`, name: `B${i}` }));
  const buildingIds = buildings.map(({ id }) => id) as [string, ...string[]];
  const units = Array.from({ length: 2 + chance.below(4) }, (_, i) => randomUnit(chance, i, buildingIds));
  const pools = Array.from({ length: 1 + chance.below(4) }, (_, i) =>
    randomPool(chance, i, buildingIds, units),
  );
  const rules = pools.flatMap((pool) => randomRules(chance, pool, pools));
  const leases = randomLeases(chance, units, rules);
  const owned = pools.map((pool) =>
    pool.sharing === 'exclusive'
      ? { ...pool, scope: { kind: 'lease' as const, lease: chance.pick(['L0', 'L1', 'L2']) } }
      : pool,
  );
  const meters = randomMeters(chance, units, owned, buildingIds);
  const placed = owned.map((pool, index) => withDifference(chance, pool, index, meters));
  const tou = chance.once(2) ? [null] : ['flat', 'peak'];
  const usage = randomUsage(chance, meters, placed, tou);
  const bill = randomBill(chance, tou);
  const park: Park = {
    id: 'P',
    name: 'P',
    issuer: 'P',
    timeZone: 'Asia/Shanghai',
    currency: 'CNY',
    buildings,
    units,
    leases,
    meters,
    exchanges: [],
    pools: placed,
    tariffs: [],
    sourceBills: [bill],
    rules,
    stepDown: pools.map(({ id }) => id),
    temperatures: Array.from({ length: DAYS }, (_, i) => ({
      date: date(i + 1),
      maximum: `${20 + chance.below(16)}`,
    })),
  };
  const sorted = [...meters].sort((a, b) => (a.id < b.id ? -1 : 1));
  const terms: BillingTerms = {
    utility: 'electricity',
    bill,
    meters: sorted,
    tariff: { kind: 'pass_through', id: 'T v1' },
    segments: [],
  };
  return { park, period, terms, usage };
}

function randomUnit(chance: Chance, index: number, buildings: readonly [string, ...string[]]): ParkUnit {
  const area = (): string => `${1 + chance.below(300)}.${chance.below(10)}`;
  return {
    id: `U${index}`,
    name: `U${index}`,
    building: chance.pick(buildings),
    floor: '1',
    areaM2: area(),
    ...(chance.once(4) ? { formerAreas: [{ to: date(2 + chance.below(26)), areaM2: area() }] } : {}),
  };
}

/** Each unit has no lease, one, or two after one another. */
function randomLeases(chance: Chance, units: readonly ParkUnit[], rules: readonly SharingRule[]): Lease[] {
  const leases: Lease[] = [];
  const put = (unit: ParkUnit, from: string, to: string | null): void => {
    const id = `L${leases.length}`;
    const change = date(2 + chance.below(26));
    const persons = (): string => `${chance.below(6)}`;
    const values = chance.once(3)
      ? [
          { name: '人数', value: persons(), from: '2020-01-01', to: change },
          { name: 'persons', value: persons(), from: change, to: null },
        ]
      : [{ name: '人数', value: persons(), from: '2020-01-01', to: null }];
    const signed = rules
      .filter(() => !chance.once(3))
      .map(({ id: rule, version }) => ({ rule, version, on: '2026-01-01' }));
    leases.push({ id, tenant: id, units: [unit.id], from, to, values, signed });
  };
  for (const unit of units) {
    const [a = 1, b = 2] = [1 + chance.below(DAYS), 1 + chance.below(DAYS)].sort((x, y) => x - y);
    const kind = chance.below(5);
    if (kind === 1 || kind === 2) put(unit, '2025-01-01', null);
    if (kind === 3 && a < b) put(unit, date(a), date(b));
    if (kind === 4) {
      put(unit, '2025-01-01', date(b));
      put(unit, date(b), null);
    }
  }
  // One lease may hold two units.
  const [first, second] = leases;
  if (first !== undefined && second !== undefined && chance.once(3)) {
    const free = units.find(({ id }) => !leases.some((lease) => lease.units.includes(id)));
    if (free !== undefined) first.units.push(free.id);
  }
  return leases;
}

function randomPool(
  chance: Chance,
  index: number,
  buildings: readonly [string, ...string[]],
  _units: readonly ParkUnit[],
): Pool {
  const sharing = chance.pick(['mandatory', 'mandatory', 'negotiated', 'exclusive', 'landlord'] as const);
  const shared: Pool['scope'] = chance.once(2)
    ? { kind: 'park' }
    : { kind: 'building', building: chance.pick(buildings) };
  return {
    id: `P${index}`,
    name: `Pool ${index}`,
    utility: 'electricity',
    sharing,
    scope: sharing === 'landlord' ? { kind: 'none' } : shared,
    rule: { id: `R${index}`, version: 1, text: 'as declared' },
  };
}

function randomMethod(chance: Chance): SharingMethod {
  if (chance.once(5)) return { kind: 'quantity', quantity: chance.pick(QUANTITIES) };
  const weight = chance.pick(WEIGHTS);
  return chance.once(3)
    ? { kind: 'weights', weight, factor: chance.pick(FACTORS), factorCap: '1' }
    : { kind: 'weights', weight };
}

/** None, one version, or two; each may pass on to other pools. */
function randomRules(chance: Chance, pool: Pool, pools: readonly Pool[]): SharingRule[] {
  if (chance.once(4)) return [];
  const change = chance.once(3) ? date(2 + chance.below(26)) : null;
  const version = (number: number, from: string, to: string | null): SharingRule => {
    const method = randomMethod(chance);
    const others = pools.filter(({ id }) => id !== pool.id && chance.once(3));
    return {
      id: pool.rule.id,
      version: number,
      text: `version ${number}`,
      from,
      to,
      method,
      constants: [{ name: '基数', unit: '', value: `${chance.below(6)}` }],
      ...(chance.once(4) ? { leaseCap: chance.pick(CAPS) } : {}),
      ...(chance.once(4)
        ? {
            fallback: {
              basis: chance.pick(['quantity', 'area'] as const),
              above: '0.25',
              weight: FIXED_KEY,
            },
          }
        : {}),
      ...(others.length > 0 && method.kind === 'weights'
        ? {
            pools: others.map((other) => ({
              pool: other.id,
              weight: chance.pick(['面积', '5', '本户用量']),
            })),
          }
        : {}),
    };
  };
  return change === null
    ? [version(1, '2025-01-01', null)]
    : [version(1, '2025-01-01', change), version(2, change, null)];
}

function randomMeters(
  chance: Chance,
  units: readonly ParkUnit[],
  pools: readonly Pool[],
  buildings: readonly string[],
): ParkMeter[] {
  const meter = (id: string, parent: string | null, serves: ParkMeter['serves']): ParkMeter => ({
    id,
    name: id,
    serial: id,
    utility: 'electricity',
    register: '1-0:1.8.0',
    parent,
    building: null,
    floor: null,
    room: null,
    serves,
    multiplier: '1',
    digits: 8,
    maxPerHour: '1000',
    accuracyPercent: '2',
    gateway: 'g',
  });
  const branch = { kind: 'branch' } as const;
  const below = (): string => chance.pick(['M0', ...buildings.map((id) => `M-${id}`)]);
  const moved = (one: ParkMeter): ParkMeter =>
    chance.once(6) ? { ...one, formerParents: [{ to: date(2 + chance.below(26)), parent: below() }] } : one;
  return [
    meter('M0', null, branch),
    ...buildings.map((id) => meter(`M-${id}`, 'M0', branch)),
    // A branch has a meter of its own below it, so that it is one.
    ...buildings.map((id) => meter(`M-${id}-x`, `M-${id}`, { kind: 'landlord' })),
    ...units.map(({ id }) => moved(meter(`M-${id}`, below(), { kind: 'unit', unit: id }))),
    ...pools
      .filter(() => !chance.once(5))
      .map(({ id }) => moved(meter(`M-${id}`, below(), { kind: 'pool', pool: id }))),
  ];
}

/** The first building's branch may give a pool what it counts beyond the others. */
function withDifference(chance: Chance, pool: Pool, index: number, meters: readonly ParkMeter[]): Pool {
  const branch = meters.find(({ id }) => id === 'M-B0');
  if (index > 0 || branch === undefined || !chance.once(3)) return pool;
  return { ...pool, difference: { meter: branch.id, negative: 'landlord' } };
}

function randomUsage(
  chance: Chance,
  meters: readonly ParkMeter[],
  pools: readonly Pool[],
  tou: readonly (string | null)[],
): Map<string, DailyUsage[]> {
  const usage = new Map<string, DailyUsage[]>();
  const row = (
    meter: string,
    day: number,
    touPeriod: string | null,
    quantity: bigint,
    estimated: bigint,
  ) => ({
    meter,
    date: date(day),
    touPeriod,
    quantity,
    estimated,
    intervals: 1,
    estimatedIntervals: estimated === 0n ? 0 : 1,
    missingIntervals: 0,
  });
  const days = Array.from({ length: DAYS }, (_, i) => i + 1);
  for (const { id, serves } of meters) {
    if (serves.kind === 'branch') continue;
    const idle = chance.once(6);
    const guessed = chance.once(8);
    const rows = days.flatMap((day) =>
      tou.map((period) => {
        const quantity = idle ? 0n : BigInt(chance.below(40_000_000));
        return row(id, day, period, quantity, guessed && chance.once(2) ? quantity : 0n);
      }),
    );
    usage.set(id, rows);
  }
  const pooled = new Set(pools.flatMap(({ difference }) => difference?.meter ?? []));
  for (const { id } of meters.filter(({ serves }) => serves.kind === 'branch').reverse()) {
    const permille = pooled.has(id) ? chance.below(400) - 100 : chance.below(80) - 5;
    const rows = days.flatMap((day) =>
      tou.map((period, index) => {
        const children = meters.filter((one) => {
          const former = one.formerParents?.find(({ to }) => date(day) < to);
          return (former === undefined ? one.parent : former.parent) === id;
        });
        const sum = children.reduce((total, child) => {
          const found = usage.get(child.id)?.[(day - 1) * tou.length + index];
          return total + (found?.quantity ?? 0n);
        }, 0n);
        return row(id, day, period, (sum * BigInt(1000 + permille)) / 1000n, 0n);
      }),
    );
    usage.set(id, rows);
  }
  return usage;
}

function randomBill(chance: Chance, tou: readonly (string | null)[]): SourceBill {
  const amount = (): string => formatMinor(BigInt(chance.below(20_000_000) - 200_000));
  const line = (component: string, touPeriod: string | null) => ({
    component,
    name: component,
    touPeriod,
    quantity: null,
    net: amount(),
    tax: formatMinor(BigInt(chance.below(1_000_000))),
  });
  return {
    id: 'SB',
    utility: 'electricity',
    meter: 'M0',
    supplier: 'S',
    period: MONTH,
    quantity: '1',
    lines: [line('all', null), ...tou.flatMap((period) => (period === null ? [] : [line(period, period)]))],
  };
}
