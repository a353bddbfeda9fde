/** A bypass of one percent of the parent's energy, under clock skew, class-1 errors and one sub-meter that falls silent. */
import type { Alarm } from '../../cloud/metering/detectors/alarm.ts';
import { BalanceWatch } from '../../cloud/metering/detectors/balance-watch.ts';
import { HourSeries } from '../../cloud/metering/detectors/hour-series.ts';
import { type DetectorSettings, defaultSettings } from '../../cloud/metering/detectors/settings.ts';
import { type Chance, chance } from './chance.ts';
import { commercialMeter } from './commercial-profiles.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS = 84;
const FROM_MS = Date.UTC(2024, 0, 1);

export interface BypassScore {
  parents: number;
  found: number;
  named: number;
  medianDays: number;
  falsePerYear: number;
}

interface Family {
  parent: Float64Array;
  /** As their meters count them. */
  children: Float64Array[];
}

/** @param bypassed the sub-meter that is passed by from hour `fromHour` on, or null */
function family(
  random: Chance,
  number: number,
  seed: number,
  bypassed: { child: number; fromHour: number } | null,
): Family {
  const count = random.whole(4, 10);
  const truths = Array.from(
    { length: count },
    (_, i) => commercialMeter(seed, 1000 + number * 20 + i, DAYS).values,
  );
  const parent = new Float64Array(DAYS * 24);
  for (const truth of truths)
    truth.forEach((value, h) => {
      parent[h] = (parent[h] ?? 0) + value;
    });
  const mean = parent.reduce((a, b) => a + b, 0) / parent.length;
  parent.forEach((value, h) => {
    parent[h] = value + 0.005 * mean + (0.01 * value * value) / mean;
  });
  const children = truths.map((truth, child) => {
    const own = truth.reduce((a, b) => a + b, 0) / truth.length;
    const part = Math.min((0.01 * mean) / own, 0.9);
    const error = 1 + random.between(-0.01, 0.01);
    const skew = random.between(-5, 5) / 60;
    return truth.map((value, h) => {
      const neighbour = truth[Math.min(Math.max(h + Math.sign(skew), 0), truth.length - 1)] ?? value;
      const passed = bypassed !== null && child === bypassed.child && h >= bypassed.fromHour ? 1 - part : 1;
      return (value + Math.abs(skew) * (neighbour - value)) * error * passed;
    });
  });
  const silent = random.whole(0, count - 1);
  const silentFrom = random.whole(10, DAYS - 20) * 24;
  if (silent !== bypassed?.child)
    children[silent]?.fill(Number.NaN, silentFrom, silentFrom + 24 * random.whole(2, 20));
  return { parent, children };
}

function watch({ parent, children }: Family, settings: DetectorSettings): Alarm[] {
  const alarms: Alarm[] = [];
  const series = (values: Float64Array): HourSeries => {
    const hours = new HourSeries();
    values.forEach((value, h) => {
      const startMs = FROM_MS + h * HOUR_MS;
      hours.push({ startMs, quantity: Number.isNaN(value) ? null : value, knownMs: startMs + HOUR_MS });
    });
    return hours;
  };
  const balance = new BalanceWatch(
    {
      parent: { meter: 'parent', series: series(parent) },
      children: children.map((values, i) => ({ meter: `child-${i}`, series: series(values) })),
      timeZone: 'UTC',
    },
    settings.balance,
    (alarm) => alarms.push(alarm),
  );
  const weekend = (ms: number): boolean => (Math.floor(ms / DAY_MS) + 3) % 7 >= 5;
  for (let day = 0; day < DAYS; day += 1) {
    const startMs = FROM_MS + day * DAY_MS;
    balance.endOfDay({ number: startMs / DAY_MS, startMs, weekend }, startMs + DAY_MS);
  }
  return alarms;
}

export function scoreBypass(
  seed: number,
  parents: number,
  settings: DetectorSettings = defaultSettings,
): BypassScore {
  let falseAlarms = 0;
  let found = 0;
  let named = 0;
  const days: number[] = [];
  for (let p = 0; p < parents; p += 1) {
    const clean = watch(family(chance(seed, `family-${p}`), p, seed, null), settings);
    falseAlarms += new Set(clean.map(({ raisedMs }) => raisedMs)).size;
    const random = chance(seed, `bypass-${p}`);
    const fromHour = random.whole(35, DAYS - 10) * 24 + random.whole(0, 23);
    const child = random.whole(0, 3);
    const alarms = watch(family(chance(seed, `family-${p}`), p, seed, { child, fromHour }), settings);
    const fromMs = FROM_MS + fromHour * HOUR_MS;
    const hits = alarms.filter(
      ({ raisedMs }) => raisedMs >= fromMs && raisedMs <= fromMs + 7 * DAY_MS + HOUR_MS,
    );
    if (hits.length === 0) continue;
    found += 1;
    days.push(((hits[0]?.raisedMs ?? 0) - fromMs) / DAY_MS);
    if (hits.find(({ type }) => type === 'bypass_suspected')?.meter === `child-${child}`) named += 1;
  }
  days.sort((a, b) => a - b);
  const years = (parents * DAYS) / 365;
  return {
    parents,
    found,
    named,
    medianDays: days[days.length >> 1] ?? Number.NaN,
    falsePerYear: falseAlarms / years,
  };
}
