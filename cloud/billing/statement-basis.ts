/** How a line came to its quantity, as the statement shows it. */
import type { Park } from '../../protocols/park.ts';
import type { PoolHop, PoolStream, StatementLine, WorkedFormula } from '../../protocols/statement.ts';
import { formatMicro } from '../../protocols/units.ts';
import { dateStartMs, instantText } from './billing-period.ts';
import { type Leaf, leafName, quantityIn } from './leaf.ts';
import { formatFraction, type Rational, toDecimal } from './rational.ts';
import type { Stream } from './sharing/cascade.ts';
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
