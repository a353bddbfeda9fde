/**
 * Recomputes a statement from nothing but itself: registers give quantities, quantities and the supplier's amounts give money,
 * lines give the total. Every check is one that an accountant could do with the printed figures.
 */
import { z } from 'zod';
import type {
  CarriedCharge,
  PoolStream,
  RegisterSpan,
  Statement,
  StatementLine,
} from '../../protocols/statement.ts';
import { formatMicro, formatMinor, MINOR_SCALE, micro, minor } from '../../protocols/units.ts';
import {
  absolute,
  compare,
  divide,
  fromDecimal,
  multiply,
  ONE,
  parseFraction,
  type Rational,
  rational,
  subtract,
  sum,
} from './rational.ts';
import { consumptionOf, registerSlack } from './register-arithmetic.ts';
import { fraction, hopProblem } from './replay-basis.ts';
import { roundUnits } from './rounding.ts';
import { registerId } from './statement-file.ts';
import { priceTieredLines } from './tiered-charges.ts';

export const Finding = z.strictObject({
  part: z.enum(['line', 'head', 'register', 'signature', 'file']),
  id: z.string(),
  message: z.string(),
});
export type Finding = z.infer<typeof Finding>;

type Problem = string | null;

/** What a statement is recomputed from. */
export type Replayable = Pick<Statement, 'lines' | 'registers'> & {
  head: Pick<Statement['head'], 'id' | 'net' | 'tax' | 'gross' | 'carried' | 'corrects'>;
};

export function replayStatement(statement: Replayable): Finding[] {
  const { head, lines, registers } = statement;
  const lineIds = lines.map(({ id }) => id);
  const registerIds = registers.map(registerId);
  return [
    ...registers.flatMap((span, index) => {
      const id = registerId(span);
      return [
        ...check('register', id, () => repeated(registerIds, index)),
        ...check('register', id, () => registerProblem(span)),
      ];
    }),
    ...lines.flatMap((line, index) => [
      ...check('line', line.id, () => repeated(lineIds, index)),
      ...check('line', line.id, () => quantityProblem(line, registers)),
      ...check('line', line.id, () => amountProblem(line, lines)),
    ]),
    ...(head.carried ?? []).flatMap((carried) => check('head', head.id, () => carriedProblem(carried))),
    ...check('head', head.id, () => correctionProblem(statement)),
    ...check('head', head.id, () => totalProblem(statement)),
  ];
}

/** A figure that does not fit its scale, or a division by zero, is a finding like any other. */
function check(part: Finding['part'], id: string, problemOf: () => Problem): Finding[] {
  try {
    const message = problemOf();
    return message === null ? [] : [{ part, id, message }];
  } catch (error) {
    if (error instanceof RangeError) return [{ part, id, message: error.message }];
    throw error;
  }
}

const repeated = (ids: readonly string[], index: number): Problem =>
  ids.indexOf(ids[index] ?? '') === index ? null : 'it stands twice';

const differs = (what: string, stated: string, recomputed: string): Problem =>
  `${what} is stated as ${stated}; recomputed it is ${recomputed}`;

function registerProblem(span: RegisterSpan): Problem {
  const consumed = consumptionOf(span);
  const off = consumed - micro(span.quantity);
  if ((off < 0n ? -off : off) > registerSlack(span))
    return differs('the quantity', span.quantity, formatMicro(consumed));
  const periods = span.periods.reduce((sum, { quantity }) => sum + micro(quantity), 0n);
  if (span.periods.length > 0 && periods !== micro(span.quantity))
    return differs('the sum of the TOU periods', span.quantity, formatMicro(periods));
  return null;
}

/** What the registers behind a line counted, of its TOU period. */
function counted(
  meters: readonly string[],
  touPeriod: string | null,
  registers: readonly RegisterSpan[],
): bigint {
  return meters.reduce((sum, meter) => {
    const spans = registers.filter((span) => span.meter === meter);
    const [span] = spans;
    if (span === undefined || spans.length > 1)
      throw new RangeError(`meter ${meter} has ${spans.length} register spans`);
    if (touPeriod === null) return sum + micro(span.quantity);
    return sum + micro(span.periods.find((one) => one.touPeriod === touPeriod)?.quantity ?? '0');
  }, 0n);
}

function quantityProblem(
  { basis, quantity, touPeriod, pool }: StatementLine,
  registers: readonly RegisterSpan[],
): Problem {
  if (basis.kind === 'rule') {
    for (const stream of basis.streams) {
      const problem = streamProblem(stream, { touPeriod, pool }, registers);
      if (problem !== null) return problem;
    }
  } else {
    const metered = counted(basis.meters, touPeriod, registers);
    const stated = basis.kind === 'own' ? quantity : basis.poolQuantity;
    if (metered !== micro(stated)) return differs('what the registers counted', stated, formatMicro(metered));
    if (basis.kind === 'own') return null;
  }
  const exact = exactQuantity({ basis, quantity });
  return within(micro(quantity), multiply(exact, rational(1_000_000n)))
    ? null
    : differs('the share of the pool', quantity, formatMicro(roundUnits(exact, 6, 'half_up')));
}

/** In kWh or m3. @throws RangeError when the weights add up to zero */
export function exactQuantity({ basis, quantity }: Pick<StatementLine, 'basis' | 'quantity'>): Rational {
  if (basis.kind === 'own') return fromDecimal(quantity);
  if (basis.kind === 'rule') return sum(basis.streams.map(streamQuantity));
  const { poolQuantity, weight, totalWeight } = basis;
  return divide(multiply(fromDecimal(poolQuantity), fromDecimal(weight)), fromDecimal(totalWeight));
}

/** What was counted x the shares of the pools on its way. */
const streamQuantity = ({ quantity, path }: PoolStream): Rational =>
  path.reduce((left, { share }) => multiply(left, fraction(share)), fromDecimal(quantity));

/** What was counted follows from the registers of its dates, and every share on the way from its rule. */
function streamProblem(
  { from, to, meters, difference, quantity, path }: PoolStream,
  { touPeriod, pool }: Pick<StatementLine, 'touPeriod' | 'pool'>,
  registers: readonly RegisterSpan[],
): Problem {
  if (difference === null) {
    const spans = registers.filter((span) => span.from === from && span.to === to);
    const metered = counted(meters, touPeriod, spans);
    if (metered !== micro(quantity))
      return differs('what the pool’s meters counted', quantity, formatMicro(metered));
  } else {
    const { above, below } = difference;
    const metered = counted(meters, null, registers);
    if (metered !== micro(above)) return differs('what the branch counted', above, formatMicro(metered));
    if (micro(quantity) < 0n || (micro(quantity) > 0n && micro(quantity) > micro(above) - micro(below)))
      return `${quantity} is more than the branch counted beyond the meters below it`;
  }
  if (path.at(-1)?.pool !== pool) return `the way ends in pool ${path.at(-1)?.pool}`;
  for (const hop of path) {
    const problem = hopProblem(hop);
    if (problem !== null) return problem;
  }
  return null;
}

/** Largest remainder gives each share its floor or the unit above: never as much as one unit off. */
const within = (stated: bigint, exact: Rational): boolean =>
  compare(absolute(subtract(rational(stated), exact)), ONE) < 0;

function amountProblem(line: StatementLine, lines: readonly StatementLine[]): Problem {
  const gross = minor(line.net) + minor(line.tax);
  if (gross !== minor(line.gross)) return differs('net and tax', line.gross, formatMinor(gross));
  return line.pricing.kind === 'share'
    ? shareProblem(line, line.pricing)
    : tiersProblem(line, line.pricing, lines);
}

type Pricing<K> = Extract<StatementLine['pricing'], { kind: K }>;

function shareProblem(
  line: StatementLine,
  { sourceNet, sourceTax, meteredQuantity }: Pricing<'share'>,
): Problem {
  const share = divide(exactQuantity(line), fromDecimal(meteredQuantity));
  if (compare(share, ONE) > 0) return 'the share is more than the whole';
  for (const [what, stated, source] of [
    ['net', line.net, sourceNet],
    ['tax', line.tax, sourceTax],
  ] as const) {
    const exact = multiply(fromDecimal(source), share);
    if (!within(minor(stated), multiply(exact, rational(100n))))
      return differs(what, stated, formatMinor(roundUnits(exact, MINOR_SCALE, 'half_up')));
  }
  return null;
}

/** The lines that a tiered line is priced with, itself among them. */
export const pricedTogether = (line: StatementLine, lines: readonly StatementLine[]): StatementLine[] =>
  lines.filter(
    ({ utility, component, pricing: { kind } }) =>
      kind === 'tiers' && utility === line.utility && component === line.component,
  );

function tiersProblem(
  line: StatementLine,
  pricing: Pricing<'tiers'>,
  lines: readonly StatementLine[],
): Problem {
  const together = pricedTogether(line, lines);
  const total = together.reduce((sum, { quantity }) => sum + micro(quantity), 0n);
  if (total !== micro(pricing.totalQuantity))
    return differs('the quantity priced together', pricing.totalQuantity, formatMicro(total));
  const multiplier = parseFraction(pricing.boundMultiplier);
  if (multiplier === null) return `"${pricing.boundMultiplier}" is no fraction`;
  const priced = priceTieredLines(
    pricing,
    multiplier,
    together.map((one) => ({ id: one.pool, quantity: exactQuantity(one) })),
  );
  if (!priced.ok) return priced.detail;
  const amount = priced.amounts.get(line.pool);
  if (amount === undefined || amount.net !== minor(line.net) || amount.tax !== minor(line.tax))
    return differs(
      'net and tax',
      `${line.net} + ${line.tax}`,
      `${formatMinor(amount?.net ?? 0n)} + ${formatMinor(amount?.tax ?? 0n)}`,
    );
  return null;
}

function carriedProblem({ key, before, after, net, tax, gross }: CarriedCharge): Problem {
  if (minor(net) + minor(tax) !== minor(gross))
    return differs(`${key}: net and tax`, gross, formatMinor(minor(net) + minor(tax)));
  if (before === null || after === null) return null;
  for (const [what, stated] of [
    ['net', net],
    ['tax', tax],
  ] as const) {
    const difference = minor(after[what]) - minor(before[what]);
    if (difference !== minor(stated))
      return differs(`${key}: the difference in ${what}`, stated, formatMinor(difference));
  }
  return null;
}

/** The lines that a correction names give the difference between the two totals. */
function correctionProblem({ head }: Replayable): Problem {
  if (head.corrects === undefined) return null;
  const { lines, gross } = head.corrects;
  const change = lines.reduce(
    (sum, { before, after }) =>
      sum + minor(after.net) + minor(after.tax) - minor(before.net) - minor(before.tax),
    0n,
  );
  return minor(gross) + change === minor(head.gross)
    ? null
    : differs('the total after the correction', head.gross, formatMinor(minor(gross) + change));
}

function totalProblem({ head, lines }: Replayable): Problem {
  for (const what of ['net', 'tax', 'gross'] as const) {
    const charges = [...lines, ...(head.carried ?? [])];
    const total = charges.reduce((sum, charge) => sum + minor(charge[what]), 0n);
    if (total !== minor(head[what])) return differs(`the total ${what}`, head[what], formatMinor(total));
  }
  return null;
}
