/**
 * A sharing rule as the operator writes it: `总表差值 * 面积 / 总面积 * (日最高温 - 26) / 10`. Names are Chinese or English; there are
 * the four operations, comparisons inside `if`, and a few functions: nothing else, so a rule can be read, checked and replayed.
 */

/** Where a part stands in the text: from `at`, `length` UTF-16 units. */
export interface Span {
  at: number;
  length: number;
}

export type Operator = '+' | '-' | '*' | '/';
export type Comparison = '<' | '<=' | '>' | '>=' | '=' | '<>';
export type Junction = 'and' | 'or';

/** `word`: the one of several that was written. */
export type Node =
  | { kind: 'number'; text: string; unit: string | null; span: Span }
  | { kind: 'name'; name: string; span: Span }
  | { kind: 'negate'; of: Node; span: Span }
  | { kind: 'operation'; operator: Operator; left: Node; right: Node; span: Span }
  | { kind: 'comparison'; operator: Comparison; left: Node; right: Node; span: Span }
  | { kind: 'junction'; operator: Junction; word: string; left: Node; right: Node; span: Span }
  | { kind: 'call'; function: FunctionName; word: string; arguments: Node[]; span: Span };
export type NodeOf<K extends Node['kind']> = Extract<Node, { kind: K }>;

/** By each of its names: the same function. */
export const FUNCTIONS = {
  min: 'min',
  最小: 'min',
  max: 'max',
  最大: 'max',
  if: 'if',
  如果: 'if',
  round: 'round',
  四舍五入: 'round',
  round_up: 'round_up',
  进位: 'round_up',
  round_down: 'round_down',
  舍去: 'round_down',
  sum_by_day: 'sum_by_day',
  按日合计: 'sum_by_day',
} as const;
export type FunctionName = (typeof FUNCTIONS)[keyof typeof FUNCTIONS];

/** How many arguments a function takes. */
export const ARGUMENTS: Record<FunctionName, { least: number; most: number }> = {
  min: { least: 2, most: 20 },
  max: { least: 2, most: 20 },
  if: { least: 3, most: 3 },
  round: { least: 2, most: 2 },
  round_up: { least: 2, most: 2 },
  round_down: { least: 2, most: 2 },
  sum_by_day: { least: 1, most: 1 },
};

/** What is wrong with a formula, and where. */
export interface FormulaProblem extends Span {
  code:
    | 'too_long'
    | 'too_deep'
    | 'unknown_character'
    | 'unexpected'
    | 'unknown_function'
    | 'wrong_arguments'
    | 'unknown_name'
    | 'unknown_unit'
    | 'unit_mismatch'
    | 'not_a_number'
    | 'not_a_condition'
    | 'only_by_day';
  /** Of a unit that does not fit: what stands there, and what it had to be. */
  detail: string;
}

export type Parsed = { ok: true; formula: Node } | { ok: false; problem: FormulaProblem };
