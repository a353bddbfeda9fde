/** The run of high days that a series ends with, against the normal days before it. */

export interface TrailingRun<T> {
  /** The high days since the last normal one. */
  run: T[];
  /** Normal days before the run, oldest first, at most `MEMORY_DAYS`; a run is never part of its own measure. */
  normal: T[];
}

const MEMORY_DAYS = 28;

/**
 * @param isHigh judges a day by the normal days before it; null for a day that cannot be judged: it is passed over
 * @param blip a run that ends within so many days was part of normal life, and is remembered as such
 */
export function trailingRun<T>(
  days: readonly T[],
  isHigh: (day: T, normal: readonly T[]) => boolean | null,
  blip: number,
): TrailingRun<T> {
  let run: T[] = [];
  let normal: T[] = [];
  for (const day of days) {
    const high = isHigh(day, normal);
    if (high === null) continue;
    if (high) {
      run.push(day);
      continue;
    }
    normal = [...normal, ...(run.length <= blip ? run : []), day].slice(-MEMORY_DAYS);
    run = [];
  }
  return { run, normal };
}
