/** Every formula that random parks use, written out by hand: the oracle reads no text. */
import { type F, f, least, less, minus, most, one, over, plus, times, zero } from './naive-fractions.ts';

/** What is known of one participant in a stretch. */
export interface Facts {
  area: F;
  days: F;
  persons: F;
  own: F;
  guessed: F;
}

export interface Scene {
  totals: Facts;
  quantity: F;
  byDay: { quantity: F; maximum: F }[];
  constant: F;
  periodDays: F;
}

/** Every formula that random rules use, written out by hand. */
export function formula(text: string, own: Facts | null, scene: Scene): F {
  const { totals, quantity, byDay, constant, periodDays } = scene;
  const { area, days, persons, own: used } = own ?? totals;
  switch (text) {
    case '面积 * 天数':
      return times(area, days);
    case '面积':
      return area;
    case 'area + 10 m2':
      return plus(area, f(10n));
    case '人数 * 天数':
      return times(persons, days);
    case '本户用量':
      return used;
    case '0.7 * 本户用量 / 总用量 + 0.3 * 面积 / 总面积':
      return plus(over(times(f(7n, 10n), used), totals.own), over(times(f(3n, 10n), area), totals.area));
    case 'if(人数 > 2, 3, 1)':
      return less(f(2n), persons) ? f(3n) : one;
    case 'min(面积, 100)':
      return least(area, f(100n));
    case '0 * 面积':
      return zero;
    case '0.75':
      return f(3n, 4n);
    case '(最高温 - 26) / 10': {
      const highest = byDay.reduce((high, day) => most(high, day.maximum), f(-100n));
      return over(minus(highest, f(26n)), f(10n));
    }
    case 'min(1, 基数 / 4)':
      return least(one, over(constant, f(4n)));
    case '公摊量 * 面积 / 总面积 * 0.9':
      return times(over(times(quantity, area), totals.area), f(9n, 10n));
    case 'sum_by_day(当日公摊量 * max(日最高温 - 26, 0) / 10 °C) * 面积 / 总面积': {
      let sum = zero;
      for (const day of byDay)
        sum = plus(sum, over(times(day.quantity, most(minus(day.maximum, f(26n)), zero)), f(10n)));
      return over(times(sum, area), totals.area);
    }
    case '面积 * 0.5 kWh / 1 m2':
      return times(area, f(1n, 2n));
    case '20 kWh * 天数 / 本期天数':
      return over(times(f(20n), days), periodDays);
    default:
      throw new Error(`the oracle does not know "${text}"`);
  }
}
