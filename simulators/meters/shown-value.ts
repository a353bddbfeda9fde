/** What a simulated meter shows besides the register that it is billed by: made up from it, three phases of equal load. */

const VOLT = 1_000_000;

/** All in millionths, of the face's unit or of it per hour. */
export interface Shown {
  face: number;
  perHour: number;
  atMs: number;
}

type Item = (shown: Shown) => number;

const face: Item = (shown) => shown.face;
const thirdOfFace: Item = (shown) => shown.face / 3;
const quarterOfFace: Item = (shown) => shown.face / 4;
/** Millionths of kWh in an hour are milliwatts. */
const watts: Item = ({ perHour }) => perHour * 1_000;
const thirdOfWatts: Item = (shown) => watts(shown) / 3;
const vars: Item = (shown) => watts(shown) / 4;
const thirdOfVars: Item = (shown) => vars(shown) / 3;
const volts: Item = ({ atMs }) => (229 + ((atMs / 60_000) % 7) / 2) * VOLT;
const lineVolts: Item = (shown) => volts(shown) * Math.sqrt(3);
const amperes: Item = (shown) => (thirdOfWatts(shown) / volts(shown)) * 1_000_000;
const always =
  (micro: number): Item =>
  () =>
    micro;
const nothing = always(0);
const powerFactor = always(970_000);

const phases = (codes: readonly number[], tail: string, item: Item): [string, Item][] =>
  codes.map((code) => [`${code}.${tail}`, item]);

/** By the groups C to E of the register's code. */
const electricity: ReadonlyMap<string, Item> = new Map([
  ...phases([15], '8.0', face),
  ...phases([21, 41, 61, 35, 55, 75], '8.0', thirdOfFace),
  ...phases([3, 129], '8.0', quarterOfFace),
  ...phases([2, 22, 42, 62, 4], '8.0', nothing),
  ...phases([16, 9], '7.0', watts),
  ...phases([36, 56, 76, 29, 49, 69], '7.0', thirdOfWatts),
  ...phases([3], '7.0', vars),
  ...phases([23, 43, 63], '7.0', thirdOfVars),
  ...phases([12, 32, 52, 72], '7.0', volts),
  ...phases([132, 152, 172], '7.0', lineVolts),
  ...phases([11, 31, 51, 71], '7.0', amperes),
  ...phases([90], '7.0', (shown) => 3 * amperes(shown)),
  ...phases([13, 33, 53, 73], '7.0', powerFactor),
  ...phases([14], '7.0', always(50_000_000)),
  ...phases([128], '7.0', always(14_000_000)),
  ...phases([12, 32, 52, 72], '7.124', always(1_900_000)),
]);

const water: ReadonlyMap<string, Item> = new Map([
  ['2.0.0', ({ perHour }) => perHour],
  ['130.0.0', face],
  ['129.0.0', nothing],
  ['97.97.0', nothing],
  ['96.5.0', always(92_000_000)],
  ['96.5.1', always(780_000_000)],
  ['96.5.2', always(770_000_000)],
  ['128.1.0', always(3_000_000)],
  ['128.5.0', always(400_000)],
  ['128.6.0', always(1_482_000_000)],
  ['128.7.0', always(99_800_000)],
  ['96.9.0', always(18_500_000)],
]);

/** Millionths of the register's unit; null for what the meter does not measure. */
export function shownValue(obis: string, unit: string, shown: Shown): bigint | null {
  const item = (unit === 'kWh' ? electricity : water).get(obis.replace(/^\d+-\d+:/, ''));
  return item === undefined ? null : BigInt(Math.floor(item(shown)));
}
