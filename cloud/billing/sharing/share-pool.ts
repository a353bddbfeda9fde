/**
 * Shares one pool over one part of the period: which fraction of it each lease and each further pool is given, and which
 * stays with the landlord, and why. The fractions are exact and add up to one, so nothing is shared twice or lost.
 */
import type { Pool } from '../../../protocols/park.ts';
import {
  add,
  compare,
  divide,
  isNegative,
  isZero,
  multiply,
  ONE,
  type Rational,
  rational,
  smaller,
  subtract,
  ZERO,
} from '../rational.ts';
import { type Compiled, type CompiledRule, ruleName } from './compile-rule.ts';
import { isTooFine, type PoolFacts, RuleEvaluator } from './evaluate-rule.ts';
import type { Inputs } from './inputs.ts';
import type { Participant } from './participants.ts';

/** A formula that was evaluated. */
export interface Worked {
  readonly text: string;
  readonly inputs: Inputs;
  readonly value: Rational;
}

/**
 * How one participant came to its share: weight / totalWeight x factor, no more than `cap.value` of the pool's `cap.of`. Of a
 * rule that gives quantities, the weight is the quantity and the total weight what the pool holds.
 */
export interface Hop {
  readonly pool: string;
  readonly rule: CompiledRule['rule'];
  readonly method: 'weights' | 'quantity' | 'fixed_key' | 'exclusive';
  readonly weight: Worked;
  readonly totalWeight: Rational;
  readonly factor: (Worked & { readonly cap: Rational | null }) | null;
  readonly cap: (Worked & { readonly of: Rational }) | null;
  readonly share: Rational;
}

export interface PoolShares {
  ok: true;
  leases: Map<string, Hop>;
  pools: Map<string, Hop>;
  /** The landlord's, standing in for vacancy, by building. */
  vacancy: Map<string | null, Rational>;
  /** What was meant for leases that did not sign, or lies above their caps. */
  unassigned: Rational;
  /** What the rule does not recover. */
  unrecovered: Rational;
  warnings: string[];
}
export type SharingResult = PoolShares | { ok: false; detail: string };

/** @param signed whether a lease takes part in a negotiated pool under the rule's version */
export function sharePool(
  pool: Pool,
  compiled: CompiledRule,
  facts: PoolFacts,
  everyone: readonly Participant[],
  signed: (lease: string) => boolean,
): SharingResult {
  const where = `pool ${pool.id}, rule ${ruleName(compiled.rule)}`;
  const direct = everyone.filter(({ kind }) => kind !== 'pool');
  const evaluator = new RuleEvaluator(facts, direct);
  const basis = basisOf(compiled, direct);
  const weighed = weigh(basis, compiled, everyone, evaluator);
  if (!weighed.ok) return { ok: false, detail: `${where}: ${weighed.detail}` };
  if (weighed.weights === null) return landlordBears(pool, `${where}: ${weighed.reason}`);
  const factor = factorOf(compiled, basis, evaluator);
  if (!factor.ok) return { ok: false, detail: `${where}: ${factor.detail}` };
  const totalWeight = basis.method === 'quantity' ? facts.quantity : weighed.total;
  if (isZero(totalWeight))
    return landlordBears(pool, isZero(weighed.total) ? null : `${where}: there is nothing to share`);
  if (basis.method === 'quantity' && compare(weighed.total, totalWeight) > 0)
    return { ok: false, detail: `${where}: it recovers more than there is to share` };
  const recovered = factor.worked?.value ?? ONE;
  const shares: PoolShares = {
    ok: true,
    leases: new Map(),
    pools: new Map(),
    vacancy: new Map(),
    unassigned: ZERO,
    unrecovered: subtract(ONE, multiply(divide(weighed.total, totalWeight), recovered)),
    warnings: factor.warning === null ? [] : [`${where}: ${factor.warning}`],
  };
  const common = { pool: pool.id, rule: compiled.rule, method: basis.method, totalWeight } as const;
  for (const { participant, weight } of weighed.weights) {
    const full = multiply(divide(weight.value, totalWeight), recovered);
    if (participant.kind === 'vacant') {
      const { building } = participant;
      shares.vacancy.set(building, add(shares.vacancy.get(building) ?? ZERO, full));
    } else if (participant.kind === 'lease' && pool.sharing === 'negotiated' && !signed(participant.id)) {
      shares.unassigned = add(shares.unassigned, full);
    } else {
      const cap = capOf(compiled.leaseCap, participant, facts, evaluator);
      if (!cap.ok) return { ok: false, detail: `${where}: ${cap.detail}` };
      const share = cap.worked === null ? full : smaller(full, divide(cap.worked.value, cap.worked.of));
      shares.unassigned = add(shares.unassigned, subtract(full, share));
      const to = participant.kind === 'pool' ? shares.pools : shares.leases;
      to.set(participant.id, { ...common, weight, factor: factor.worked, cap: cap.worked, share });
    }
  }
  if (isTooFine(shares.unassigned))
    return { ok: false, detail: `${where}: its caps have no common fraction: round them` };
  return shares;
}

function landlordBears({ scope }: Pool, warning: string | null): PoolShares {
  return {
    ok: true,
    leases: new Map(),
    pools: new Map(),
    vacancy: new Map([[scope.kind === 'building' ? scope.building : null, ONE]]),
    unassigned: ZERO,
    unrecovered: ZERO,
    warnings: warning === null ? [] : [`${warning}: the landlord bears it`],
  };
}

interface Basis {
  main: Compiled;
  method: 'weights' | 'quantity' | 'fixed_key';
}

/** The rule's own formula, or its fixed key where too much of what it rests on is estimated. */
function basisOf({ kind, main, fallback }: CompiledRule, direct: readonly Participant[]): Basis {
  if (fallback === null) return { main, method: kind };
  let estimated = ZERO;
  let all = ZERO;
  for (const one of direct) {
    const guessed = one.estimated();
    const measure = one.fact(fallback.basis === 'area' ? 'area' : 'own') ?? ZERO;
    all = add(all, measure);
    if (fallback.basis === 'quantity') estimated = add(estimated, guessed);
    else if (!isZero(guessed)) estimated = add(estimated, measure);
  }
  const isTooMuch = compare(estimated, multiply(fallback.above, all)) > 0;
  return isTooMuch ? { main: fallback.weight, method: 'fixed_key' } : { main, method: kind };
}

type Weighed =
  | { ok: true; weights: { participant: Participant; weight: Worked }[]; total: Rational }
  | { ok: true; weights: null; reason: string }
  | { ok: false; detail: string };

/** All weights; null where they are all zero. Where every lease and unit divides by a total that is zero, none has a weight. */
function weigh(
  { main, method }: Basis,
  { pools }: CompiledRule,
  everyone: readonly Participant[],
  evaluator: RuleEvaluator,
): Weighed {
  const weights: { participant: Participant; weight: Worked }[] = [];
  let total = ZERO;
  const refused: string[] = [];
  for (const participant of everyone) {
    const compiled =
      participant.kind === 'pool' ? pools.find(({ pool }) => pool === participant.id)?.weight : main;
    if (compiled === undefined) continue;
    const found = evaluator.evaluate(compiled, participant);
    if (!found.ok) {
      const detail = `${participant.id}: ${found.code} in ${found.detail}`;
      if (found.code !== 'division_by_zero') return { ok: false, detail };
      refused.push(detail);
      continue;
    }
    // A quantity below zero recovers nothing; a weight below zero is no weight.
    const isBelow = isNegative(found.value);
    if (isBelow && method !== 'quantity')
      return { ok: false, detail: `the weight of ${participant.id} is below zero` };
    const weight = { text: compiled.text, inputs: found.inputs, value: isBelow ? ZERO : found.value };
    weights.push({ participant, weight });
    total = add(total, weight.value);
    if (isTooFine(total)) return { ok: false, detail: 'its weights have no common fraction: round them' };
  }
  const [first] = refused;
  if (first !== undefined && refused.length < everyone.filter(({ kind }) => kind !== 'pool').length)
    return { ok: false, detail: first };
  if (isZero(total) && (method !== 'quantity' || first !== undefined))
    return { ok: true, weights: null, reason: first ?? 'all weights are zero' };
  return { ok: true, weights, total };
}

type Factor = { ok: true; worked: Hop['factor']; warning: string | null } | { ok: false; detail: string };

function factorOf({ factor, factorCap }: CompiledRule, { method }: Basis, evaluator: RuleEvaluator): Factor {
  if (factor === null || method === 'quantity') return { ok: true, worked: null, warning: null };
  const found = evaluator.evaluate(factor, null);
  if (!found.ok) return { ok: false, detail: `${found.code} in ${found.detail}` };
  const { inputs } = found;
  const worked = { text: factor.text, inputs, cap: factorCap };
  if (isNegative(found.value))
    return {
      ok: true,
      worked: { ...worked, value: ZERO },
      warning: 'its factor is below zero: nothing is recovered',
    };
  const most = factorCap ?? ONE;
  if (compare(found.value, most) <= 0)
    return { ok: true, worked: { ...worked, value: found.value }, warning: null };
  return factorCap === null
    ? { ok: false, detail: 'its factor is above 1: declare a cap' }
    : { ok: true, worked: { ...worked, value: factorCap }, warning: 'its factor is capped' };
}

type Cap = { ok: true; worked: Hop['cap'] } | { ok: false; detail: string };

function capOf(
  leaseCap: Compiled | null,
  participant: Participant,
  { quantity }: PoolFacts,
  evaluator: RuleEvaluator,
): Cap {
  if (leaseCap === null || participant.kind !== 'lease' || isZero(quantity))
    return { ok: true, worked: null };
  const found = evaluator.evaluate(leaseCap, participant);
  if (!found.ok) return { ok: false, detail: `${participant.id}: ${found.code} in ${found.detail}` };
  const value = isNegative(found.value) ? ZERO : found.value;
  return { ok: true, worked: { text: leaseCap.text, inputs: found.inputs, value, of: quantity } };
}

/** The whole pool for one lease. */
export const exclusiveHop = (pool: string, rule: CompiledRule['rule']): Hop => ({
  pool,
  rule,
  method: 'exclusive',
  weight: { text: '1', inputs: { period: [], days: [] }, value: rational(1n) },
  totalWeight: ONE,
  factor: null,
  cap: null,
  share: ONE,
});
