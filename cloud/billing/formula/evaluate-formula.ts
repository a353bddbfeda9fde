/** The value of a formula, exact, with every step on the way to it: a statement replays them. */
import {
  absolute,
  add,
  compare,
  divide,
  fromDecimal,
  isZero,
  multiply,
  type Rational,
  rational,
  subtract,
  ZERO,
} from '../rational.ts';
import { printFormula } from './print-formula.ts';
import type { Comparison, Node, NodeOf, Operator, Span } from './syntax.ts';

/** What the names of a formula stand for. */
export interface Values {
  period: ReadonlyMap<string, Rational>;
  /** For each day of the period, in order; names that have a value for each day. */
  days: readonly { date: string; values: ReadonlyMap<string, Rational> }[];
}

/** One part of the formula and its value; inside `sum_by_day`, of which day. */
export interface Step {
  text: string;
  value: Rational;
  date?: string;
}

export type Evaluated =
  | { ok: true; value: Rational; steps: Step[] }
  | ({ ok: false; code: 'division_by_zero' | 'no_value' | 'too_large'; detail: string } & Span);

/** A number that takes more than so many digits is a mistake, not a share. */
const MOST_DIGITS = 400;
const LIMIT = 10n ** BigInt(MOST_DIGITS);

class Failure extends Error {
  readonly failure: Extract<Evaluated, { ok: false }>;
  constructor(failure: Omit<Extract<Evaluated, { ok: false }>, 'ok'>) {
    super(failure.code);
    this.failure = { ok: false, ...failure };
  }
}

/**
 * @param formula one that was checked: its names and units fit
 * @param traced false leaves the steps empty, where thousands are evaluated
 */
export function evaluateFormula(formula: Node, values: Values, traced = true): Evaluated {
  const evaluator = new Evaluator(values, traced);
  try {
    return { ok: true, value: evaluator.value(formula), steps: evaluator.steps };
  } catch (error) {
    if (error instanceof Failure) return error.failure;
    throw error;
  }
}

class Evaluator {
  readonly steps: Step[] = [];
  readonly #values: Values;
  readonly #traced: boolean;
  #day: Values['days'][number] | null = null;

  constructor(values: Values, traced: boolean) {
    this.#values = values;
    this.#traced = traced;
  }

  value(node: Node): Rational {
    const value = this.#compute(node);
    if (absolute(value).n > LIMIT || value.d > LIMIT) throw failed('too_large', node);
    if (this.#traced && node.kind !== 'number') {
      const date = this.#day?.date;
      this.steps.push({ text: printFormula(node), value, ...(date === undefined ? {} : { date }) });
    }
    return value;
  }

  #compute(node: Node): Rational {
    switch (node.kind) {
      case 'number':
        return fromDecimal(node.text);
      case 'name':
        return this.#named(node);
      case 'negate':
        return subtract(ZERO, this.value(node.of));
      case 'operation':
        return this.#operate(node);
      case 'call':
        return this.#call(node);
      case 'comparison':
      case 'junction':
        throw failed('no_value', node);
    }
  }

  #named(node: NodeOf<'name'>): Rational {
    const value = this.#day?.values.get(node.name) ?? this.#values.period.get(node.name);
    if (value === undefined) throw failed('no_value', node);
    return value;
  }

  #operate(node: NodeOf<'operation'>): Rational {
    const [left, right] = [this.value(node.left), this.value(node.right)];
    const operator: Operator = node.operator;
    switch (operator) {
      case '+':
        return add(left, right);
      case '-':
        return subtract(left, right);
      case '*':
        return multiply(left, right);
      case '/':
        if (isZero(right)) throw failed('division_by_zero', node.right);
        return divide(left, right);
    }
  }

  #call(node: NodeOf<'call'>): Rational {
    const [first, second, third] = node.arguments;
    if (first === undefined) throw failed('no_value', node);
    switch (node.function) {
      case 'min':
      case 'max': {
        const sign = node.function === 'min' ? -1 : 1;
        return node.arguments
          .map((one) => this.value(one))
          .reduce((best, one) => (compare(one, best) === sign ? one : best));
      }
      case 'if': {
        const chosen = this.#holds(first) ? second : third;
        if (chosen === undefined) throw failed('no_value', node);
        return this.value(chosen);
      }
      case 'round':
      case 'round_up':
      case 'round_down':
        return roundTo(
          this.value(first),
          second?.kind === 'number' ? BigInt(second.text) : 0n,
          node.function,
        );
      case 'sum_by_day':
        return this.#sumByDay(first);
    }
  }

  #sumByDay(of: Node): Rational {
    let total = ZERO;
    for (const day of this.#values.days) {
      this.#day = day;
      total = add(total, this.value(of));
    }
    this.#day = null;
    return total;
  }

  /** Only what decides is looked at: `n > 0 and total / n > 3` never divides by zero. */
  #holds(node: Node): boolean {
    if (node.kind === 'junction')
      return node.operator === 'and'
        ? this.#holds(node.left) && this.#holds(node.right)
        : this.#holds(node.left) || this.#holds(node.right);
    if (node.kind !== 'comparison') throw failed('no_value', node);
    const order = compare(this.value(node.left), this.value(node.right));
    const operator: Comparison = node.operator;
    switch (operator) {
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
      case '>':
        return order > 0;
      case '>=':
        return order >= 0;
      case '=':
        return order === 0;
      case '<>':
        return order !== 0;
    }
  }
}

/** `round`: half away from zero; `round_up` and `round_down`: away from it and towards it. */
function roundTo(value: Rational, digits: bigint, mode: 'round' | 'round_up' | 'round_down'): Rational {
  const units = 10n ** digits;
  const { n, d } = absolute(multiply(value, rational(units)));
  const whole = {
    round: (2n * n + d) / (2n * d),
    round_up: (n + d - 1n) / d,
    round_down: n / d,
  }[mode];
  return rational(value.n < 0n ? -whole : whole, units);
}

const failed = (code: 'division_by_zero' | 'no_value' | 'too_large', node: Node): Failure =>
  new Failure({ code, detail: printFormula(node), at: node.span.at, length: node.span.length });
