/** Leaks put into real water: a share of an area's inflow, and two litres an hour behind a tenant's meter. */
import type { Alarm } from '../../cloud/metering/detectors/alarm.ts';
import { type DetectorSettings, defaultSettings } from '../../cloud/metering/detectors/settings.ts';
import { ZoneClock } from '../../cloud/metering/zone-clock.ts';
import { chance } from './chance.ts';
import { detectInRegister, detectInSeries } from './run-detectors.ts';
import type { Register, Series } from './shared-data.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365.25 * DAY_MS;
const isLeak = ({ type }: Alarm): boolean =>
  type === 'night_flow' || type === 'continuous_flow' || type === 'surge' || type === 'drop';

export interface LeakScore {
  found: number;
  leaks: number;
  falsePerYear: number;
}

const area = { utility: 'water', unit: 'l/s', digits: null, maxRate: null } as const;

/**
 * @param shapes outflow of leaks from their beginning; each is scaled to have the share at its 28-day mean, every second
 * leak has its full flow at once
 */
export function scoreBulkLeaks(
  seed: number,
  areas: readonly Series[],
  shapes: readonly Series[],
  { share, perArea, half = null }: { share: number; perArea: number; half?: 'first' | 'second' | null },
  settings: DetectorSettings = defaultSettings,
): LeakScore {
  const clock = new ZoneClock('Europe/Rome');
  let found = 0;
  let falseAlarms = 0;
  let hours = 0;
  for (const own of areas) {
    const middle = own.fromMs + (own.values.length / 2) * HOUR_MS;
    const isIn = (ms: number): boolean => half === null || (half === 'first' ? ms < middle : ms >= middle);
    const clean = detectInSeries(area, own, clock, settings).filter(isLeak);
    falseAlarms += clean.filter(({ raisedMs }) => isIn(raisedMs)).length;
    const known = own.values.filter((value) => !Number.isNaN(value));
    hours += known.length / (half === null ? 1 : 2);
    const mean = known.reduce((a, b) => a + b, 0) / known.length;
    const random = chance(seed, `bulk-${own.name}-${share}`);
    for (let leak = 0; leak < perArea; leak += 1) {
      const total = own.values.length;
      const [low, high] =
        half === null
          ? [120 * 24, total - 720]
          : half === 'first'
            ? [120 * 24, Math.floor(total / 2) - 720]
            : [Math.ceil(total / 2), total - 720];
      const begins = random.whole(low, high);
      const shape = leak % 2 === 0 ? null : random.of(shapes).values.slice(0, 672);
      const size = shape === null ? 1 : shape.reduce((a, b) => a + b, 0) / shape.length;
      const values = own.values.slice(0, begins + 29 * 24);
      for (let h = begins; h < values.length; h += 1) {
        const flow = shape === null ? 1 : (shape[Math.min(h - begins, shape.length - 1)] ?? 0) / size;
        values[h] = (values[h] ?? Number.NaN) + share * mean * flow;
      }
      const fromMs = own.fromMs + begins * HOUR_MS;
      const alarms = detectInSeries(area, { ...own, values }, clock, settings).filter(isLeak);
      if (alarms.some(({ raisedMs }) => raisedMs >= fromMs && raisedMs <= fromMs + 28 * DAY_MS + HOUR_MS))
        found += 1;
    }
  }
  return { found, leaks: areas.length * perArea, falsePerYear: falseAlarms / ((hours * HOUR_MS) / YEAR_MS) };
}

const home = { utility: 'water', unit: 'l', digits: null, maxRate: null } as const;

export function scoreTenantLeaks(
  seed: number,
  homes: readonly Register[],
  perHome: number,
  settings: DetectorSettings = defaultSettings,
): LeakScore {
  const clock = new ZoneClock('Europe/Madrid');
  let found = 0;
  let leaks = 0;
  let falseAlarms = 0;
  let spanMs = 0;
  for (const own of homes) {
    falseAlarms += detectInRegister(home, own, clock, settings).filter(isLeak).length;
    const [first = 0] = own.ms;
    const last = own.ms.at(-1) ?? 0;
    spanMs += last - first;
    const random = chance(seed, `home-${own.name}`);
    for (let leak = 0; leak < perHome; leak += 1) {
      const fromMs = random.between(first + 14 * DAY_MS, last - 10 * DAY_MS);
      const end = own.ms.findIndex((ms) => ms > fromMs + 4 * DAY_MS);
      const ms = own.ms.slice(0, end);
      // A leak that hardly anybody read the register of is found by nobody.
      if (ms.filter((at) => at > fromMs && at <= fromMs + 3 * DAY_MS).length < 60) continue;
      leaks += 1;
      const values = ms.map(
        (at, i) => (own.values[i] ?? 0) + Math.floor((Math.max(at - fromMs, 0) / HOUR_MS) * 2),
      );
      const alarms = detectInRegister(home, { ...own, ms, values }, clock, settings).filter(isLeak);
      if (alarms.some(({ raisedMs }) => raisedMs >= fromMs && raisedMs <= fromMs + 3 * DAY_MS + HOUR_MS))
        found += 1;
    }
  }
  return { found, leaks, falsePerYear: falseAlarms / (spanMs / YEAR_MS) };
}
