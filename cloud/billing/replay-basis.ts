/** How a line came to its quantity, worked out again from what the statement says of it: small, since it runs in the tenant's page. */
import type { PoolHop, WorkedFormula } from '../../protocols/statement.ts';
import { evaluateFormula, type Step } from './formula/evaluate-formula.ts';
import { parseFormula } from './formula/parse.ts';
import {
  compare,
  divide,
  formatFraction,
  isNegative,
  multiply,
  ONE,
  parseFraction,
  type Rational,
  smaller,
  ZERO,
} from './rational.ts';
import { type Inputs, valuesOf } from './sharing/inputs.ts';

/** The steps of a formula on a statement, worked out again from the values that stand with it. @throws RangeError */
export function traceOf({ text, inputs, days }: WorkedFormula): { value: Rational; steps: Step[] } {
  const parsed = parseFormula(text);
  if (!parsed.ok) throw new RangeError(`"${text}" is no formula: ${parsed.problem.code}`);
  const read = (values: readonly { name: string; value: string }[]) =>
    values.map(({ name, value }) => ({ name, value: fraction(value) }));
  const given: Inputs = {
    period: read(inputs),
    days: days.map(({ date, values }) => ({ date, values: read(values) })),
  };
  const found = evaluateFormula(parsed.formula, valuesOf(given));
  if (!found.ok) throw new RangeError(`"${text}": ${found.code} in ${found.detail}`);
  return found;
}

/** @throws RangeError when the text is none */
export function fraction(text: string): Rational {
  const value = parseFraction(text);
  if (value === null) throw new RangeError(`"${text}" is no fraction`);
  return value;
}

/** Says what of a hop does not follow from its own figures, or null. @throws RangeError as its figures do */
export function hopProblem({
  method,
  weight,
  totalWeight,
  factor,
  cap,
  share,
  pool,
}: PoolHop): string | null {
  const stated = fraction(weight.value);
  const weighed = traceOf(weight).value;
  const expected = method === 'quantity' && isNegative(weighed) ? ZERO : weighed;
  if (compare(stated, expected) !== 0)
    return `${pool}: the weight is stated as ${weight.value}; recomputed it is ${formatFraction(expected)}`;
  const recovered = factor === null ? ONE : recoveredBy(factor);
  if (factor !== null && compare(fraction(factor.value), recovered) !== 0)
    return `${pool}: the factor is stated as ${factor.value}; recomputed it is ${formatFraction(recovered)}`;
  const full = multiply(divide(stated, fraction(totalWeight)), recovered);
  const most = cap === null ? full : smaller(full, divide(capValue(cap), fraction(cap.of)));
  return compare(fraction(share), most) === 0
    ? null
    : `${pool}: the share is stated as ${share}; recomputed it is ${formatFraction(most)}`;
}

function recoveredBy(factor: NonNullable<PoolHop['factor']>): Rational {
  const { value } = traceOf(factor);
  if (isNegative(value)) return ZERO;
  return factor.most === null ? value : smaller(value, fraction(factor.most));
}

function capValue(cap: NonNullable<PoolHop['cap']>): Rational {
  const { value } = traceOf(cap);
  return isNegative(value) ? ZERO : value;
}
