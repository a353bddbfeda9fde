/** Where the demo park's 84 meters sit, of which model and on which bus, and what is switched on behind them. */
import type { Serves } from '../../protocols/park.ts';
import type { Utility } from '../../protocols/units.ts';
import { type UnitPlan, type Use, units } from './layout.ts';
import type { LoadShape } from './load-shapes.ts';

/** `base` always runs, `peak` comes on top with the shape; in W, or in litres an hour. */
export interface LoadPlan {
  shape: LoadShape;
  base: number;
  peak: number;
  /** How far the peak follows the weather, in thousandths. */
  weather: number;
}

export interface MeterPlan {
  id: string;
  name: string;
  utility: Utility;
  parent: string | null;
  building: string | null;
  floor: string | null;
  room: string | null;
  serves: Serves;
  profile: string;
  /** A bus of `busPlans`, or `push` for a meter that publishes. */
  bus: string;
  accuracyPercent: string;
  /** What is behind an end meter; a branch meter has `lossPerMillion` of what its children count instead. */
  load: LoadPlan | null;
  lossPerMillion: number;
}

export interface BusPlan {
  id: string;
  link: 'tcp' | 'rtu';
}
export const busPlans: readonly BusPlan[] = [
  { id: 'bus-main', link: 'tcp' },
  { id: 'bus-a1', link: 'tcp' },
  { id: 'bus-a2', link: 'tcp' },
  { id: 'bus-b1', link: 'tcp' },
  { id: 'bus-b2', link: 'tcp' },
  { id: 'bus-yard', link: 'tcp' },
  { id: 'bus-water', link: 'tcp' },
  // Short serial lines: the silence between their frames is what a simulated month waits for longest.
  { id: 'bus-a-core', link: 'rtu' },
  { id: 'bus-a-pump', link: 'rtu' },
  { id: 'bus-plant', link: 'rtu' },
  { id: 'bus-tower', link: 'rtu' },
];

export const leakingMeter = 'W-A-PUB';
export const exchangedMeter = 'E-B-202-P';
export const rolledMeter = 'E-A-201-L';
export const failingBus = 'bus-b1';

const load = (shape: LoadShape, base: number, peak: number, weather = 0): LoadPlan => ({
  shape,
  base,
  peak,
  weather,
});

/** W per m2 of lighting and sockets, of power or air handling, and litres an hour per m2: base and peak. */
const densities: Record<Use, { light: number[]; power: number[]; water: number[]; weather: number }> = {
  office: { light: [1.6, 21], power: [0.7, 14], water: [0.003, 0.11], weather: 800 },
  restaurant: { light: [4, 26], power: [12, 96], water: [0.016, 1.5], weather: 250 },
  shop: { light: [5, 28], power: [14, 52], water: [0.02, 0.6], weather: 300 },
  workshop: { light: [0.8, 9], power: [4, 74], water: [0.003, 0.3], weather: 120 },
  cold_store: { light: [1, 5], power: [26, 48], water: [0.02, 0.12], weather: 600 },
  packing: { light: [1, 10], power: [2, 34], water: [0.004, 0.2], weather: 200 },
  laboratory: { light: [3, 19], power: [15, 42], water: [0.006, 0.4], weather: 350 },
};
const shapes: Record<Use, { power: LoadShape; water: LoadShape }> = {
  office: { power: 'office', water: 'office_water' },
  restaurant: { power: 'restaurant', water: 'restaurant' },
  shop: { power: 'shop', water: 'shop' },
  workshop: { power: 'workshop', water: 'workshop' },
  cold_store: { power: 'cold_store', water: 'cold_store' },
  packing: { power: 'workshop', water: 'workshop' },
  laboratory: { power: 'laboratory', water: 'laboratory' },
};

/** `share` of the floor's area times the density, in whole W or litres an hour; always a little, never nothing. */
function unitLoad({ use, areaM2 }: UnitPlan, kind: 'light' | 'power' | 'water'): LoadPlan {
  const { weather, ...densityOf } = densities[use];
  const [base = 0, peak = 0] = densityOf[kind].map((density) => Math.round(density * Number(areaM2)));
  const shape =
    kind === 'water' ? shapes[use].water : use === 'cold_store' ? 'cold_store' : shapes[use].power;
  return load(shape, Math.max(base, 3), peak, kind === 'power' ? weather : 0);
}

type Rest = Partial<MeterPlan> & Pick<MeterPlan, 'id' | 'name' | 'parent' | 'bus'>;

function end(rest: Rest & { serves: Serves; load: LoadPlan }): MeterPlan {
  const utility = rest.id.startsWith('W') ? 'water' : 'electricity';
  return {
    utility,
    building: null,
    floor: null,
    room: null,
    profile: utility === 'water' ? 'json-water-push' : 'carlo-gavazzi-em340',
    accuracyPercent: utility === 'water' ? '2' : '1',
    lossPerMillion: 0,
    ...rest,
  };
}

const branch = (rest: Rest, lossPerMillion: number, profile: string, accuracyPercent: string): MeterPlan => ({
  ...end({ ...rest, serves: { kind: 'branch' }, load: load('steady', 0, 0) }),
  load: null,
  lossPerMillion,
  profile,
  accuracyPercent,
});
const pool = (id: string): Serves => ({ kind: 'pool', pool: id });
const landlord: Serves = { kind: 'landlord' };

const busOf = ({ building, floor }: { building: string; floor: string }): string =>
  building === 'A' ? (floor <= '2F' ? 'bus-a1' : 'bus-a2') : floor === '1F' ? 'bus-b1' : 'bus-b2';

function unitMeters(unit: UnitPlan): MeterPlan[] {
  const { id, building, floor } = unit;
  const at = { building, floor, room: id, serves: { kind: 'unit', unit: id } as const };
  const electric = { ...at, parent: `E-${building}-${floor}`, bus: busOf(unit) };
  const meters = [
    end({
      ...electric,
      id: `E-${id}-L`,
      name: `${id} 照明插座`,
      profile: id === 'A-201' ? 'abb-b23' : 'inepro-pro380',
      load: unitLoad(unit, 'light'),
    }),
    end({
      ...electric,
      id: `E-${id}-P`,
      name: building === 'A' ? `${id} 空调厨房动力` : `${id} 生产动力`,
      profile: 'schneider-iem3000',
      load: unitLoad(unit, 'power'),
    }),
  ];
  if (unit.water)
    meters.push(
      end({
        ...at,
        id: `W-${id}`,
        name: `${id} 用水`,
        parent: `W-${building}`,
        load: unitLoad(unit, 'water'),
        ...(unit.use === 'cold_store' ? { bus: 'bus-water', profile: 'tuf-2000m' } : { bus: 'push' }),
      }),
    );
  return meters;
}

function floorMeters(building: string, floor: string): MeterPlan[] {
  const at = { building, floor };
  return [
    branch(
      {
        ...at,
        id: `E-${building}-${floor}`,
        name: `${building} 座 ${floor} 层总表`,
        parent: `E-${building}`,
        bus: 'bus-main',
      },
      1_000,
      'abb-b23',
      '1',
    ),
    end({
      ...at,
      id: `E-${building}-${floor}-C`,
      name: `${building} 座 ${floor} 走道照明`,
      parent: `E-${building}-${floor}`,
      bus: busOf(at),
      serves: pool(`${building}-COMMON`),
      load: load('corridor', 260, building === 'A' ? 2_400 : 1_900),
    }),
  ];
}

const inPool = (id: string, name: string, parent: string, bus: string, poolId: string, plan: LoadPlan) =>
  end({
    id,
    name,
    parent,
    bus,
    building: parent.slice(2),
    serves: pool(poolId),
    load: plan,
    // Behind current transformers a tenth of a kWh would be too coarse a step.
    ...(bus === 'bus-plant' || bus === 'bus-tower' ? { profile: 'schneider-iem3000' } : {}),
  });

const electricRoots: MeterPlan[] = [
  branch({ id: 'E-0', name: '园区进线总表', parent: null, bus: 'bus-main' }, 4_000, 'siemens-pac2200', '0.5'),
  ...['A', 'B', 'P'].map((id) =>
    branch(
      {
        id: `E-${id}`,
        name: id === 'P' ? '能源站总表' : `${id} 座总表`,
        parent: 'E-0',
        building: id,
        bus: 'bus-main',
      },
      2_000,
      'siemens-pac2200',
      '0.5',
    ),
  ),
];

const electricShared: MeterPlan[] = [
  inPool('E-A-LIFT1', 'A 座 1 号电梯', 'E-A', 'bus-a-core', 'A-COMMON', load('lift', 420, 7_800)),
  inPool('E-A-LIFT2', 'A 座 2 号电梯', 'E-A', 'bus-a-core', 'A-COMMON', load('lift', 400, 6_900)),
  inPool('E-A-FIRE', 'A 座消防泵房', 'E-A', 'bus-a-core', 'A-COMMON', load('steady', 900, 300)),
  inPool('E-A-PUMP', 'A 座生活水泵', 'E-A', 'bus-a-pump', 'A-COMMON', load('pump', 500, 5_200)),
  inPool('E-A-LOBBY', 'A 座大堂照明', 'E-A', 'bus-a-pump', 'A-COMMON', load('lift', 700, 4_600)),
  inPool('E-B-LIFT', 'B 座货梯', 'E-B', 'bus-yard', 'B-COMMON', load('workshop', 380, 8_600)),
  inPool('E-B-FIRE', 'B 座消防泵房', 'E-B', 'bus-yard', 'B-COMMON', load('steady', 850, 250)),
  inPool('E-B-FAN', 'B 座排风机', 'E-B', 'bus-yard', 'B-COMMON', load('workshop', 600, 9_400)),
  inPool('E-P-CH1', '1 号冷水机组', 'E-P', 'bus-plant', 'COOLING', load('chiller', 900, 128_000, 1_000)),
  inPool('E-P-CH2', '2 号冷水机组', 'E-P', 'bus-plant', 'COOLING', load('chiller', 850, 84_000, 1_000)),
  inPool('E-P-CWP', '冷冻水泵', 'E-P', 'bus-plant', 'COOLING', load('chiller', 1_200, 24_000, 400)),
  inPool('E-P-CTP', '冷却水泵', 'E-P', 'bus-tower', 'COOLING', load('chiller', 1_000, 21_000, 400)),
  inPool('E-P-FAN', '冷却塔风机', 'E-P', 'bus-tower', 'COOLING', load('chiller', 500, 13_000, 700)),
  inPool('E-P-LIGHT', '能源站照明', 'E-P', 'bus-tower', 'COOLING', load('corridor', 400, 1_600)),
  {
    ...inPool('E-YARD', '园区路灯', 'E-0', 'bus-yard', 'OUTDOOR', load('outdoor_light', 300, 9_200)),
    building: null,
  },
  end({
    id: 'E-OFFICE',
    name: '物业办公室',
    parent: 'E-0',
    bus: 'bus-yard',
    serves: landlord,
    load: load('office', 700, 6_400, 300),
  }),
  end({
    id: 'E-EV',
    name: '物业充电桩',
    parent: 'E-0',
    bus: 'bus-yard',
    serves: landlord,
    load: load('vehicles', 400, 21_000),
  }),
  {
    ...inPool(
      'E-B-201-X',
      'B-201 净化机组',
      'E-B-2F',
      'bus-b2',
      'PURIFIER',
      load('laboratory', 9_000, 12_000, 300),
    ),
    building: 'B',
    floor: '2F',
    room: 'B-201',
  },
];

const tap = (id: string, name: string, parent: string, serves: Serves, plan: LoadPlan, polled = false) =>
  end({
    id,
    name,
    parent,
    serves,
    load: plan,
    building: parent.slice(2),
    ...(polled ? { bus: 'bus-water', profile: 'tuf-2000m' } : { bus: 'push' }),
  });

const waterMeters: MeterPlan[] = [
  branch({ id: 'W-0', name: '园区总水表', parent: null, bus: 'bus-water' }, 5_000, 'tuf-2000m', '2'),
  ...['A', 'B', 'P'].map((id) =>
    branch(
      {
        id: `W-${id}`,
        name: id === 'P' ? '能源站及室外总水表' : `${id} 座总水表`,
        parent: 'W-0',
        building: id,
        bus: 'bus-water',
      },
      3_000,
      'tuf-2000m',
      '2',
    ),
  ),
  tap('W-A-WC', 'A 座公共卫生间', 'W-A', pool('A-WATER'), load('toilets', 14, 620)),
  tap(leakingMeter, 'A 座地下室公共水管', 'W-A', landlord, load('toilets', 6, 90)),
  tap('W-B-WC', 'B 座公共卫生间', 'W-B', pool('B-WATER'), load('toilets', 10, 380)),
  tap('W-P-CT1', '1 号冷却塔补水', 'W-P', pool('COOLING-WATER'), load('chiller', 12, 1_450, 900), true),
  tap('W-P-CT2', '2 号冷却塔补水', 'W-P', pool('COOLING-WATER'), load('chiller', 10, 980, 900), true),
  tap('W-P-GARDEN', '室外绿化浇灌', 'W-P', landlord, load('irrigation', 4, 1_100)),
];

const floors: [string, string][] = [
  ...['1F', '2F', '3F', '4F'].map((floor): [string, string] => ['A', floor]),
  ...['1F', '2F'].map((floor): [string, string] => ['B', floor]),
];

/** Parents stand before their children. */
export const meterPlans: readonly MeterPlan[] = [
  ...electricRoots,
  ...floors.flatMap(([building, floor]) => floorMeters(building, floor)),
  ...electricShared,
  ...waterMeters,
  ...units.flatMap(unitMeters),
];
