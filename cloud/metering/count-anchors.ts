/** Anchors: the instants at which the consumption so far is known, over rollovers and exchanges, from valid readings only. */
import { type Device, type MeterFacts, productOf } from './meter-facts.ts';
import { type RegisterLimits, type RegisterPoint, registerStep } from './register-step.ts';
import { boundaryAtOrBefore, type SiteGrid } from './site-grid.ts';
import { type BadRegister, validateRegisters } from './validate-registers.ts';

/** Consumption since the first anchor, in Micro, after the multiplier. Instants ascend strictly; counts never fall. */
export interface CountAnchor {
  atMs: number;
  count: bigint;
  /** From a register that the meter kept itself. */
  frozen: boolean;
}

/** What a statement tells beside the difference of two registers. */
export interface RegisterEvent {
  kind: 'rollover' | 'exchange';
  /** Of an exchange the instant itself, of a rollover the first reading after it. */
  atMs: number;
}

export interface BadPoint {
  atMs: number;
  code: BadRegister;
}

export interface Counts {
  anchors: CountAnchor[];
  events: RegisterEvent[];
  bad: BadPoint[];
}

/**
 * @param readings of the billing register, in any order, repeated or not
 * @param toleranceMs a reading so little after a boundary of the grid is the boundary's
 * @param sinceMs the counting starts here if the first reading is later: what an exchange states from here on counts
 */
export function countAnchors(
  readings: readonly RegisterPoint[],
  facts: MeterFacts,
  grid: SiteGrid,
  toleranceMs: number,
  sinceMs: number = Number.POSITIVE_INFINITY,
): Counts {
  const sorted = inOrder(readings);
  const counts: Counts = { anchors: [], events: [], bad: [] };
  const fromMs = Math.min(sorted[0]?.atMs ?? Number.POSITIVE_INFINITY, sinceMs);
  const toMs = sorted.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
  facts.devices.forEach((device, index) => {
    if (device.toMs <= fromMs || device.fromMs > toMs) return;
    const points = sorted.filter(({ atMs }) => atMs >= device.fromMs && atMs < device.toMs);
    // An exchange before the start or after all readings has nothing to join.
    const stated = {
      initial: device.fromMs < fromMs ? null : device.initial,
      final: device.toMs > toMs ? null : device.final,
    };
    const { good, bad } = validPoints(points, { ...device, ...stated }, facts.maxPerHour);
    counts.bad.push(...bad);
    if (index > 0 && counts.anchors.length > 0) counts.events.push({ kind: 'exchange', atMs: device.fromMs });
    addDevice(counts, good, device, boundarySnap(grid, toleranceMs));
  });
  return counts;
}

function inOrder(readings: readonly RegisterPoint[]): RegisterPoint[] {
  return readings
    .toSorted((a, b) => a.atMs - b.atMs || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0))
    .filter((one, i, all) => one.atMs !== all[i - 1]?.atMs || one.value !== all[i - 1]?.value);
}

/** The device's valid readings, between the registers that its exchanges state: those are never doubted. */
function validPoints(
  points: readonly RegisterPoint[],
  device: Device,
  maxPerHour: bigint,
): { good: RegisterPoint[]; bad: BadPoint[] } {
  const limits: RegisterLimits = { modulus: device.modulus, maxPerHour };
  const initial = device.initial === null ? [] : [{ atMs: device.fromMs, value: device.initial }];
  const all = [...initial, ...points];
  const codes = validateRegisters(all, limits);
  const good = all.filter((_, i) => codes[i] === null);
  const bad = all.flatMap(({ atMs }, i) => {
    const code = codes[i];
    return code === null || code === undefined ? [] : [{ atMs, code }];
  });
  if (device.final === null) return { good, bad };
  const final = { atMs: device.toMs, value: device.final };
  for (let last = good.at(-1); last !== undefined; last = good.at(-1)) {
    if (registerStep(last, final, limits) !== null || good.length <= initial.length) break;
    bad.push({ atMs: last.atMs, code: 'implausible' });
    good.pop();
  }
  return { good: [...good, final], bad };
}

function addDevice(
  counts: Counts,
  good: readonly RegisterPoint[],
  device: Device,
  snap: (ms: number, afterMs: number) => number,
): void {
  const { anchors, events } = counts;
  const [first] = good;
  if (first === undefined) return;
  // The new register takes up the count where the old one was left.
  const base = (anchors.at(-1)?.count ?? 0n) - productOf(device, first.value);
  let wraps = 0n;
  let previous = first.value;
  for (const { atMs, value, frozen = false } of good) {
    const lastMs = anchors.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
    const anchorMs = snap(atMs, lastMs);
    if (value < previous) {
      wraps += device.modulus;
      events.push({ kind: 'rollover', atMs: anchorMs });
    }
    previous = value;
    if (anchorMs > lastMs)
      anchors.push({ atMs: anchorMs, count: base + productOf(device, value + wraps), frozen });
  }
}

/** The boundary that a reading belongs to, unless another anchor stands there or after it. */
function boundarySnap(grid: SiteGrid, toleranceMs: number): (ms: number, afterMs: number) => number {
  return (ms, afterMs) => {
    const boundary = grid.boundaries[boundaryAtOrBefore(grid, ms)];
    if (boundary === undefined || boundary <= afterMs) return ms;
    return ms - boundary <= toleranceMs ? boundary : ms;
  };
}
