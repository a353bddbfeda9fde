/** Synthetic commercial meters, hour by hour: a kind of use with its week, seasons, weather, holidays and noise. Our own. */
import { type LoadShape, shapeAt } from '../../simulators/park/load-shapes.ts';
import { type Chance, chance } from './chance.ts';
import type { Series } from './shared-data.ts';

const HOURS_PER_DAY = 24;
const kinds: readonly LoadShape[] = [
  'office',
  'office',
  'restaurant',
  'shop',
  'laboratory',
  'workshop',
  'corridor',
  'chiller',
  'cold_store',
  'office',
];

/** @param days from the first Monday of January 2024 on, in UTC */
export function commercialMeter(seed: number, number: number, days: number): Series {
  const random = chance(seed, `commercial-${number}`);
  const shape = random.of(kinds);
  const peak = 10 ** random.between(0.7, 2.5);
  const base = random.between(0.1, 0.6);
  const noise = random.between(0.02, 0.12);
  const season = random.between(0, 0.35);
  const seasonDay = random.between(0, 365);
  const weather = random.between(0, 0.25);
  const step = random.unit() < 0.5 ? 10 ** Math.floor(Math.log10(peak) - 2) : 0;
  const values = new Float64Array(days * HOURS_PER_DAY);
  let warmth = 0;
  let carried = 0;
  for (let day = 0; day < days; day += 1) {
    warmth = 0.8 * warmth + 0.6 * random.normal();
    const isHoliday = random.unit() < 0.015;
    const level =
      1 + season * Math.cos((2 * Math.PI * (day - seasonDay)) / 365) + weather * Math.max(warmth, 0) * 0.5;
    const dayOff = 1 + 0.04 * random.normal();
    const weekday = isHoliday ? 7 : (day % 7) + 1;
    for (let hour = 0; hour < HOURS_PER_DAY; hour += 1) {
      carried = 0.6 * carried + noise * heavy(random);
      const busy = shapeAt(shape, weekday, hour * 4) / 1000;
      const value = peak * (base + (1 - base) * busy * dayOff) * level * Math.max(1 + carried, 0.05);
      values[day * HOURS_PER_DAY + hour] = step > 0 ? Math.round(value / step) * step : value;
    }
  }
  return { name: `commercial-${number}`, fromMs: Date.UTC(2024, 0, 1), stepMs: 3_600_000, values };
}

/** Mostly normal, now and then three times as wide. */
const heavy = (random: Chance): number => random.normal() * (random.unit() < 0.03 ? 3 : 1);
