/** A rule's formulas read and checked, or what is wrong with them. */
import type { Park } from '../../../protocols/park.ts';
import type { SharingRule } from '../../../protocols/sharing.ts';
import type { Utility } from '../../../protocols/units.ts';
import { UNIT_OF } from '../charge.ts';
import { checkFormula } from '../formula/check-formula.ts';
import { dimensionOf } from '../formula/dimensions.ts';
import { parseFormula } from '../formula/parse.ts';
import type { Node } from '../formula/syntax.ts';
import { fromDecimal, type Rational } from '../rational.ts';
import { type RuleVariable, ruleVariables } from './variables.ts';

/** A formula ready to be evaluated, with the variables it names. */
export interface Compiled {
  text: string;
  formula: Node;
  /** By the name that stands in the text. */
  uses: { name: string; variable: RuleVariable }[];
}

export interface CompiledRule {
  rule: Pick<SharingRule, 'id' | 'version' | 'text' | 'touWeights'>;
  kind: 'weights' | 'quantity';
  /** The weight, or the quantity itself. */
  main: Compiled;
  factor: Compiled | null;
  factorCap: Rational | null;
  leaseCap: Compiled | null;
  fallback: { basis: 'quantity' | 'area'; above: Rational; weight: Compiled } | null;
  pools: { pool: string; weight: Compiled }[];
}

export type CompileResult = { ok: true; compiled: CompiledRule } | { ok: false; problems: string[] };

export const ruleName = ({ id, version }: { id: string; version: number }): string => `${id} v${version}`;

/** The rule of a pool that names none of the park's. */
export const AREA_DAYS = '面积 * 天数';

export function compileRule(
  park: Pick<Park, 'variables'>,
  utility: Utility,
  rule: Omit<SharingRule, 'from' | 'to'>,
): CompileResult {
  const problems: string[] = [];
  const all = ruleVariables(park, utility, rule);
  const ofAll = all.filter(({ source }) => source.of !== 'participant');
  const ofPools = all.filter(
    ({ source: { of, ...source } }) =>
      of !== 'participant' || ('fact' in source && (source.fact === 'area' || source.fact === 'own')),
  );
  const compile = (text: string, variables: readonly RuleVariable[], unit: string | null): Compiled => {
    const parsed = parseFormula(text);
    if (!parsed.ok) {
      const { code, detail, at } = parsed.problem;
      problems.push(`"${text}": ${code}${detail === '' ? '' : ` ${detail}`} at ${at + 1}`);
      return { text, formula: NOTHING, uses: [] };
    }
    const checked = checkFormula(parsed.formula, { variables, unit });
    if (!checked.ok)
      for (const { code, detail, at, length } of checked.problems)
        problems.push(`"${text}": ${code} ${detail} in "${text.slice(at, at + length)}"`);
    return { text, formula: parsed.formula, uses: usesOf(parsed.formula, variables) };
  };
  const unit = UNIT_OF[utility];
  for (const one of rule.constants ?? [])
    if (dimensionOf(one.unit) === null) problems.push(`constant ${one.name}: there is no unit "${one.unit}"`);
  const { method } = rule;
  const compiled: CompiledRule = {
    rule,
    kind: method.kind,
    main: method.kind === 'weights' ? compile(method.weight, all, null) : compile(method.quantity, all, unit),
    factor:
      method.kind === 'weights' && method.factor !== undefined ? compile(method.factor, ofAll, '') : null,
    factorCap:
      method.kind === 'weights' && method.factorCap !== undefined ? fromDecimal(method.factorCap) : null,
    leaseCap: rule.leaseCap === undefined ? null : compile(rule.leaseCap, all, unit),
    fallback:
      rule.fallback === undefined
        ? null
        : {
            basis: rule.fallback.basis,
            above: fromDecimal(rule.fallback.above),
            weight: compile(rule.fallback.weight, all, null),
          },
    pools: (rule.pools ?? []).map(({ pool, weight }) => ({
      pool,
      weight: compile(weight, ofPools, method.kind === 'quantity' ? unit : null),
    })),
  };
  return problems.length === 0 ? { ok: true, compiled } : { ok: false, problems };
}

const NOTHING: Node = { kind: 'number', text: '0', unit: null, span: { at: 0, length: 0 } };

function usesOf(formula: Node, variables: readonly RuleVariable[]): Compiled['uses'] {
  const byName = new Map(variables.flatMap((one) => one.names.map((name) => [name, one] as const)));
  return [...namesIn(formula)].flatMap((name) => {
    const variable = byName.get(name);
    return variable === undefined ? [] : [{ name, variable }];
  });
}

function namesIn(node: Node, found = new Set<string>()): Set<string> {
  switch (node.kind) {
    case 'number':
      break;
    case 'name':
      found.add(node.name);
      break;
    case 'negate':
      namesIn(node.of, found);
      break;
    case 'call':
      for (const one of node.arguments) namesIn(one, found);
      break;
    case 'operation':
    case 'comparison':
    case 'junction':
      namesIn(node.left, found);
      namesIn(node.right, found);
      break;
  }
  return found;
}
