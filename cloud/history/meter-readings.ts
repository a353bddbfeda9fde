/** The readings of one meter in order of time, exact, with what repeats on the way told apart. */
import { type Columns, REPEATED } from './reading-columns.ts';

/** Value `i` is `units[i] / 10^scale`, read at `ms[i]`. Instants never fall; equal ones are rows that repeat. */
export interface MeterReadings {
  ms: Float64Array;
  units: BigInt64Array;
  scale: number;
  /** Instants of rows whose local time came for the second time, when the clock had been turned back. */
  repeatedMs: readonly number[];
}

const HOUR_MS = 3_600_000;
const power = (scale: number): bigint => 10n ** BigInt(scale);

/**
 * @param rows of the columns that are the meter's, in the order of the file
 * @param isRegister then a larger value is the later one of two with one local time
 * @throws RangeError where the values of one meter need more than 18 digits
 */
export function meterReadings(columns: Columns, rows: Uint32Array, isRegister: boolean): MeterReadings {
  let scale = 0;
  let repeated = 0;
  for (const row of rows) {
    const flags = columns.scales[row] ?? 0;
    scale = Math.max(scale, flags & ~REPEATED);
    if ((flags & REPEATED) !== 0) repeated += 1;
  }
  const all: { ms: Float64Array; units: BigInt64Array } = {
    ms: new Float64Array(rows.length),
    units: new BigInt64Array(rows.length),
  };
  let sorted = true;
  rows.forEach((row, i) => {
    const own = (columns.scales[row] ?? 0) & ~REPEATED;
    const units = (columns.units[row] ?? 0n) * (own === scale ? 1n : power(scale - own));
    if (BigInt.asIntN(64, units) !== units)
      throw new RangeError('the values of a meter need more than 18 digits');
    all.ms[i] = columns.ms[row] ?? 0;
    all.units[i] = units;
    if (i > 0 && (all.ms[i] ?? 0) < (all.ms[i - 1] ?? 0)) sorted = false;
  });
  const repeatedMs: number[] = [];
  if (repeated > 0) {
    const flagged = [...rows.keys()].filter((i) => ((columns.scales[rows[i] ?? 0] ?? 0) & REPEATED) !== 0);
    for (const span of Map.groupBy(flagged, (i) => Math.floor((all.ms[i] ?? 0) / (12 * HOUR_MS))).values())
      secondPass(all, span, isRegister, repeatedMs);
    sorted = false;
  }
  if (sorted) return { ...all, scale, repeatedMs };
  const order = Uint32Array.from(rows.keys()).sort((a, b) => (all.ms[a] ?? 0) - (all.ms[b] ?? 0) || a - b);
  return {
    ms: Float64Array.from(order, (i) => all.ms[i] ?? 0),
    units: BigInt64Array.from(order, (i) => all.units[i] ?? 0n),
    scale,
    repeatedMs: repeatedMs.sort((a, b) => a - b),
  };
}

/**
 * Rows of the hour that the clock went through twice, all put into the first pass so far: those whose local time goes back,
 * while the register goes on, are of the second.
 */
function secondPass(
  { ms, units }: { ms: Float64Array; units: BigInt64Array },
  rows: number[],
  isRegister: boolean,
  repeatedMs: number[],
): void {
  const byCount = (a: number, b: number): number => {
    const difference = isRegister ? (units[a] ?? 0n) - (units[b] ?? 0n) : 0n;
    return difference < 0n ? -1 : difference > 0n ? 1 : a - b;
  };
  const seen = new Set<number>();
  const steps = rows.map((row) => ms[row] ?? 0).sort((a, b) => a - b);
  const distinct = steps.filter((at, i) => i > 0 && at - (steps[i - 1] ?? at) > HOUR_MS / 30);
  const cadence = HOUR_MS / (distinct.length + 1);
  let last = Number.NEGATIVE_INFINITY;
  for (const row of rows.sort(byCount)) {
    const at = ms[row] ?? 0;
    if (seen.has(at) || at - last < cadence / 2) {
      ms[row] = at + HOUR_MS;
      repeatedMs.push(at + HOUR_MS);
    } else {
      seen.add(at);
      last = at;
    }
  }
}
