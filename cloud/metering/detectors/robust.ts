/** Statistics that a few wild values do not move. */

/** @returns NaN of nothing */
export function median(values: readonly number[] | Float64Array): number {
  return quantile(values, 0.5);
}

/** @param share 0 to 1, straight lines between the values */
export function quantile(values: readonly number[] | Float64Array, share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? 0;
  return low + (high - low) * (at - Math.floor(at));
}

/** Median absolute deviation, scaled to a standard deviation where the values are normal. */
export function spread(values: readonly number[] | Float64Array, centre: number = median(values)): number {
  return 1.4826 * median(Float64Array.from(values, (value) => Math.abs(value - centre)));
}
