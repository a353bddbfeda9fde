/** A small park for tests of the surfaces: September 2026 at 15 minutes, every figure computed, none by chance. */
import type { Park, ParkMeter, Serves } from '../../protocols/park.ts';
import type { Reading } from '../../protocols/reading.ts';
import { formatMicro } from '../../protocols/units.ts';
import type { IntervalRow } from '../store/port/intervals.ts';
import type { Store } from '../store/store.ts';
import { instantText, msOf } from './query.ts';

const SLOT_MS = 15 * 60_000;
export const monthStartMs = msOf('2026-09-01T00:00:00+08:00');
export const monthEndMs = msOf('2026-10-01T00:00:00+08:00');
/** The meter that stops answering at noon of the 12th, for two days. */
export const silentMeter = 'E-A-103';
const silence = { fromMs: msOf('2026-09-12T12:00:00+08:00'), toMs: msOf('2026-09-14T12:00:00+08:00') };

function meter(id: string, name: string, parent: string | null, serves: Serves, multiplier = '1'): ParkMeter {
  const electricity = id.startsWith('E');
  const building = /^[EW]-([AB])/.exec(id)?.[1] ?? null;
  return {
    id,
    name,
    serial: `26${id.replace(/\D/g, '').padStart(4, '0')}${id.length}`,
    utility: electricity ? 'electricity' : 'water',
    register: electricity ? '1-0:1.8.0' : '8-0:1.0.0',
    parent,
    building,
    floor: serves.kind === 'unit' ? '1F' : null,
    room: serves.kind === 'unit' ? serves.unit : null,
    serves,
    multiplier,
    digits: 6,
    maxPerHour: '500',
    accuracyPercent: '1',
    gateway: 'gw-a',
  };
}
const unit = (id: string): Serves => ({ kind: 'unit', unit: id });
const pool = (id: string): Serves => ({ kind: 'pool', pool: id });
const branch: Serves = { kind: 'branch' };

const meters = [
  meter('E-0', '园区总进线', null, branch, '400'),
  meter('E-A', 'A 座总表', 'E-0', branch, '80'),
  meter('E-A-101', 'A101 办公', 'E-A', unit('A-101')),
  meter('E-A-102', 'A102 餐厅', 'E-A', unit('A-102')),
  meter('E-A-103', 'A103 办公', 'E-A', unit('A-103')),
  meter('E-A-104', 'A104 工作室', 'E-A', unit('A-104')),
  meter('E-A-LIFT', 'A 座电梯', 'E-A', pool('lifts')),
  meter('E-B', 'B 座总表', 'E-0', branch, '80'),
  meter('E-B-101', 'B101 车间', 'E-B', unit('B-101'), '20'),
  meter('E-B-102', 'B102 冷库', 'E-B', unit('B-102'), '20'),
  meter('E-COOL', '制冷机房', 'E-0', pool('cooling'), '20'),
  meter('W-0', '园区总水表', null, branch),
  meter('W-A-101', 'A101 用水', 'W-0', unit('A-101')),
  meter('W-A-102', 'A102 餐厅用水', 'W-0', unit('A-102')),
  meter('W-B-101', 'B101 车间用水', 'W-0', unit('B-101')),
  meter('W-COOL', '冷却塔补水', 'W-0', pool('tower')),
];

const always = { from: '2026-01-01', to: null };
const billLine = (
  component: string,
  name: string,
  touPeriod: string | null,
  quantity: string,
  net: string,
) => ({
  component,
  name,
  touPeriod,
  quantity,
  net,
  tax: '0',
});

export const fixturePark: Park = {
  id: 'lakeside',
  name: '湖畔产业园',
  issuer: '湖畔物业服务有限公司',
  timeZone: 'Asia/Shanghai',
  currency: 'CNY',
  buildings: [
    { id: 'A', name: 'A 座' },
    { id: 'B', name: 'B 座' },
  ],
  units: ['A-101', 'A-102', 'A-103', 'A-104', 'B-101', 'B-102'].map((id, i) => ({
    id,
    name: id,
    building: id.slice(0, 1),
    floor: '1F',
    areaM2: String(120 + 45 * i),
  })),
  leases: [
    { id: 'L-01', tenant: '云杉科技', units: ['A-101'], ...always },
    { id: 'L-02', tenant: '老灶火锅', units: ['A-102'], ...always },
    { id: 'L-03', tenant: '北辰设计', units: ['A-103'], from: '2026-01-01', to: '2026-09-16' },
    { id: 'L-04', tenant: '青禾文化', units: ['A-103'], from: '2026-09-20', to: null },
    { id: 'L-05', tenant: '恒力精工', units: ['B-101', 'B-102'], ...always },
  ],
  meters,
  exchanges: [],
  pools: [
    {
      id: 'lifts',
      name: 'A 座电梯',
      utility: 'electricity',
      sharing: 'mandatory',
      scope: { kind: 'building', building: 'A' },
      rule: { id: 'area-days', version: 1, text: '按面积与天数分摊' },
    },
    {
      id: 'cooling',
      name: '制冷机房',
      utility: 'electricity',
      sharing: 'mandatory',
      scope: { kind: 'park' },
      rule: { id: 'area-days', version: 1, text: '按面积与天数分摊' },
    },
    {
      id: 'tower',
      name: '冷却塔补水',
      utility: 'water',
      sharing: 'mandatory',
      scope: { kind: 'park' },
      rule: { id: 'area-days', version: 1, text: '按面积与天数分摊' },
    },
  ],
  tariffs: [
    {
      kind: 'pass_through',
      id: 'grid',
      version: 1,
      utility: 'electricity',
      calendar: {
        timeZone: 'Asia/Shanghai',
        seasons: [{ name: 'summer', from: '07-01', to: '10-01' }],
        otherSeason: 'other',
        windows: [
          { season: 'summer', from: '11:00', to: '12:00', period: 'sharp' },
          { season: 'summer', from: '14:00', to: '15:00', period: 'sharp' },
          { from: '08:00', to: '11:00', period: 'peak' },
          { from: '15:00', to: '21:00', period: 'peak' },
          { from: '23:00', to: '24:00', period: 'valley' },
          { from: '00:00', to: '07:00', period: 'valley' },
        ],
        otherPeriod: 'flat',
      },
      ...always,
    },
    {
      kind: 'tiered',
      id: 'water',
      version: 1,
      utility: 'water',
      component: 'water',
      tiers: [
        { upTo: '30', unit: '3.45', flat: '0' },
        { upTo: '80', unit: '4.83', flat: '0' },
        { upTo: null, unit: '5.83', flat: '0' },
      ],
      taxRate: '0.09',
      ...always,
    },
  ],
  sourceBills: [
    {
      id: 'grid-2026-09',
      utility: 'electricity',
      meter: 'E-0',
      supplier: '供电公司',
      period: '2026-09',
      quantity: '79328',
      lines: [
        { ...billLine('energy-sharp', '尖段电能', 'sharp', '6600', '7920.00'), tax: '1029.60' },
        { ...billLine('energy-peak', '峰段电能', 'peak', '35000', '35000.00'), tax: '4550.00' },
        { ...billLine('energy-flat', '平段电能', 'flat', '18000', '11700.00'), tax: '1521.00' },
        { ...billLine('energy-valley', '谷段电能', 'valley', '19600', '6860.00'), tax: '891.80' },
        { ...billLine('network', '输配电费', null, '79328', '7139.52'), tax: '928.14' },
      ],
    },
    {
      id: 'water-2026-09',
      utility: 'water',
      meter: 'W-0',
      supplier: '自来水公司',
      period: '2026-09',
      quantity: '1268',
      lines: [{ ...billLine('water', '自来水费', null, '1268', '7392.44'), tax: '665.32' }],
    },
  ],
};

/** Watt-hours in a slot of each kind of load: at night, by day, and in the slots around noon. */
const loads: Record<string, [night: number, day: number, noon: number]> = {
  'E-A-101': [300, 3_200, 2_400],
  'E-A-102': [900, 2_600, 9_800],
  'E-A-103': [260, 2_900, 2_100],
  'E-A-104': [120, 1_300, 1_500],
  'E-A-LIFT': [150, 900, 1_100],
  'E-B-101': [1_200, 14_000, 6_000],
  'E-B-102': [5_200, 6_800, 7_600],
  'E-COOL': [800, 12_500, 18_000],
  'W-A-101': [2, 60, 90],
  'W-A-102': [10, 180, 520],
  'W-B-101': [20, 240, 120],
  'W-COOL': [30, 260, 340],
};

/** Millionths of the unit that the meter truly counts in a slot of the month. Branches: their children and 1 % loss. */
function slotQuantity(id: string, slot: number): bigint {
  const load = loads[id];
  if (load === undefined) {
    const children = meters.filter(({ parent }) => parent === id);
    return (children.reduce((sum, child) => sum + slotQuantity(child.id, slot), 0n) * 101n) / 100n;
  }
  const hour = Math.floor((slot % 96) / 4);
  const weekend = Math.floor(slot / 96) % 7 >= 5;
  const [night, day, noon] = load;
  const base = hour < 7 || hour >= 21 ? night : hour === 11 || hour === 12 ? noon : day;
  const sway = 100 + ((slot * 37 + id.length * 11) % 23) - 11;
  const quantity = (base * sway * (weekend && base !== night ? 6 : 10)) / 10 / 100;
  return BigInt(Math.round(quantity)) * 1_000n;
}

interface Sample {
  atMs: number;
  /** Millionths, as on the meter's face. */
  register: bigint;
}

/** The register at every boundary up to `toMs`; two decimals, as the meter shows it. */
function samples({ id, multiplier }: ParkMeter, toMs: number): Sample[] {
  const list: Sample[] = [];
  let total = 1_234_560_000n * BigInt(multiplier);
  for (let slot = 0; monthStartMs + slot * SLOT_MS <= toMs; slot += 1) {
    list.push({
      atMs: monthStartMs + slot * SLOT_MS,
      register: (total / BigInt(multiplier) / 10_000n) * 10_000n,
    });
    total += slotQuantity(id, slot);
  }
  return list;
}

const isSilent = (id: string, atMs: number): boolean =>
  id === silentMeter && atMs >= silence.fromMs && atMs < silence.toMs;

/** Stores what the gateway would have sent from the start of the month up to `toMs`. */
export async function seedReadings(store: Store, toMs = monthEndMs): Promise<void> {
  let sequence = 1;
  for (const one of meters) {
    const known = samples(one, toMs).filter(({ atMs }) => !isSilent(one.id, atMs));
    const items = known.map(
      ({ atMs, register }): Reading => ({
        kind: 'reading',
        sequence: sequence++,
        meter: one.id,
        register: one.register,
        readAt: instantText(atMs),
        value: formatMicro(register),
        unit: one.utility === 'electricity' ? 'kWh' : 'm3',
        raw: (register / 10_000n).toString(16).padStart(8, '0'),
        source: 'poll',
      }),
    );
    const batch = { gateway: 'gw-a', epoch: '00000000000000aa', items };
    await store.ingestBatch({ ...batch, from: sequence - items.length, to: sequence - 1 }, instantText(toMs));
  }
  await store.putGatewayStatus({
    gateway: 'gw-a',
    online: true,
    at: instantText(toMs),
    version: '0.1.0',
    bufferedRows: 0,
    oldestBufferedAt: null,
    lastReceiptAt: instantText(toMs),
    buses: [],
  });
}

/** Intervals as plain differences; missing where the meter was silent. */
export async function seedIntervals(store: Store, toMs = monthEndMs): Promise<void> {
  for (const { id, multiplier, ...rest } of meters) {
    const list = samples({ id, multiplier, ...rest }, toMs);
    const rows = list.slice(1).map((end, index): IntervalRow => {
      const startMs = end.atMs - SLOT_MS;
      const before = list[index]?.register ?? end.register;
      const span = { meter: id, startMs, endMs: end.atMs };
      if (isSilent(id, startMs) || isSilent(id, end.atMs))
        return { ...span, quantity: null, quality: 'missing', method: 'none', reason: 'no_reading' };
      const quantity = (end.register - before) * BigInt(multiplier);
      return { ...span, quantity, quality: 'actual', method: 'difference', reason: '' };
    });
    await store.replaceIntervals(id, monthStartMs, monthEndMs, rows);
  }
}
