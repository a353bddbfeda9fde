/** Values for the names of a rule's formulas, and the formulas' results: exact, or the reason why there is none. */
import { evaluateFormula } from '../formula/evaluate-formula.ts';
import { add, compare, type Rational, ZERO } from '../rational.ts';
import type { Compiled } from './compile-rule.ts';
import { type Inputs, valuesOf } from './inputs.ts';
import type { Participant } from './participants.ts';
import type { FactKey } from './variables.ts';

/** What is known of the pool in a part of the period. Quantities in the billing unit, temperatures in degrees Celsius. */
export interface PoolFacts {
  readonly quantity: Rational;
  readonly days: Rational;
  readonly periodDays: Rational;
  readonly byDay: readonly {
    date: string;
    quantity: () => Rational;
    maximum: Rational | null;
    mean: Rational | null;
  }[];
}

export type Result =
  | { ok: true; value: Rational; inputs: Inputs }
  | { ok: false; code: 'division_by_zero' | 'no_value' | 'too_large'; detail: string };

/** A denominator of more digits comes from a rule that divides by every lease's own figure: it has to round. */
const FINEST = 10n ** 400n;
export const isTooFine = ({ d }: Rational): boolean => d > FINEST;

export class RuleEvaluator {
  readonly #pool: PoolFacts;
  readonly #participants: readonly Participant[];
  readonly #totals = new Map<FactKey, Rational | string>();

  /** @param participants over whom totals are: leases and vacant units */
  constructor(pool: PoolFacts, participants: readonly Participant[]) {
    this.#pool = pool;
    this.#participants = participants;
  }

  /** @param participant null for formulas of the pool, which name no participant's figures */
  evaluate({ formula, uses }: Compiled, participant: Participant | null): Result {
    const period: { name: string; value: Rational }[] = [];
    const daily: { name: string; fact: 'pool' | 'maximum' | 'mean' }[] = [];
    for (const { name, variable } of uses) {
      const { source } = variable;
      if (source.of === 'day') {
        daily.push({ name, fact: source.fact });
        continue;
      }
      const value = this.#valueOf(source, participant);
      if (typeof value === 'string') return { ok: false, code: 'no_value', detail: `${name}: ${value}` };
      period.push({ name, value });
    }
    const days = this.#days(daily);
    if (typeof days === 'string') return { ok: false, code: 'no_value', detail: days };
    const inputs = { period, days };
    const found = evaluateFormula(formula, valuesOf(inputs), false);
    return found.ok
      ? { ok: true, value: found.value, inputs }
      : { ok: false, code: found.code, detail: found.detail };
  }

  /** The value, or why there is none. */
  #valueOf(
    source: Exclude<Compiled['uses'][number]['variable']['source'], { of: 'day' }>,
    participant: Participant | null,
  ): Rational | string {
    switch (source.of) {
      case 'constant':
        return source.value;
      case 'participant':
        return participant?.fact(source.fact) ?? `${participant?.id ?? 'the pool'} has none on record`;
      case 'total':
        return this.#total(source.fact);
      case 'part':
        switch (source.fact) {
          case 'pool':
            return this.#pool.quantity;
          case 'days':
            return this.#pool.days;
          case 'periodDays':
            return this.#pool.periodDays;
          case 'maximum':
            return this.#maximum();
        }
    }
  }

  #total(fact: FactKey): Rational | string {
    const known = this.#totals.get(fact);
    if (known !== undefined) return known;
    let total: Rational | string = ZERO;
    for (const one of this.#participants) {
      const value = one.fact(fact);
      total = value === null ? `${one.id} has none on record` : add(total, value);
      if (typeof total === 'string') break;
    }
    this.#totals.set(fact, total);
    return total;
  }

  #maximum(): Rational | string {
    let highest: Rational | null = null;
    for (const { date, maximum } of this.#pool.byDay) {
      if (maximum === null) return `there is no temperature of ${date}`;
      if (highest === null || compare(maximum, highest) > 0) highest = maximum;
    }
    return highest ?? 'there is no day';
  }

  #days(daily: readonly { name: string; fact: 'pool' | 'maximum' | 'mean' }[]): Inputs['days'] | string {
    if (daily.length === 0) return [];
    const days: { date: string; values: { name: string; value: Rational }[] }[] = [];
    for (const day of this.#pool.byDay) {
      const values: { name: string; value: Rational }[] = [];
      for (const { name, fact } of daily) {
        const value = fact === 'pool' ? day.quantity() : day[fact];
        if (value === null) return `${name}: there is no temperature of ${day.date}`;
        values.push({ name, value });
      }
      days.push({ date: day.date, values });
    }
    return days;
  }
}
