/**
 * Estimation over the history of one meter, with nothing known of it but its readings: contiguous intervals on the site's
 * grid, each with quality, method and reason. Registers are cut where their meter was reset, exchanged or rescaled; between
 * two registers of one piece the intervals add up to their difference exactly.
 */
import type { Quality } from '../../protocols/api.ts';
import { nearestFloat } from './approximate.ts';
import { type DerivedInterval, deriveIntervals, type IntervalMethod } from './derive-intervals.ts';
import { LikeSpans } from './like-spans.ts';
import { type RegisterPiece, registerPieces } from './register-pieces.ts';
import type { RegisterPoint } from './register-step.ts';
import { boundaryAtOrBefore, type SiteGrid, siteGrid } from './site-grid.ts';

export interface MeterHistory {
  timeZone: string;
  kind: 'register' | 'interval';
  digits: number | null;
  maxRate: number | null;
  /** Ascending; value `i` is `units[i] / 10^scale`. */
  ms: Float64Array;
  units: BigInt64Array;
  scale: number;
}

export interface HistoryInterval {
  startMs: number;
  endMs: number;
  /** In units of 10^-scale; null exactly when the quality is `missing`. */
  quantity: bigint | null;
  quality: Quality;
  /** `like_day` where no total is known, `rescaled` where a suspected factor was taken back. */
  method: IntervalMethod | 'like_day' | 'rescaled';
  reason: string;
}

export interface HistoryEstimate {
  scale: number;
  grid: SiteGrid;
  intervals: HistoryInterval[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Steps that a grid may have, in minutes: parts of a day. */
const STEPS = [60, 30, 20, 15, 10, 5, 1];
const LINEAR_MS = 2 * HOUR_MS;
/** Quantities are kept to a millionth at least. */
const LEAST_SCALE = 6;

export function estimateHistory(history: MeterHistory): HistoryEstimate | null {
  const { ms, timeZone } = history;
  const [firstMs] = ms;
  if (firstMs === undefined) return null;
  const stepMs = usualStep(ms);
  const minutes = STEPS.find((step) => step * MINUTE_MS <= stepMs * 1.05) ?? 1;
  const isRegister = history.kind === 'register';
  const lastMs = (ms.at(-1) ?? firstMs) + (isRegister ? 0 : minutes * MINUTE_MS);
  const grid = siteGrid({ timeZone, minutes, fromMs: firstMs, toMs: lastMs });
  const scale = Math.max(history.scale, LEAST_SCALE);
  const units = history.units.map((value) => value * 10n ** BigInt(scale - history.scale));
  const span = { firstMs, lastMs, stepMs };
  const intervals = isRegister
    ? fromRegisters({ ...history, units, scale }, grid, span)
    : fromIntervals({ ...history, units, scale }, grid, span);
  return { scale, grid, intervals: fillHoles(grid, intervals, scale) };
}

interface Span {
  firstMs: number;
  lastMs: number;
  stepMs: number;
}

/** The median of the steps between readings. */
function usualStep(ms: Float64Array): number {
  const steps = ms
    .slice(1)
    .map((at, i) => at - (ms[i] ?? at))
    .filter((step) => step > 0)
    .sort();
  return steps[steps.length >> 1] ?? HOUR_MS;
}

function fromRegisters(history: MeterHistory, grid: SiteGrid, span: Span): HistoryInterval[] {
  const pieces = registerPieces(history);
  const whole = blank(grid, span);
  const [first] = whole;
  const offset = first === undefined ? 0 : boundaryAtOrBefore(grid, first.startMs);
  for (const piece of pieces) {
    for (const interval of pieceIntervals(piece, grid)) {
      const at = boundaryAtOrBefore(grid, interval.startMs) - offset;
      const known = whole[at];
      if (known === undefined || interval.quantity === null) continue;
      whole[at] =
        known.quantity === null
          ? interval
          : {
              ...interval,
              quantity: known.quantity + interval.quantity,
              quality: 'estimated',
              reason: piece.begins,
            };
    }
    const at = boundaryAtOrBefore(grid, piece.points[0]?.atMs ?? 0) - offset;
    for (let k = at; k >= 0 && whole[k]?.quantity === null; k -= 1)
      whole[k] = { ...hole(whole[k]), reason: piece.begins };
  }
  nameShortGaps(whole, history.ms, span.stepMs);
  return whole;
}

const hole = (interval: HistoryInterval | undefined): HistoryInterval => ({
  startMs: interval?.startMs ?? 0,
  endMs: interval?.endMs ?? 0,
  quantity: null,
  quality: 'missing',
  method: 'none',
  reason: 'gap',
});

/** Every interval of the grid that the history touches, none known. */
function blank(grid: SiteGrid, { firstMs, lastMs }: Span): HistoryInterval[] {
  const intervals: HistoryInterval[] = [];
  for (let k = boundaryAtOrBefore(grid, firstMs); k < grid.slots.length; k += 1) {
    const startMs = grid.boundaries[k] ?? 0;
    if (startMs >= lastMs) break;
    intervals.push({ ...hole(undefined), startMs, endMs: grid.boundaries[k + 1] ?? 0 });
  }
  return intervals;
}

/** The intervals between the first and the last register of a piece; in those that it only touches, what it counted there. */
function pieceIntervals(piece: RegisterPiece, grid: SiteGrid): HistoryInterval[] {
  const first = piece.points[0];
  const last = piece.points.at(-1);
  if (first === undefined || last === undefined) return [];
  const fromMs = grid.boundaries[boundaryAtOrBefore(grid, first.atMs)] ?? first.atMs;
  const end = boundaryAtOrBefore(grid, last.atMs - 1) + 1;
  const toMs = grid.boundaries[end] ?? last.atMs;
  const edges: RegisterPoint[] = [];
  if (fromMs < first.atMs) edges.push({ atMs: fromMs, value: first.value });
  if (toMs > last.atMs) edges.push({ atMs: toMs, value: last.value });
  const device = {
    fromMs: Number.NEGATIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
    multiplier: 1_000_000n,
    modulus: piece.limits.modulus,
    initial: null,
    final: null,
  };
  const { intervals } = deriveIntervals({
    grid,
    readings: [...edges, ...piece.points],
    facts: { maxPerHour: piece.limits.maxPerHour as never, devices: [device] },
    fromMs,
    toMs,
    toleranceMs: 0,
  });
  return intervals.map((interval) => pieceInterval(interval, piece, first.atMs, last.atMs));
}

function pieceInterval(
  interval: DerivedInterval,
  { rescaledMs, standstills }: RegisterPiece,
  firstMs: number,
  lastMs: number,
): HistoryInterval {
  if (interval.quantity === null) return interval;
  const isPartial = interval.startMs < firstMs || interval.endMs > lastMs;
  if (isPartial) return { ...interval, quality: 'estimated', method: 'linear', reason: 'partial' };
  if (interval.endMs > rescaledMs)
    return { ...interval, quality: 'estimated', method: 'rescaled', reason: 'scale_change' };
  const isStill = standstills.some(({ fromMs, toMs }) => interval.startMs < toMs && interval.endMs > fromMs);
  return isStill && interval.quality === 'estimated' ? { ...interval, reason: 'stuck' } : interval;
}

/** Boundaries that lie between two readings a usual step apart are no gap. */
function nameShortGaps(intervals: HistoryInterval[], ms: Float64Array, stepMs: number): void {
  let next = 0;
  const gapAt = (atMs: number): number => {
    while (next < ms.length && (ms[next] ?? 0) < atMs) next += 1;
    return ms[next] === atMs
      ? 0
      : (ms[next] ?? Number.POSITIVE_INFINITY) - (ms[next - 1] ?? Number.NEGATIVE_INFINITY);
  };
  let before = gapAt(intervals[0]?.startMs ?? 0);
  intervals.forEach((interval, i) => {
    const after = gapAt(interval.endMs);
    const isShort = Math.max(before, after) <= 1.5 * stepMs;
    before = after;
    if (isShort && interval.method === 'linear' && interval.reason === 'gap')
      intervals[i] = { ...interval, reason: 'between_readings' };
  });
}

function fromIntervals({ ms, units }: MeterHistory, grid: SiteGrid, span: Span): HistoryInterval[] {
  const whole = blank(grid, span);
  const offset = boundaryAtOrBefore(grid, whole[0]?.startMs ?? 0);
  ms.forEach((atMs, i) => {
    const at = boundaryAtOrBefore(grid, atMs) - offset;
    const known = whole[at];
    const quantity = units[i] ?? 0n;
    if (known === undefined || known.quantity !== null) return;
    whole[at] = { ...known, quantity, quality: 'actual', method: 'difference', reason: '' };
  });
  return whole;
}

/** Holes with no total: a straight line between their neighbours up to two hours, like days beyond. */
function fillHoles(grid: SiteGrid, intervals: HistoryInterval[], scale: number): HistoryInterval[] {
  const [first] = intervals;
  if (first === undefined || intervals.every(({ quantity }) => quantity !== null)) return intervals;
  const offset = boundaryAtOrBefore(grid, first.startMs);
  const unit = 10 ** scale;
  const known = new Float64Array(grid.slots.length).fill(Number.NaN);
  intervals.forEach(({ quantity, quality }, i) => {
    if (quantity !== null && quality === 'actual') known[offset + i] = nearestFloat(quantity) / unit;
  });
  let likes: LikeSpans | null = null;
  for (let from = 0; from < intervals.length; from += 1) {
    if (intervals[from]?.quantity !== null) continue;
    let to = from;
    while (intervals[to]?.quantity === null) to += 1;
    const left = known[offset + from - 1] ?? Number.NaN;
    const right = known[offset + to] ?? Number.NaN;
    const isShort = (intervals[to - 1]?.endMs ?? 0) - (intervals[from]?.startMs ?? 0) <= LINEAR_MS;
    const isLine = isShort && !Number.isNaN(left) && !Number.isNaN(right);
    likes ??= new LikeSpans(grid, known);
    const shape = isLine
      ? Float64Array.from(
          { length: to - from },
          (_, i) => left + ((right - left) * (i + 1)) / (to - from + 1),
        )
      : likes.shape({ from: offset + from, to: offset + to, total: null });
    if (shape !== null)
      for (let k = from; k < to; k += 1)
        intervals[k] = {
          ...hole(intervals[k]),
          reason: intervals[k]?.reason ?? 'gap',
          quantity: BigInt(Math.round((shape[k - from] ?? 0) * unit)),
          quality: 'estimated',
          method: isLine ? 'linear' : 'like_day',
        };
    from = to;
  }
  return intervals;
}
