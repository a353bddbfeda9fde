/**
 * From exact to approximate, one way only: what the detectors compare are floats in kWh or m3; what is billed never is.
 */
const cell = new DataView(new ArrayBuffer(8));

/** @param units at most 2^63 - 1 in size; the result is exact below 2^53 and the nearest float above */
export function nearestFloat(units: bigint): number {
  if (BigInt.asIntN(64, units) !== units) throw new RangeError(`${units} does not fit 64 bits`);
  cell.setBigInt64(0, units);
  return cell.getInt32(0) * 2 ** 32 + cell.getUint32(4);
}

/** Millionths to their unit. */
export const approximate = (micro: bigint): number => nearestFloat(micro) / 1_000_000;
