/**
 * Whether a formula means something: every name is known, what is added or compared has one unit, and the whole has the unit
 * that the rule needs. A bare number takes the unit of what it is added to or compared with.
 */
import { type Dimension, dimensionOf, formatDimension, NO_UNIT, same, times } from './dimensions.ts';
import type { FormulaProblem, Node, NodeOf, Span } from './syntax.ts';

/** A quantity that a formula may name. */
export interface Variable {
  /** All its names, Chinese and English. */
  names: readonly string[];
  unit: string;
  /** `day`: it has a value for each day, and stands inside `sum_by_day` only. */
  each: 'period' | 'day';
}

/** A number that was given a unit so that the whole fits: to be shown, and confirmed by whoever signs the rule. */
export interface Assumption extends Span {
  text: string;
  unit: string;
}

export type Checked = { ok: true; assumptions: Assumption[] } | { ok: false; problems: FormulaProblem[] };

type Kind = { is: 'quantity'; dimension: Dimension; isBare: boolean } | { is: 'condition' };

/** @param unit of the result: `kWh`, empty for a factor; null where any will do, as for weights */
export function checkFormula(
  formula: Node,
  { variables, unit }: { variables: readonly Variable[]; unit: string | null },
): Checked {
  const checker = new Checker(variables);
  checker.result(formula, unit === null ? null : (dimensionOf(unit) ?? NO_UNIT));
  return checker.problems.length > 0
    ? { ok: false, problems: checker.problems }
    : { ok: true, assumptions: checker.assumptions };
}

const bare: Kind = { is: 'quantity', dimension: NO_UNIT, isBare: true };
const quantity = (dimension: Dimension): Kind => ({ is: 'quantity', dimension, isBare: false });

class Checker {
  readonly problems: FormulaProblem[] = [];
  readonly assumptions: Assumption[] = [];
  readonly #variables = new Map<string, Variable>();
  #isByDay = false;

  constructor(variables: readonly Variable[]) {
    for (const variable of variables) for (const name of variable.names) this.#variables.set(name, variable);
  }

  result(formula: Node, wanted: Dimension | null): void {
    const kind = this.#quantity(formula);
    if (wanted === null || this.problems.length > 0 || kind.isBare || same(kind.dimension, wanted)) return;
    const left = times(kind.dimension, wanted, -1);
    const divisor = same(left, { '°C': 1 }) ? degreesDivisor(formula) : null;
    if (divisor !== null) this.assumptions.push({ ...divisor.span, text: divisor.text, unit: '°C' });
    else this.#refuse('unit_mismatch', mismatch(kind.dimension, wanted), formula.span);
  }

  #kind(node: Node): Kind {
    switch (node.kind) {
      case 'number':
        return this.#number(node);
      case 'name':
        return this.#name(node);
      case 'negate':
        return this.#quantity(node.of);
      case 'operation':
        return this.#operation(node);
      case 'comparison':
        this.#alike([node.left, node.right]);
        return { is: 'condition' };
      case 'junction':
        for (const side of [node.left, node.right]) this.#condition(side);
        return { is: 'condition' };
      case 'call':
        return this.#call(node);
    }
  }

  #number({ unit, span }: NodeOf<'number'>): Kind {
    if (unit === null) return bare;
    const dimension = dimensionOf(unit);
    if (dimension === null) this.#refuse('unknown_unit', unit, span);
    return quantity(dimension ?? NO_UNIT);
  }

  #name({ name, span }: NodeOf<'name'>): Kind {
    const variable = this.#variables.get(name);
    if (variable === undefined) {
      this.#refuse('unknown_name', name, span);
      return bare;
    }
    if (variable.each === 'day' && !this.#isByDay) this.#refuse('only_by_day', name, span);
    return quantity(dimensionOf(variable.unit) ?? NO_UNIT);
  }

  #operation({ operator, left, right }: NodeOf<'operation'>): Kind {
    if (operator === '+' || operator === '-') return this.#alike([left, right]);
    const [a, b] = [this.#quantity(left), this.#quantity(right)];
    if (a.isBare && b.isBare) return bare;
    return quantity(times(a.dimension, b.dimension, operator === '*' ? 1 : -1));
  }

  #call(node: NodeOf<'call'>): Kind {
    const [first, second, third] = node.arguments;
    if (first === undefined) return bare;
    switch (node.function) {
      case 'min':
      case 'max':
        return this.#alike(node.arguments);
      case 'if':
        this.#condition(first);
        return this.#alike([second, third].filter((one) => one !== undefined));
      case 'round':
      case 'round_up':
      case 'round_down':
        if (second?.kind !== 'number' || second.unit !== null || !/^[0-6]$/.test(second.text))
          this.#refuse('wrong_arguments', '0-6', second?.span ?? node.span);
        return this.#quantity(first);
      case 'sum_by_day':
        return this.#byDay(first, node.span);
    }
  }

  #byDay(of: Node, span: Span): Kind {
    if (this.#isByDay) this.#refuse('unexpected', 'sum_by_day', span);
    this.#isByDay = true;
    const kind = this.#quantity(of);
    this.#isByDay = false;
    return kind;
  }

  /** What is added, compared or chosen from has one unit; bare numbers take it. */
  #alike(nodes: readonly Node[]): Kind & { is: 'quantity' } {
    let found: (Kind & { is: 'quantity' }) | null = null;
    for (const node of nodes) {
      const kind = this.#quantity(node);
      if (kind.isBare) continue;
      if (found !== null && !same(found.dimension, kind.dimension)) {
        this.#refuse('unit_mismatch', mismatch(kind.dimension, found.dimension), node.span);
        return found;
      }
      found = kind;
    }
    return found ?? { is: 'quantity', dimension: NO_UNIT, isBare: true };
  }

  #quantity(node: Node): Kind & { is: 'quantity' } {
    const kind = this.#kind(node);
    if (kind.is === 'quantity') return kind;
    this.#refuse('not_a_number', '', node.span);
    return { is: 'quantity', dimension: NO_UNIT, isBare: true };
  }

  #condition(node: Node): void {
    if (this.#kind(node).is !== 'condition') this.#refuse('not_a_condition', '', node.span);
  }

  #refuse(code: FormulaProblem['code'], detail: string, { at, length }: Span): void {
    this.problems.push({ code, detail, at, length });
  }
}

const mismatch = (found: Dimension, wanted: Dimension): string =>
  `${formatDimension(found)}, not ${formatDimension(wanted)}`;

/**
 * The bare number that divides a difference of temperatures, as in `(t - 26) / 10`: the operator means ten degrees. Nothing but
 * degrees is taken for granted so.
 */
function degreesDivisor(node: Node): NodeOf<'number'> | null {
  if (node.kind === 'call' && node.function === 'sum_by_day')
    return node.arguments[0] === undefined ? null : degreesDivisor(node.arguments[0]);
  if (node.kind !== 'operation') return null;
  const { operator, left, right } = node;
  if (operator === '/' && right.kind === 'number' && right.unit === null) return right;
  return operator === '*' || operator === '/' ? (degreesDivisor(left) ?? degreesDivisor(right)) : null;
}
