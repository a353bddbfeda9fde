/** How a line came to its quantity, as the statement shows it and as it is worked out again. */
import type { Park } from '../../protocols/park.ts';
import type { PoolHop, PoolStream, StatementLine, WorkedFormula } from '../../protocols/statement.ts';
import { formatMicro } from '../../protocols/units.ts';
import { dateStartMs, instantText } from './billing-period.ts';
import { evaluateFormula, type Step } from './formula/evaluate-formula.ts';
import { parseFormula } from './formula/parse.ts';
import { type Leaf, leafName, quantityIn } from './leaf.ts';
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
  toDecimal,
  ZERO,
} from './rational.ts';
import type { Stream } from './sharing/cascade.ts';
import type { Inputs } from './sharing/evaluate-rule.ts';
import { valuesOf } from './sharing/evaluate-rule.ts';
import type { Hop, Worked } from './sharing/share-pool.ts';

type Basis = StatementLine['basis'];

/** @param touPeriod the one that the line prices; null is all of them */
export function basisOf(park: Park, leaf: Leaf, touPeriod: string | null): Basis {
  const meters = [...leaf.meters];
  const { basis } = leaf;
  const pool = park.pools.find(({ id }) => id === leaf.pool);
  switch (basis.kind) {
    case 'own':
      return { kind: 'own', meters };
    case 'area_days': {
      if (pool === undefined) throw new RangeError(`no pool ${leafName(leaf)}`);
      const { id, version, text } = pool.rule;
      return {
        kind: 'pool',
        rule: `${id} v${version}: ${text}`,
        poolQuantity: formatMicro(quantityIn(basis.pool, touPeriod)),
        weight: toDecimal(basis.weight),
        totalWeight: toDecimal(basis.totalWeight),
        meters,
      };
    }
    case 'streams':
      return {
        kind: 'rule',
        streams: basis.streams.map((stream) => streamText(park, stream, touPeriod)),
        meters,
      };
  }
}

function streamText(park: Park, { source, hops }: Stream, touPeriod: string | null): PoolStream {
  const { part, meters, quantities, difference } = source;
  return {
    from: instantText(dateStartMs(part.from, park.timeZone)),
    to: instantText(dateStartMs(part.to, park.timeZone)),
    meters: [...meters],
    difference:
      difference === null
        ? null
        : { above: formatMicro(difference.above), below: formatMicro(difference.below) },
    quantity: formatMicro(quantityIn(quantities, touPeriod)),
    path: hops.map((hop) => hopText(park, hop)),
  };
}

const hopText = ({ pools }: Park, hop: Hop): PoolHop => ({
  pool: hop.pool,
  poolName: pools.find(({ id }) => id === hop.pool)?.name ?? hop.pool,
  rule: hop.rule.id,
  version: hop.rule.version,
  ruleText: hop.rule.text,
  method: hop.method,
  weight: workedText(hop.weight),
  totalWeight: formatFraction(hop.totalWeight),
  factor:
    hop.factor === null
      ? null
      : {
          ...workedText(hop.factor),
          most: hop.factor.cap === null ? null : formatFraction(hop.factor.cap),
        },
  cap: hop.cap === null ? null : { ...workedText(hop.cap), of: formatFraction(hop.cap.of) },
  share: formatFraction(hop.share),
});

const workedText = ({ text, inputs, value }: Worked): WorkedFormula => ({
  text,
  inputs: namedTexts(inputs.period),
  days: inputs.days.map(({ date, values }) => ({ date, values: namedTexts(values) })),
  value: formatFraction(value),
});
const namedTexts = (values: readonly { name: string; value: Rational }[]) =>
  values.map(({ name, value }) => ({ name, value: formatFraction(value) }));

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
