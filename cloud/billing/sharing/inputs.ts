/** What a formula was given: it stands on the statement beside the formula, so that anyone can evaluate it again. */
import type { Values } from '../formula/evaluate-formula.ts';
import type { Rational } from '../rational.ts';

/** The values that a formula was given, by the names it uses: with them it can be evaluated again. */
export interface Inputs {
  readonly period: readonly { name: string; value: Rational }[];
  readonly days: readonly { date: string; values: readonly { name: string; value: Rational }[] }[];
}
/** As the evaluator of formulas takes them. */
export const valuesOf = ({ period, days }: Inputs): Values => ({
  period: new Map(period.map(({ name, value }) => [name, value])),
  days: days.map(({ date, values }) => ({
    date,
    values: new Map(values.map(({ name, value }) => [name, value])),
  })),
});
