/**
 * The correction of what was billed: nothing is edited. At the same price the difference in quantity is booked; at another
 * price the old line is reversed and the right one booked.
 */
import { compare, isZero, multiply, type Rational, rational, subtract } from './rational.ts';

export interface RatedQuantity {
  readonly quantity: Rational;
  readonly unit: Rational;
}
export interface CorrectionLine extends RatedQuantity {
  readonly amount: Rational;
}

const line = (quantity: Rational, unit: Rational): CorrectionLine => ({
  quantity,
  unit,
  amount: multiply(quantity, unit),
});

/** The lines that lead from what was billed to what is right; none where they are the same. */
export function correctionLines(billed: RatedQuantity, current: RatedQuantity): CorrectionLine[] {
  const lines =
    compare(billed.unit, current.unit) === 0
      ? [line(subtract(current.quantity, billed.quantity), current.unit)]
      : [line(multiply(billed.quantity, rational(-1n)), billed.unit), line(current.quantity, current.unit)];
  return lines.filter(({ quantity }) => !isZero(quantity));
}
