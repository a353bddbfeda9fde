/** The shape of a meter's days, from its own measured intervals: for sharing out a known total over a gap. */
import type { SiteGrid } from './site-grid.ts';

/** What the interval `k` of the grid usually takes, in any one scale; null where no like interval was measured. */
export type Profile = (k: number) => bigint | null;

const SCALE = 1_000n;

/**
 * Mean of the measured intervals of the same local time of day, weekdays and weekends apart.
 * @param measured quantity of interval `k` in Micro, or null where it was not measured
 */
export function likeDayProfile(grid: SiteGrid, measured: (k: number) => bigint | null): Profile {
  const classes = Math.ceil((24 * 60) / grid.minutes);
  const sums = new Array<bigint>(2 * classes).fill(0n);
  const numbers = new Uint32Array(2 * classes);
  const classOf = (k: number): number => (grid.weekend[k] ?? 0) * classes + (grid.slots[k] ?? 0);
  for (let k = 0; k < grid.slots.length; k += 1) {
    const quantity = measured(k);
    if (quantity === null) continue;
    const at = classOf(k);
    sums[at] = (sums[at] ?? 0n) + quantity;
    numbers[at] = (numbers[at] ?? 0) + 1;
  }
  return (k) => {
    if (grid.slots[k] === undefined) return null;
    const at = classOf(k);
    const number = numbers[at] ?? 0;
    return number === 0 ? null : ((sums[at] ?? 0n) * SCALE) / BigInt(number);
  };
}
