/**
 * A register's history in pieces that count on: cut where it was reset or its meter exchanged, brought back to one scale
 * where it changed by a power of ten, without the readings of a standstill that was made up later.
 */
import { nearestFloat } from './approximate.ts';
import { RegisterWatch } from './detectors/register-watch.ts';
import { quantile } from './detectors/robust.ts';
import type { RegisterLimits, RegisterPoint } from './register-step.ts';

export interface RegisterPiece {
  points: RegisterPoint[];
  limits: RegisterLimits;
  /** What it begins with: `no_reading`, or the fault that cut it off from the one before. */
  begins: string;
  /** From here on the values were brought back to the scale before; infinity where none were. */
  rescaledMs: number;
  standstills: readonly { fromMs: number; toMs: number }[];
}

interface RegisterHistory {
  digits: number | null;
  maxRate: number | null;
  ms: Float64Array;
  units: BigInt64Array;
  scale: number;
}

const HOUR_MS = 3_600_000;
/** A rate so many times those that hardly ever occur is none. */
const BEYOND_USUAL = 10;
const NO_LIMIT = 10n ** 30n;

interface Cut {
  atMs: number;
  /** Null for a scale that changed. */
  begins: string | null;
  factor: number;
}

export function registerPieces(history: RegisterHistory): RegisterPiece[] {
  const { ms, units, scale } = history;
  const unit = 10 ** scale;
  const values = Float64Array.from(units, (value) => nearestFloat(value) / unit);
  const { cuts, standstills, full } = faultsOf(history, values);
  const limits = { maxPerHour: mostPerHour(history, values), modulus: modulusOf(history, full) };
  const first = {
    points: [],
    limits,
    begins: 'no_reading',
    rescaledMs: Number.POSITIVE_INFINITY,
    standstills,
  };
  let piece: RegisterPiece = first;
  const pieces = [piece];
  let factor = 1;
  let cut = 0;
  let still = 0;
  for (let i = 0; i < ms.length; i += 1) {
    const atMs = ms[i] ?? 0;
    for (let next = cuts[cut]; next !== undefined && next.atMs <= atMs; next = cuts[cut]) {
      cut += 1;
      factor *= next.factor;
      if (next.begins === null) piece.rescaledMs = Math.min(piece.rescaledMs, next.atMs);
      else {
        piece = { ...first, points: [], begins: next.begins };
        pieces.push(piece);
      }
    }
    while ((standstills[still]?.toMs ?? Number.POSITIVE_INFINITY) <= atMs) still += 1;
    if (atMs > (standstills[still]?.fromMs ?? Number.POSITIVE_INFINITY)) continue;
    piece.points.push({ atMs, value: rescaled(units[i] ?? 0n, factor) });
  }
  return pieces;
}

const rescaled = (value: bigint, factor: number): bigint =>
  factor === 1
    ? value
    : factor > 1
      ? value / BigInt(Math.round(factor))
      : value * BigInt(Math.round(1 / factor));

function faultsOf(
  history: RegisterHistory,
  values: Float64Array,
): { cuts: Cut[]; standstills: { fromMs: number; toMs: number }[]; full: number | null } {
  let cuts: Cut[] = [];
  const standstills: { fromMs: number; toMs: number }[] = [];
  let full: number | null = null;
  const watch = new RegisterWatch(history, {
    counted: () => {},
    caughtUp: (fromMs, toMs) => standstills.push({ fromMs, toMs }),
    withdrawn: (atMs) => {
      cuts = cuts.filter((one) => one.atMs !== atMs);
    },
    fault: (type, atMs, _, { before = 0, factor = 1 }) => {
      if (type === 'rollover') full = Math.max(full ?? 0, before);
      else if (type === 'scale_change' && factor !== 1) cuts.push({ atMs, begins: null, factor });
      else if (type !== 'spike' && type !== 'dip') cuts.push({ atMs, begins: type, factor: 1 });
    },
  });
  let lastMs = Number.NEGATIVE_INFINITY;
  values.forEach((value, i) => {
    const ms = history.ms[i] ?? 0;
    if (ms > lastMs) watch.take({ ms, value });
    lastMs = ms;
  });
  return { cuts, standstills, full };
}

/** As stated; else far beyond the rates that hardly ever occur. */
function mostPerHour({ maxRate, ms, scale }: RegisterHistory, values: Float64Array): bigint {
  if (maxRate !== null) return BigInt(Math.round(maxRate * 10 ** scale));
  const rates: number[] = [];
  for (let i = 1; i < values.length; i += 1) {
    const delta = (values[i] ?? 0) - (values[i - 1] ?? 0);
    const step = (ms[i] ?? 0) - (ms[i - 1] ?? 0);
    if (delta > 0 && step > 0) rates.push((delta * HOUR_MS) / step);
  }
  if (rates.length === 0) return NO_LIMIT;
  return BigInt(Math.round(BEYOND_USUAL * quantile(rates, 0.99) * 10 ** scale));
}

/** As stated; else where it was seen to wrap; else nowhere. */
function modulusOf({ digits, scale }: RegisterHistory, full: number | null): bigint {
  const size = digits ?? (full === null ? null : Math.ceil(Math.log10(full + 1)));
  return size === null ? NO_LIMIT : 10n ** BigInt(size + scale);
}
