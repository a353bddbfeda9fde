/**
 * From exact to approximate, one way only: what the detectors compare are floats in kWh or m3; what is billed never is.
 */
const cell = new DataView(new ArrayBuffer(8));

/** @param micro at most 2^63 - 1 in size; the result is exact below 2^53 millionths and the nearest float above */
export function approximate(micro: bigint): number {
  if (BigInt.asIntN(64, micro) !== micro) throw new RangeError(`${micro} does not fit 64 bits`);
  cell.setBigInt64(0, micro);
  return (cell.getInt32(0) * 2 ** 32 + cell.getUint32(4)) / 1_000_000;
}
