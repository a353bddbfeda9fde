/** Surges, drops, level shifts, night loads and standstills put into commercial meters and the factory, found by event. */
import type { Alarm } from '../../cloud/metering/detectors/alarm.ts';
import { type DetectorSettings, defaultSettings } from '../../cloud/metering/detectors/settings.ts';
import { ZoneClock } from '../../cloud/metering/zone-clock.ts';
import { type Chance, chance } from './chance.ts';
import { commercialMeter } from './commercial-profiles.ts';
import { detectInSeries } from './run-detectors.ts';
import type { Series } from './shared-data.ts';

const HOUR_MS = 3_600_000;
const MONTH_HOURS = 730;
const LEARN_HOURS = 21 * 24;
const types = new Set(['surge', 'drop', 'spike', 'dip', 'stuck', 'vacancy_suspected']);

interface Event {
  startMs: number;
  endMs: number;
  kind: string;
}

const meter = { utility: 'electricity', unit: 'kWh', digits: null, maxRate: null } as const;
const clock = new ZoneClock('UTC');

/** Adds events of all kinds, `perMonth` on average; those of one meter are at least two days apart. */
export function withEvents(
  series: Series,
  random: Chance,
  perMonth: number,
): { series: Series; events: Event[] } {
  const values = Float64Array.from(series.values);
  const events: Event[] = [];
  const sorted = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const low = sorted[Math.floor(sorted.length * 0.05)] ?? 0;
  const high = sorted[Math.floor(sorted.length * 0.95)] ?? 1;
  let at = LEARN_HOURS;
  for (;;) {
    at += 48 + Math.floor(-Math.log(1 - random.unit()) * (MONTH_HOURS / perMonth - 48));
    const kind = random.of(kinds);
    const hours = kind.hours(random);
    if (at + hours >= values.length - 1) break;
    for (let h = at; h < at + hours; h += 1)
      values[h] = Math.max(
        kind.value(values[h] ?? 0, {
          low,
          high,
          first: values[at - 1] ?? 0,
          size: random.between(0.95, 1.05) * kind.size,
        }),
        0,
      );
    kind.size = random.between(0.4, 1.2);
    events.push({
      startMs: series.fromMs + at * HOUR_MS,
      endMs: series.fromMs + (at + hours) * HOUR_MS,
      kind: kind.name,
    });
    at += hours;
  }
  return { series: { ...series, values }, events };
}

interface Kind {
  name: string;
  size: number;
  hours(random: Chance): number;
  value(usual: number, at: { low: number; high: number; first: number; size: number }): number;
}

const kinds: Kind[] = [
  {
    name: 'surge',
    size: 0.8,
    hours: (r) => r.whole(1, 4),
    value: (v, { low, high, size }) => v + size * (high - low),
  },
  {
    name: 'spike',
    size: 1,
    hours: () => 1,
    value: (v, { low, high, size }) => v + (0.5 + size) * (high - low),
  },
  {
    name: 'drop',
    size: 0.8,
    hours: (r) => r.whole(1, 6),
    value: (v, { size }) => v * Math.max(0.6 - 0.5 * size, 0),
  },
  { name: 'outage', size: 1, hours: (r) => r.whole(1, 12), value: () => 0 },
  {
    name: 'night load',
    size: 0.6,
    hours: (r) => r.whole(8, 12),
    value: (v, { low, high, size }) => Math.max(v, low + size * (high - low)),
  },
  {
    name: 'level shift',
    size: 0.5,
    hours: (r) => r.whole(24, 96),
    value: (v, { size }) => v * (1 + 0.8 * size),
  },
  { name: 'stuck', size: 1, hours: (r) => r.whole(12, 48), value: (_, { first }) => first },
];

export interface ElectricityScore {
  precision: number;
  recall: number;
  f1: number;
  perMonth: number;
  byKind: Record<string, string>;
}

export function scoreElectricity(
  seed: number,
  meters: readonly Series[],
  settings: DetectorSettings = defaultSettings,
): ElectricityScore {
  let found = 0;
  let events = 0;
  let wrong = 0;
  let falseOnClean = 0;
  let months = 0;
  const kindsFound = new Map<string, [number, number]>();
  for (const clean of meters) {
    const alarmsOf = (series: Series): Alarm[] =>
      detectInSeries(meter, series, clock, settings).filter(({ type }) => types.has(type));
    falseOnClean += alarmsOf(clean).length;
    months += clean.values.length / MONTH_HOURS;
    const injected = withEvents(clean, chance(seed, `events-${clean.name}`), 1.7);
    const alarms = alarmsOf(injected.series);
    const hits = (event: Event, { raisedMs }: Alarm): boolean =>
      raisedMs >= event.startMs - HOUR_MS && raisedMs <= event.endMs + HOUR_MS;
    for (const event of injected.events) {
      const isFound = alarms.some((alarm) => hits(event, alarm));
      const tally = kindsFound.get(event.kind) ?? [0, 0];
      kindsFound.set(event.kind, [tally[0] + (isFound ? 1 : 0), tally[1] + 1]);
      found += isFound ? 1 : 0;
    }
    events += injected.events.length;
    wrong += alarms.filter((alarm) => !injected.events.some((event) => hits(event, alarm))).length;
  }
  const precision = found / (found + wrong);
  const recall = found / events;
  return {
    precision,
    recall,
    f1: (2 * precision * recall) / (precision + recall),
    perMonth: falseOnClean / months,
    byKind: Object.fromEntries([...kindsFound].map(([kind, [f, n]]) => [kind, `${f}/${n}`])),
  };
}

export const commercialMeters = (seed: number, count: number): Series[] =>
  Array.from({ length: count }, (_, i) => commercialMeter(seed, i, 365));
