/** The demo park on paper: who holds which room, and what is shared. Ids are ASCII, names are the site's own. */
import type { Lease, ParkUnit, Pool } from '../../protocols/park.ts';
import type { DayTemperature, SharingRule } from '../../protocols/sharing.ts';
import type { Random } from '../random.ts';

export type Use = 'office' | 'restaurant' | 'shop' | 'workshop' | 'cold_store' | 'packing' | 'laboratory';

export interface UnitPlan extends ParkUnit {
  use: Use;
  /** Offices of one company share a pantry: one of its units has the tap. */
  water: boolean;
}

export const buildings = [
  { id: 'A', name: 'A 座研发楼' },
  { id: 'B', name: 'B 座厂房' },
  { id: 'P', name: '能源站' },
];

function unit(id: string, areaM2: string, use: Use, name: string, water = true): UnitPlan {
  const building = id.slice(0, 1);
  return { id, name, building, floor: `${id.slice(2, 3)}F`, areaM2, use, water };
}

export const units: readonly UnitPlan[] = [
  unit('A-101', '386.5', 'restaurant', 'A101 餐厅'),
  unit('A-102', '142.8', 'shop', 'A102 咖啡店'),
  unit('A-201', '864', 'office', 'A201 办公'),
  unit('A-202', '732.4', 'office', 'A202 办公'),
  unit('A-301', '864', 'office', 'A301 办公'),
  unit('A-302', '732.4', 'office', 'A302 办公'),
  unit('A-401', '864', 'office', 'A401 办公'),
  unit('A-402', '732.4', 'office', 'A402 办公', false),
  unit('B-101', '1840', 'workshop', 'B101 机加工车间'),
  unit('B-102', '1260.5', 'cold_store', 'B102 冷库'),
  unit('B-103', '975', 'packing', 'B103 包装车间'),
  unit('B-201', '920', 'laboratory', 'B201 洁净实验室'),
  unit('B-202', '1150', 'workshop', 'B202 电子装配车间'),
  unit('B-203', '640', 'workshop', 'B203 厂房(空置)', false),
];

/** The room that changes hands within the month. */
export const changingUnit = 'A-302';

/**
 * Twelve leases. In `changingUnit` one ends around the 12th and the next begins a few vacant days later; B-203 is vacant.
 * @param period the month, `2026-09`
 */
export function planLeases(period: string, random: Random): Lease[] {
  const lastDay = random.between(10, 14);
  const firstDay = lastDay + random.between(3, 5);
  const day = (n: number): string => `${period}-${`${n}`.padStart(2, '0')}`;
  const lease = (id: string, tenant: string, held: string[], from: string): Lease => ({
    id,
    tenant,
    units: held,
    from,
    to: null,
    ...(id === signsNot ? {} : { signed: [{ rule: cooling.id, version: cooling.version, on: from }] }),
  });
  return [
    lease('L-01', '湘满楼餐饮', ['A-101'], '2024-06-01'),
    lease('L-02', '晨屿咖啡', ['A-102'], '2025-03-01'),
    lease('L-03', '云栈软件', ['A-201'], '2023-11-01'),
    lease('L-04', '衡直审计咨询', ['A-202'], '2024-01-01'),
    lease('L-05', '青岫建筑设计', ['A-301'], '2024-09-01'),
    { ...lease('L-06', '蓝桥检测', [changingUnit], '2023-05-01'), to: day(lastDay) },
    lease('L-07', '沐光生物信息', [changingUnit], day(firstDay)),
    lease('L-08', '远澜航运科技', ['A-401', 'A-402'], '2024-04-01'),
    lease('L-09', '精铎机械加工', ['B-101'], '2022-08-01'),
    lease('L-10', '北岭冷链', ['B-102'], '2023-02-01'),
    lease('L-11', '顺捷包装', ['B-103'], '2025-01-01'),
    lease('L-12', '芯砺电子', ['B-201', 'B-202'], '2024-07-01'),
  ];
}

/** Cooling is negotiated: who signed pays by area for each degree above 26, and what that does not recover is the landlord's. */
const cooling = { id: 'cooling', version: 1, text: '集中供冷:按面积,日最高温每高于 26 ℃ 一度计十分之一' };
export const rules: readonly SharingRule[] = [
  {
    ...cooling,
    from: '2022-01-01',
    to: null,
    method: {
      kind: 'quantity',
      quantity: '按日合计(当日公摊量 * 最小(最大(日最高温 - 26, 0) / 10 ℃, 1)) * 面积 / 总面积',
    },
  },
];
/** The café has a cooler of its own. */
const signsNot = 'L-02';

/** The outdoor temperatures of the days from `from` on, in tenths of a degree exact. */
export function planTemperatures(from: string, days: number, random: Random): DayTemperature[] {
  const first = Temporal.PlainDate.from(from);
  return Array.from({ length: days }, (_, index) => {
    const tenths = random.between(240, 355);
    return {
      date: `${first.add({ days: index })}`,
      maximum: `${Math.floor(tenths / 10)}.${tenths % 10}`,
    };
  });
}

const byArea = { id: 'area-days', version: 1, text: '按面积 × 天数分摊,空置由业主承担' };
const shared = (
  id: string,
  name: string,
  utility: Pool['utility'],
  scope: Pool['scope'] = { kind: 'park' },
): Pool => ({ id, name, utility, sharing: 'mandatory', scope, rule: byArea });

export const pools: readonly Pool[] = [
  shared('A-COMMON', 'A 座公共用电(电梯、走道、消防、供水)', 'electricity', {
    kind: 'building',
    building: 'A',
  }),
  shared('B-COMMON', 'B 座公共用电(货梯、走道、消防、排风)', 'electricity', {
    kind: 'building',
    building: 'B',
  }),
  { ...shared('COOLING', '集中供冷用电', 'electricity'), sharing: 'negotiated', rule: cooling },
  shared('OUTDOOR', '园区室外照明', 'electricity'),
  {
    id: 'PURIFIER',
    name: '洁净实验室净化机组',
    utility: 'electricity',
    sharing: 'exclusive',
    scope: { kind: 'lease', lease: 'L-12' },
    rule: { id: 'exclusive', version: 1, text: '独用设备,全部由使用方承担' },
  },
  shared('A-WATER', 'A 座公共卫生间用水', 'water', { kind: 'building', building: 'A' }),
  shared('B-WATER', 'B 座公共卫生间用水', 'water', { kind: 'building', building: 'B' }),
  shared('COOLING-WATER', '冷却塔补水', 'water'),
];
