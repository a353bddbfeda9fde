/**
 * The highest mean power: energy of a window over its length. Blocks follow one another on the site's clock; a sliding window
 * moves by a step that its intervals allow. A window of which any interval is missing has no mean.
 */
import { compare, type Rational, rational } from '../rational.ts';
import type { UsageInterval } from '../summarize-usage.ts';

export interface DemandWindow {
  readonly minutes: number;
  /** By how much the window moves on: its own length for blocks. */
  readonly stepMinutes: number;
}

/** In kW, with the start of the window that reached it. */
export interface PeakDemand {
  readonly kw: Rational;
  readonly startMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000n;
const MICRO = 1_000_000n;

/**
 * @param intervals of one meter in any order, not overlapping
 * @param span windows begin at its start and end within it
 * @returns null where no window is whole
 */
export function peakDemand(
  intervals: readonly UsageInterval[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { minutes, stepMinutes }: DemandWindow,
): PeakDemand | null {
  const lengthMs = minutes * MINUTE_MS;
  const stepMs = stepMinutes * MINUTE_MS;
  const sorted = [...intervals].sort((a, b) => a.startMs - b.startMs);
  let first = 0;
  let peak: PeakDemand | null = null;
  for (let startMs = fromMs; startMs + lengthMs <= toMs; startMs += stepMs) {
    while ((sorted[first]?.startMs ?? Number.POSITIVE_INFINITY) < startMs) first += 1;
    const energy = energyOf(sorted, first, startMs, startMs + lengthMs);
    if (energy === null) continue;
    const kw = rational(energy * HOUR_MS, BigInt(lengthMs) * MICRO);
    if (peak === null || compare(kw, peak.kw) > 0) peak = { kw, startMs };
  }
  return peak;
}

/** What the intervals from `first` on count if they tile the window exactly, else null. */
function energyOf(
  sorted: readonly UsageInterval[],
  first: number,
  startMs: number,
  endMs: number,
): bigint | null {
  let at = startMs;
  let energy = 0n;
  for (let index = first; at < endMs; index += 1) {
    const interval = sorted[index];
    if (interval === undefined || interval.startMs !== at || interval.quantity === null) return null;
    energy += interval.quantity;
    at = interval.endMs;
  }
  return at === endMs ? energy : null;
}
