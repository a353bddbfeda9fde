/** Faults put into real registers, one at a time: which of them is told by its name, and what else is told. */
import type { Alarm, AlarmType } from '../../cloud/metering/detectors/alarm.ts';
import { type DetectorSettings, defaultSettings } from '../../cloud/metering/detectors/settings.ts';
import { ZoneClock } from '../../cloud/metering/zone-clock.ts';
import { type Chance, chance } from './chance.ts';
import { detectInRegister } from './run-detectors.ts';
import type { Register } from './shared-data.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LITRES_A_DAY = 50;

export type FaultScore = Record<string, { recall: number; precision: number; injected: number }>;

interface Faulty {
  register: Register;
  digits: number | null;
  /** The alarm of the fault is raised in here. */
  fromMs: number;
  toMs: number;
}

type Inject = (own: Register, at: number, random: Chance, other: Register) => Faulty;

const spanOf = (register: Register, at: number, hours: number, digits: number | null = null): Faulty => ({
  register,
  digits,
  fromMs: (register.ms[at] ?? 0) - HOUR_MS,
  toMs: (register.ms[at] ?? 0) + hours * HOUR_MS,
});
const changed = (own: Register, change: (value: number, i: number) => number): Register => ({
  ...own,
  values: own.values.map(change),
});

const injectors: Partial<Record<AlarmType, Inject>> = {
  stuck: (own, at, random) => {
    const days = random.whole(7, 14);
    const end = own.ms.findIndex((ms) => ms > (own.ms[at] ?? 0) + days * DAY_MS);
    return spanOf(
      changed(own, (value, i) => (i >= at && i < end ? (own.values[at] ?? 0) : value)),
      at,
      days * 24 + 6,
    );
  },
  rollover: (own, at) => {
    const modulus = 1_000_000;
    const shift = modulus - (own.values[at] ?? 0) - 1;
    return spanOf(
      changed(own, (value) => (((value + shift) % modulus) + modulus) % modulus),
      at,
      72,
      6,
    );
  },
  reset: (own, at) =>
    spanOf(
      changed(own, (value, i) => (i >= at ? value - (own.values[at] ?? 0) : value)),
      at,
      3,
    ),
  scale_change: (own, at) =>
    spanOf(
      changed(own, (value, i) => (i >= at ? value * 10 : value)),
      at,
      6,
    ),
  exchange_suspected: (own, at, _, other) => {
    const shift = (other.values[Math.floor(other.values.length / 2)] ?? 0) - (own.values[at] ?? 0);
    return spanOf(
      changed(own, (value, i) => (i >= at ? value + shift : value)),
      at,
      6,
    );
  },
  duplicate: (own, at) => {
    const twice = (list: number[]): number[] => list.flatMap((one, i) => (i === at ? [one, one] : [one]));
    return spanOf({ ...own, ms: twice(own.ms), values: twice(own.values) }, at, 1);
  },
  gap: (own, at, random) => {
    const hours = random.whole(6, 48);
    const isIn = (_: number, i: number): boolean =>
      (own.ms[i] ?? 0) <= (own.ms[at] ?? 0) || (own.ms[i] ?? 0) > (own.ms[at] ?? 0) + hours * HOUR_MS;
    return spanOf({ ...own, ms: own.ms.filter(isIn), values: own.values.filter(isIn) }, at, hours);
  },
  spike: (own, at, random) => {
    const size = random.between(5_000, 500_000);
    return spanOf(
      changed(own, (value, i) => (i === at ? value + size : value)),
      at,
      6,
    );
  },
};

const meter = { utility: 'water', unit: 'l', maxRate: null } as const;

/**
 * A claim of a kind is right inside its event, or where the history without the fault has it too; all other claims of the
 * kind, whatever was injected, are wrong.
 */
export function scoreRegisterFaults(
  seed: number,
  homes: readonly Register[],
  perHome: number,
  settings: DetectorSettings = defaultSettings,
): FaultScore {
  const clock = new ZoneClock('Europe/Madrid');
  const tallies = new Map<string, { hit: number; injected: number; wrong: number; right: number }>();
  const tally = (type: string) => {
    const known = tallies.get(type) ?? { hit: 0, injected: 0, wrong: 0, right: 0 };
    tallies.set(type, known);
    return known;
  };
  homes.forEach((home, h) => {
    const own = withSteadyRise(home);
    if (own.ms.length < 3000) return;
    const before = new Set(detectInRegister({ ...meter, digits: null }, own, clock, settings).map(nameOf));
    for (const [type, inject] of Object.entries(injectors)) {
      const random = chance(seed, `${home.name}-${type}`);
      for (let k = 0; k < perHome; k += 1) {
        const at = inUse(own, random);
        const faulty = inject(own, at, random, homes[(h + 1) % homes.length] ?? home);
        const alarms = detectInRegister(
          { ...meter, digits: faulty.digits },
          faulty.register,
          clock,
          settings,
        );
        const isIn = ({ raisedMs }: Alarm): boolean =>
          raisedMs >= faulty.fromMs && raisedMs <= faulty.toMs + HOUR_MS;
        const one = tally(type);
        one.injected += 1;
        if (alarms.some((alarm) => alarm.type === type && isIn(alarm))) one.hit += 1;
        for (const alarm of alarms) {
          if (before.has(nameOf(alarm))) continue;
          if (alarm.type === type && isIn(alarm)) tally(type).right += 1;
          else if (alarm.type in injectors) {
            tally(alarm.type).wrong += 1;
          }
        }
      }
    }
  });
  return Object.fromEntries(
    [...tallies].map(([type, { hit, injected, wrong, right }]) => [
      type,
      { recall: hit / injected, precision: right / Math.max(right + wrong, 1), injected },
    ]),
  );
}

/** A place where the register goes on for the next week: a stuck one that had stood still anyway is nobody's to find. */
function inUse(own: Register, random: Chance): number {
  for (;;) {
    const at = random.whole(1200, own.ms.length - 900);
    const end = own.ms.findIndex((ms) => ms > (own.ms[at] ?? 0) + 7 * DAY_MS);
    if ((own.values[end] ?? 0) - (own.values[at] ?? 0) > 7 * LITRES_A_DAY) return at;
    if (random.unit() < 0.002) return at;
  }
}

/** Natural backward steps are taken out, so that what is found is what was put in. */
function withSteadyRise(own: Register): Register {
  let most = 0;
  return changed(own, (value) => {
    most = Math.max(most, value);
    return most;
  });
}

const nameOf = ({ type, startMs }: Alarm): string => `${type} ${startMs}`;
