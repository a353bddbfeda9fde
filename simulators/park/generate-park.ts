/**
 * The demo park of a seed: its document as an operator would import it, how its meters are wired, what they truly count,
 * and what was planted in it. The same seed and period give the same bytes.
 */
import type { Lease, MeterExchange, Park, ParkMeter } from '../../protocols/park.ts';
import { formatMicro } from '../../protocols/units.ts';
import { billingRegister, type Profiles, resolutionMicro } from '../profiles.ts';
import { type Random, randomStream } from '../random.ts';
import { type CountedMeter, countMeters, siteSlots } from './count-meters.ts';
import { buildings, changingUnit, planLeases, planTemperatures, pools, rules, units } from './layout.ts';
import {
  busPlans,
  exchangedMeter,
  failingBus,
  leakingMeter,
  type MeterPlan,
  meterPlans,
  rolledMeter,
} from './meter-plans.ts';
import { electricityBill, waterBill } from './source-bills.ts';
import { tariffs } from './tariffs.ts';
import { type Device, type Grid, type MeterTruth, Truth } from './truth.ts';
import type { Wiring } from './wiring.ts';

export interface Planted {
  /** Litres an hour that run away behind the meter, from then on. */
  leak: { meter: string; fromMs: number; perHour: number };
  /** The bus whose converter refuses connections in `[fromMs, toMs)`, and its meters. */
  outage: { bus: string; meters: string[]; fromMs: number; toMs: number };
  exchange: MeterExchange;
  rollover: { meter: string };
}

export interface GeneratedPark {
  park: Park;
  wiring: Wiring;
  truth: Truth;
  planted: Planted;
}

export interface ParkOptions {
  seed: number;
  /** A month of the site's calendar, `2026-09`. */
  period: string;
  profiles: Profiles;
  gateway?: string;
}

export const timeZone = 'Asia/Shanghai';
/** Where `simulate` counts from. Always the same month: meters that start again in a later one go on where they were. */
export const firstMonth = '2026-09';
const INTERVAL_MS = 15 * 60_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export function generatePark({ seed, period, profiles, gateway = 'gw-a' }: ParkOptions): GeneratedPark {
  const grid = monthGrid(period);
  const leases = planLeases(period, randomStream(seed, 'leases'));
  const leak = plantLeak(grid, randomStream(seed, 'leak'));
  const sized = sizeMeters(profiles);
  const counted = sized.map(
    ({ plan, stepMicro, multiplier }): CountedMeter => ({
      ...plan,
      stepMicro: stepMicro * multiplier,
      vacant: plan.serves.kind === 'unit' ? vacancies(plan.serves.unit, leases, grid) : [],
      leak: plan.id === leak.meter ? leak : null,
    }),
  );
  const counts = countMeters(counted, grid, siteSlots(grid, timeZone), seed);
  const meters = sized.map((one) =>
    hangMeter(one, counts.get(one.plan.id) ?? new Float64Array(0), profiles, seed),
  );
  const truth = new Truth(grid, meters);
  const exchange = exchangeMeter(truth, randomStream(seed, 'exchange'));
  const park: Park = {
    id: 'lingang-demo',
    name: '临港示范产业园',
    issuer: '临港示范产业园物业服务中心',
    timeZone,
    currency: 'CNY',
    buildings,
    units: units.map(({ use: _use, water: _water, ...unit }) => unit),
    leases,
    meters: sized.map((one) => parkMeter(one, profiles, gateway, seed)),
    exchanges: [exchange],
    pools: [...pools],
    tariffs: tariffs(timeZone),
    sourceBills: [electricityBill(truth, period, timeZone), waterBill(truth, period)],
    rules: [...rules],
    temperatures: planTemperatures(
      `${period}-01`,
      Temporal.PlainYearMonth.from(period).daysInMonth,
      randomStream(seed, 'temperature'),
    ),
  };
  const outage = plantOutage(grid, randomStream(seed, 'outage'));
  return {
    park,
    wiring: wire(gateway),
    truth,
    planted: { leak, outage, exchange, rollover: { meter: rolledMeter } },
  };
}

export function monthGrid(period: string, zone = timeZone): Grid {
  const month = Temporal.PlainYearMonth.from(period);
  const start = ({ year, month: m }: Temporal.PlainYearMonth): number =>
    Temporal.PlainDate.from({ year, month: m, day: 1 }).toZonedDateTime(zone).epochMilliseconds;
  return { fromMs: start(month), toMs: start(month.add({ months: 1 })), intervalMs: INTERVAL_MS };
}

/** Starts in a night in the middle of the month and never ends. */
function plantLeak({ fromMs }: Grid, random: Random): Planted['leak'] {
  const startMs = fromMs + random.between(13, 16) * DAY_MS + random.between(0, 15) * INTERVAL_MS;
  return { meter: leakingMeter, fromMs: startMs, perHour: random.between(240, 420) };
}

function plantOutage({ fromMs }: Grid, random: Random): Planted['outage'] {
  const startMs =
    fromMs +
    random.between(19, 23) * DAY_MS +
    random.between(8, 13) * HOUR_MS +
    random.between(3, 11) * MINUTE_MS;
  const meters = meterPlans.filter(({ bus }) => bus === failingBus).map(({ id }) => id);
  return { bus: failingBus, meters, fromMs: startMs, toMs: startMs + random.between(250, 380) * MINUTE_MS };
}

/** When nobody holds the unit. */
function vacancies(unit: string, leases: Lease[], { fromMs, toMs }: Grid): CountedMeter['vacant'] {
  const at = (date: string): number =>
    Temporal.PlainDate.from(date).toZonedDateTime(timeZone).epochMilliseconds;
  const held = leases.filter((lease) => lease.units.includes(unit));
  if (held.length === 0) return [{ fromMs, toMs }];
  if (unit !== changingUnit) return [];
  const [before, after] = held;
  return [{ fromMs: at(before?.to ?? ''), toMs: at(after?.from ?? '') }];
}

interface SizedMeter {
  plan: MeterPlan;
  stepMicro: number;
  multiplier: number;
  maxPerHour: number;
}

const transformers = [10, 20, 30, 40, 60, 80, 120, 160, 200, 300, 400, 600, 800];
/** A meter takes up to 40 kW directly; behind current transformers it sees a few kW at most. */
const directKw = 40;
const transformedKw = 3.5;

/** Sizes the current transformers by the load that can come together behind each meter. */
function sizeMeters(profiles: Profiles): SizedMeter[] {
  const rated = new Map<string, number>();
  for (const { id, parent, load } of [...meterPlans].reverse()) {
    const own = (rated.get(id) ?? 0) + (load === null ? 0 : (load.base + load.peak) / 1000);
    rated.set(id, own);
    if (parent !== null) rated.set(parent, (rated.get(parent) ?? 0) + own);
  }
  return meterPlans.map((plan) => {
    const load = rated.get(plan.id) ?? 0;
    const stepMicro = resolutionMicro(profiles, plan.profile);
    if (plan.utility === 'water') return { plan, stepMicro, multiplier: 1, maxPerHour: load > 3 ? 60 : 10 };
    if (load <= directKw) return { plan, stepMicro, multiplier: 1, maxPerHour: 80 };
    const multiplier = transformers.find((ratio) => load / ratio <= transformedKw) ?? 1_000;
    return { plan, stepMicro, multiplier, maxPerHour: 6 };
  });
}

const DIGITS = 6;

/** Puts a meter with a history on the wall. One of them is about to roll over. */
function hangMeter(
  { plan, stepMicro, multiplier }: SizedMeter,
  counts: Float64Array,
  profiles: Profiles,
  seed: number,
): MeterTruth {
  const { register } = billingRegister(profiles, plan.profile);
  const random = randomStream(seed, `${plan.id}/face`);
  const modulus = stepsOf(10 ** DIGITS, stepMicro);
  // Below 60,000 a 32-bit float still holds every hundredth.
  let offset = random.between(stepsOf(3_000, stepMicro), stepsOf(52_000, stepMicro));
  if (plan.id === rolledMeter)
    offset = modulus - (counts[Math.floor((counts.length * random.between(300, 700)) / 1000)] ?? 0);
  const unit = plan.utility === 'water' ? 'm3' : 'kWh';
  const devices: Device[] = [{ fromMs: -Infinity, offset, modulus }];
  return { meter: plan.id, register: register.obis, unit, stepMicro, multiplier, counts, devices };
}

const stepsOf = (units: number, stepMicro: number): number => Math.floor((units * 1_000_000) / stepMicro);

/** Swaps a device on a working morning, between two readings. */
function exchangeMeter(truth: Truth, random: Random): MeterExchange {
  const { fromMs } = truth.grid;
  const atMs = fromMs + random.between(7, 10) * DAY_MS + 10 * HOUR_MS + random.between(2, 12) * MINUTE_MS;
  const meter = truth.of(exchangedMeter);
  const old = meter.devices[0]?.offset ?? 0;
  const modulus = meter.devices[0]?.modulus ?? Infinity;
  const count = truth.count(meter, atMs);
  const initial = random.between(1, 4_000);
  meter.devices.push({ fromMs: atMs, offset: initial - count, modulus });
  const face = (steps: number): string => formatMicro(BigInt(steps * meter.stepMicro));
  return {
    meter: exchangedMeter,
    at: Temporal.Instant.fromEpochMilliseconds(atMs).toString(),
    finalOld: face((old + count) % modulus),
    initialNew: face(initial),
    newSerial: `2026${random.between(10_000_000, 99_999_999)}`,
    newDigits: DIGITS,
    newMultiplier: `${meter.multiplier}`,
  };
}

function parkMeter(
  { plan, multiplier, maxPerHour }: SizedMeter,
  profiles: Profiles,
  gateway: string,
  seed: number,
): ParkMeter {
  const { id, name, utility, parent, building, floor, room, serves, accuracyPercent } = plan;
  return {
    id,
    name,
    serial: `${randomStream(seed, `${id}/serial`).between(2_019, 2_025)}${randomStream(seed, id).between(10_000_000, 99_999_999)}`,
    utility,
    register: billingRegister(profiles, plan.profile).register.obis,
    parent,
    building,
    floor,
    room,
    serves,
    multiplier: `${multiplier}`,
    digits: DIGITS,
    maxPerHour: `${maxPerHour}`,
    accuracyPercent,
    gateway,
  };
}

function wire(gateway: string): Wiring {
  const on = (bus: string): MeterPlan[] => meterPlans.filter((plan) => plan.bus === bus);
  return {
    gateway,
    buses: busPlans.map((bus) => ({
      ...bus,
      meters: on(bus.id).map(({ id, profile }, index) => ({ meter: id, profile, unit: index + 1 })),
    })),
    push: on('push').map(({ id, profile }) => ({ meter: id, profile, topic: `meters/${id}/up` })),
  };
}
