/** Runs a month of load through the meters of the tree: end meters count their loads, branches their children and a loss. */
import { randomStream } from '../random.ts';
import { shapeAt } from './load-shapes.ts';
import type { LoadPlan } from './meter-plans.ts';
import type { Grid } from './truth.ts';

/** What the counting needs to know of a meter; parents stand before their children. */
export interface CountedMeter {
  id: string;
  parent: string | null;
  /** Millionths of kWh or m3 in one step of the register, after the multiplier. */
  stepMicro: number;
  load: LoadPlan | null;
  lossPerMillion: number;
  /** Times in which nobody is there and only a twentieth of the load runs. */
  vacant: readonly { fromMs: number; toMs: number }[];
  /** A pipe that leaks so many litres an hour from then on. */
  leak: { fromMs: number; perHour: number } | null;
}

/** Where a boundary lies in the site's week. */
export interface Slot {
  day: number;
  dayOfWeek: number;
  quarter: number;
}

/** The start of each interval of the grid in site-local terms; 23- and 25-hour days as they come. */
export function siteSlots({ fromMs, toMs, intervalMs }: Grid, timeZone: string): Slot[] {
  const slots: Slot[] = [];
  let day = -1;
  let date = '';
  for (let atMs = fromMs; atMs < toMs; atMs += intervalMs) {
    const local = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone);
    const today = local.toPlainDate().toString();
    if (today !== date) day += 1;
    date = today;
    slots.push({ day, dayOfWeek: local.dayOfWeek, quarter: local.hour * 4 + Math.floor(local.minute / 15) });
  }
  return slots;
}

/** A W for a quarter of an hour is 250 millionths of a kWh, a litre an hour 250 ml. */
const MICRO_PER_RATE = 250;
const VACANT_SHARE = 20;

/** @returns steps since the start at each boundary, by meter */
export function countMeters(
  meters: readonly CountedMeter[],
  grid: Grid,
  slots: readonly Slot[],
  seed: number,
): Map<string, Float64Array> {
  const weather = weatherOf(seed, (slots.at(-1)?.day ?? 0) + 1);
  const counts = new Map<string, Float64Array>();
  for (const meter of [...meters].reverse()) {
    const children = meters.filter(({ parent }) => parent === meter.id);
    const below = children.map(({ id, stepMicro }) => ({ counts: counts.get(id), stepMicro }));
    const micro = meter.load === null ? null : loadMicro(meter, meter.load, grid, slots, weather, seed);
    const counted = new Float64Array(slots.length + 1);
    let used = 0;
    for (let i = 1; i <= slots.length; i += 1) {
      if (micro === null) {
        used = below.reduce((sum, child) => sum + (child.counts?.[i] ?? 0) * child.stepMicro, 0);
        used += Math.floor((used * meter.lossPerMillion) / 1_000_000);
      } else used += micro(i - 1);
      counted[i] = Math.floor(used / meter.stepMicro);
    }
    counts.set(meter.id, counted);
  }
  return counts;
}

/** The load of an end meter in interval `i`, in millionths of kWh or m3. */
function loadMicro(
  { id, vacant, leak }: CountedMeter,
  plan: LoadPlan,
  { fromMs, intervalMs }: Grid,
  slots: readonly Slot[],
  weather: readonly number[],
  seed: number,
): (i: number) => number {
  const random = randomStream(seed, id);
  let day = -1;
  let daily = 1000;
  return (i) => {
    const slot = slots[i];
    if (slot === undefined) return 0;
    if (slot.day !== day) {
      day = slot.day;
      const warmth = (weather[day] ?? 1000) - 1000;
      daily = random.between(960, 1040) + Math.floor((warmth * plan.weather) / 1000);
    }
    const atMs = fromMs + i * intervalMs;
    const noise = random.between(930, 1070);
    const shape = shapeAt(plan.shape, slot.dayOfWeek, slot.quarter);
    // Rate x 10^6: thousandths of the day times thousandths of the shape.
    let rate = plan.base * 1_000_000 + plan.peak * shape * daily;
    if (vacant.some((span) => span.fromMs <= atMs && atMs < span.toMs))
      rate = Math.floor(rate / VACANT_SHARE);
    const leaking = leak !== null && atMs >= leak.fromMs ? leak.perHour * 1_000_000 : 0;
    return Math.floor(((Math.floor((rate * noise) / 1000) + leaking) * MICRO_PER_RATE) / 1_000_000);
  };
}

/** Thousandths of the season's mean, by day: the month cools, and each day leans on the one before. */
function weatherOf(seed: number, days: number): number[] {
  const random = randomStream(seed, 'weather');
  let sway = 0;
  return Array.from({ length: days }, (_, day) => {
    sway = Math.floor((sway * 600) / 1000) + random.between(-55, 55);
    return 1_090 - Math.floor((day * 190) / Math.max(days, 1)) + sway;
  });
}
