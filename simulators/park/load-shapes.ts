/**
 * Shapes of loads: how much of its peak a kind of use draws in each quarter of an hour of the week, in thousandths. Our own,
 * drawn from what such places do; hourly control points with straight lines between them.
 */

export type LoadShape =
  | 'office'
  | 'office_water'
  | 'restaurant'
  | 'shop'
  | 'workshop'
  | 'cold_store'
  | 'laboratory'
  | 'corridor'
  | 'lift'
  | 'pump'
  | 'chiller'
  | 'outdoor_light'
  | 'toilets'
  | 'irrigation'
  | 'vehicles'
  | 'steady';

type Day = readonly number[];
interface Week {
  workday: Day;
  saturday: Day;
  sunday: Day;
}

const flat = (level: number): Day => Array.from({ length: 24 }, () => level);
const scaled = (day: Day, thousandths: number): Day =>
  day.map((level) => Math.floor((level * thousandths) / 1000));

// biome-ignore-start format: one hour a column
const officeDay: Day = [
  0, 0, 0, 0, 0, 10, 60, 260, 720, 960, 1000, 970, 690, 840, 980, 1000, 940, 690, 360, 190, 90, 30, 10, 0,
];
const pantryDay: Day = [
  0, 0, 0, 0, 0, 0, 20, 180, 760, 900, 820, 940, 1000, 720, 760, 700, 620, 480, 160, 60, 20, 0, 0, 0,
];
const kitchenDay: Day = [
  0, 0, 0, 0, 60, 190, 420, 460, 360, 480, 860, 1000, 960, 580, 300, 290, 520, 880, 980, 860, 520, 240, 70,
  10,
];
const shopDay: Day = [
  60, 60, 60, 60, 60, 80, 260, 720, 900, 820, 780, 920, 1000, 840, 760, 760, 780, 820, 740, 620, 480, 300,
  140, 80,
];
const shiftDay: Day = [
  20, 20, 20, 20, 20, 30, 120, 520, 940, 1000, 980, 900, 620, 930, 1000, 980, 940, 780, 660, 640, 520, 260,
  80, 30,
];
const coldDay: Day = [
  640, 620, 610, 600, 600, 620, 700, 800, 860, 900, 940, 970, 990, 1000, 1000, 980, 950, 910, 860, 810, 770,
  730, 700, 670,
];
const labDay: Day = [
  180, 180, 180, 180, 180, 190, 240, 460, 820, 960, 1000, 980, 800, 900, 980, 990, 940, 760, 560, 420, 330,
  260, 210, 190,
];
const corridorDay: Day = [
  820, 820, 820, 820, 820, 760, 480, 360, 340, 340, 340, 340, 340, 340, 340, 340, 400, 620, 960, 1000, 1000,
  980, 900, 840,
];
const liftDay: Day = [
  20, 10, 10, 10, 20, 60, 240, 620, 1000, 760, 520, 700, 860, 640, 520, 540, 680, 940, 640, 360, 220, 120, 60,
  30,
];
const pumpDay: Day = [
  180, 160, 150, 150, 160, 240, 480, 760, 900, 860, 820, 940, 1000, 820, 760, 760, 800, 860, 780, 640, 500,
  380, 280, 220,
];
const chillerDay: Day = [
  40, 40, 40, 40, 40, 60, 260, 620, 820, 900, 950, 980, 990, 1000, 1000, 980, 940, 800, 460, 240, 140, 90, 60,
  50,
];
const outdoorDay: Day = [
  1000, 1000, 1000, 1000, 1000, 700, 120, 20, 10, 10, 10, 10, 10, 10, 10, 20, 80, 460, 1000, 1000, 1000, 1000,
  1000, 1000,
];
const toiletsDay: Day = [
  0, 0, 0, 0, 0, 10, 80, 320, 860, 980, 1000, 900, 940, 820, 860, 880, 800, 620, 300, 140, 60, 20, 0, 0,
];
const sprinkleDay: Day = [
  0, 0, 0, 0, 0, 0, 600, 1000, 300, 0, 0, 0, 0, 0, 0, 0, 0, 500, 900, 200, 0, 0, 0, 0,
];
const vehicleDay: Day = [
  220, 180, 140, 110, 90, 80, 120, 360, 780, 920, 900, 860, 940, 900, 820, 760, 720, 700, 660, 600, 520, 440,
  360, 280,
];
// biome-ignore-end format: one hour a column

const weeks: Record<LoadShape, Week> = {
  office: { workday: officeDay, saturday: scaled(officeDay, 260), sunday: scaled(officeDay, 110) },
  office_water: { workday: pantryDay, saturday: scaled(pantryDay, 220), sunday: scaled(pantryDay, 90) },
  restaurant: { workday: kitchenDay, saturday: scaled(kitchenDay, 720), sunday: scaled(kitchenDay, 560) },
  shop: { workday: shopDay, saturday: scaled(shopDay, 700), sunday: scaled(shopDay, 620) },
  workshop: { workday: shiftDay, saturday: scaled(shiftDay, 760), sunday: scaled(shiftDay, 140) },
  cold_store: { workday: coldDay, saturday: coldDay, sunday: scaled(coldDay, 940) },
  laboratory: { workday: labDay, saturday: scaled(labDay, 480), sunday: scaled(labDay, 360) },
  corridor: { workday: corridorDay, saturday: scaled(corridorDay, 880), sunday: scaled(corridorDay, 840) },
  lift: { workday: liftDay, saturday: scaled(liftDay, 340), sunday: scaled(liftDay, 220) },
  pump: { workday: pumpDay, saturday: scaled(pumpDay, 620), sunday: scaled(pumpDay, 520) },
  chiller: { workday: chillerDay, saturday: scaled(chillerDay, 520), sunday: scaled(chillerDay, 300) },
  outdoor_light: { workday: outdoorDay, saturday: outdoorDay, sunday: outdoorDay },
  toilets: { workday: toiletsDay, saturday: scaled(toiletsDay, 300), sunday: scaled(toiletsDay, 160) },
  irrigation: { workday: sprinkleDay, saturday: sprinkleDay, sunday: sprinkleDay },
  vehicles: { workday: vehicleDay, saturday: scaled(vehicleDay, 760), sunday: scaled(vehicleDay, 680) },
  steady: { workday: flat(1000), saturday: flat(1000), sunday: flat(1000) },
};

/** Thousandths of the peak in `quarter` (0 to 95) of a day of the week (1 Monday to 7). */
export function shapeAt(shape: LoadShape, dayOfWeek: number, quarter: number): number {
  const week = weeks[shape];
  const day = dayOfWeek === 7 ? week.sunday : dayOfWeek === 6 ? week.saturday : week.workday;
  const hour = Math.floor(quarter / 4);
  const from = day[hour] ?? 0;
  const to = day[(hour + 1) % 24] ?? 0;
  return from + Math.floor(((to - from) * (quarter % 4)) / 4);
}
