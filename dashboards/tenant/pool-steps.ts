/** The way of a shared quantity through pools, with the exact arithmetic of the replay. Pure. */
import { formatFraction, multiply, ONE, type Rational, rational } from '../../cloud/billing/rational.ts';
import { fraction, traceOf } from '../../cloud/billing/replay-basis.ts';
import { roundUnits } from '../../cloud/billing/rounding.ts';
import { formatDecimal } from '../../protocols/decimal.ts';
import type { PoolHop, PoolStream, WorkedFormula } from '../../protocols/statement.ts';

const DIGITS = 6;

/** As a decimal where it is one of at most six digits, else rounded and said so. */
export function readable(value: Rational): string {
  const text = formatDecimal(roundUnits(value, DIGITS, 'half_up'), DIGITS);
  return 10n ** BigInt(DIGITS) % value.d === 0n ? text : `≈ ${text}`;
}

/** With the sign that it follows on: it is that many percent, or about that many. */
const related = (percent: Rational): string => {
  const text = readable(percent);
  return `${text.startsWith('≈') ? text : `= ${text}`}\u00a0%`;
};

export interface FormulaSteps {
  text: string;
  value: string;
  /** Of every part of the formula but numbers; inside a sum over days, of which day. */
  steps: { text: string; value: string; date: string | null }[];
}
export interface HopSteps {
  poolName: string;
  /** `R1 v2: text` */
  rule: string;
  isWhole: boolean;
  weight: FormulaSteps;
  totalWeight: string;
  factor: FormulaSteps | null;
  cap: FormulaSteps | null;
  /** `= 75 %`, `≈ 48.53 %` */
  percent: string;
}

/** Null where the figures of the statement allow no such computation: the check says what is wrong with them. */
export function poolSteps({ path }: PoolStream): HopSteps[] | null {
  try {
    return path.map(hopSteps);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const hopSteps = (hop: PoolHop): HopSteps => ({
  poolName: hop.poolName,
  rule: `${hop.rule} v${hop.version}: ${hop.ruleText}`,
  isWhole: hop.method === 'exclusive' && formatFraction(fraction(hop.share)) === formatFraction(ONE),
  weight: formulaSteps(hop.weight),
  totalWeight: readable(fraction(hop.totalWeight)),
  factor: hop.factor === null ? null : formulaSteps(hop.factor),
  cap: hop.cap === null ? null : formulaSteps(hop.cap),
  percent: related(multiply(fraction(hop.share), rational(100n))),
});

function formulaSteps(worked: WorkedFormula): FormulaSteps {
  return {
    text: worked.text,
    value: readable(fraction(worked.value)),
    steps: traceOf(worked).steps.map(({ text, value, date }) => ({
      text,
      value: readable(value),
      date: date ?? null,
    })),
  };
}
