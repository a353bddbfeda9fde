/** The shares of one pool in one stretch of days, for the oracle. */
import type { Pool } from '../../../protocols/park.ts';
import type { SharingRule } from '../../../protocols/sharing.ts';
import { type Facts, formula, type Scene } from './naive-formulas.ts';
import {
  DividedByZero,
  dec,
  type F,
  f,
  least,
  less,
  minus,
  most,
  one,
  over,
  plus,
  times,
  zero,
} from './naive-fractions.ts';
import { areaOn, holderOf, rulesOf, unitsOf, type World } from './naive-world.ts';

/** Of each pool, what is in it in one stretch: quantities by day and time of use. */
export type Content = Map<string, F>;

export interface Share {
  to: string;
  /** `''`, `.unassigned` and `.unrecovered` are of the pool itself. */
  kind: '' | '.unassigned' | '.unrecovered' | 'pool';
  share: F;
}

export function shareStretch(
  world: World,
  pool: Pool,
  stretch: readonly string[],
  content: Content,
  group: readonly Pool[],
): Share[] {
  const { park } = world;
  const first = stretch[0] ?? '';
  if (pool.sharing === 'landlord') return [{ to: '', kind: '', share: one }];
  if (pool.scope.kind === 'lease') {
    const { lease: id } = pool.scope;
    const runs = park.leases.some(
      (lease) => lease.id === id && lease.from <= first && (lease.to === null || first < lease.to),
    );
    return [{ to: runs ? id : '', kind: '', share: one }];
  }
  const rule = rulesOf(park, pool).find(({ from, to }) => from <= first && (to === null || first < to));
  const version = rule?.version ?? 1;
  const people = participants(world, pool, stretch);
  const scene = sceneOf(world, stretch, content, rule, [...people.values()]);
  const { quantity } = scene;
  const isFixed = usesFixedKey(rule, [...people.values()]);
  const isQuantity = rule?.method.kind === 'quantity' && !isFixed;
  const text = isFixed
    ? '面积 * 天数'
    : rule === undefined
      ? '面积 * 天数'
      : rule.method.kind === 'weights'
        ? rule.method.weight
        : rule.method.quantity;
  const weights: { to: string; kind: 'lease' | 'vacant' | 'pool'; weight: F }[] = [];
  let failed = 0;
  for (const [name, facts] of people)
    try {
      const isVacant = name.startsWith('vacant ');
      const weight = formula(text, facts, scene);
      weights.push({ to: isVacant ? '' : name, kind: isVacant ? 'vacant' : 'lease', weight });
    } catch (error) {
      if (!(error instanceof DividedByZero)) throw error;
      failed += 1;
    }
  for (const to of rule?.pools ?? []) {
    const other = group.find(({ id }) => id === to.pool);
    if (other === undefined || park.pools.indexOf(other) < park.pools.indexOf(pool)) continue;
    weights.push({ to: other.id, kind: 'pool', weight: poolWeight(world, to.weight, other, stretch) });
  }
  const sum = weights.reduce((total, { weight }) => plus(total, weight), zero);
  if (failed > 0 && failed < people.size) throw new Error('some divide by zero');
  const total = isQuantity ? quantity : sum;
  if (total[0] === 0n) return [{ to: '', kind: '', share: one }];
  const factor =
    rule?.method.kind === 'weights' && rule.method.factor !== undefined
      ? least(one, most(zero, formula(rule.method.factor, null, scene)))
      : one;
  const shares: Share[] = [
    { to: '', kind: '.unrecovered', share: minus(one, times(over(sum, total), factor)) },
  ];
  for (const { to, kind, weight } of weights) {
    const full = times(over(weight, total), factor);
    const lease = park.leases.find(({ id }) => id === to);
    const agreed = (lease?.signed ?? []).some((row) => row.rule === pool.rule.id && row.version === version);
    if (kind === 'vacant') shares.push({ to: '', kind: '', share: full });
    else if (kind === 'pool') shares.push({ to, kind, share: full });
    else if (pool.sharing === 'negotiated' && !agreed)
      shares.push({ to: '', kind: '.unassigned', share: full });
    else {
      const facts = people.get(to);
      const cap =
        rule?.leaseCap === undefined || facts === undefined || quantity[0] === 0n
          ? full
          : over(formula(rule.leaseCap, facts, scene), quantity);
      const share = least(full, cap);
      shares.push({ to, kind: '', share });
      shares.push({ to: '', kind: '.unassigned', share: minus(full, share) });
    }
  }
  return shares;
}

function sceneOf(
  { park, days, tous }: World,
  stretch: readonly string[],
  content: Content,
  rule: SharingRule | undefined,
  people: readonly Facts[],
): Scene {
  const totals = sumOf(people);
  let quantity = zero;
  const byDay = stretch.map((day) => {
    let sum = zero;
    for (const tou of tous) sum = plus(sum, content.get(`${day}|${tou}`) ?? zero);
    const inKwh = over(sum, f(1_000_000n));
    quantity = plus(quantity, inKwh);
    return {
      quantity: inKwh,
      maximum: dec(park.temperatures?.find(({ date }) => date === day)?.maximum ?? '0'),
    };
  });
  const constant = dec(rule?.constants?.[0]?.value ?? '0');
  return { totals, quantity, byDay, constant, periodDays: f(BigInt(days.length)) };
}

function poolWeight({ park, tous, count }: World, text: string, pool: Pool, stretch: readonly string[]): F {
  if (text === '5') return f(5n);
  let total = zero;
  if (text === '面积')
    for (const unit of unitsOf(park, pool)) total = plus(total, areaOn(park, unit, stretch[0] ?? ''));
  else
    for (const meter of park.meters)
      if (meter.serves.kind === 'pool' && meter.serves.pool === pool.id)
        for (const day of stretch)
          for (const tou of tous) total = plus(total, f(count(meter.id, day, tou), 1_000_000n));
  return total;
}

/** Leases by their id, vacant units by `vacant` and theirs. */
function participants(world: World, pool: Pool, stretch: readonly string[]): Map<string, Facts> {
  const { park, tous, count, guess } = world;
  const first = stretch[0] ?? '';
  const people = new Map<string, Facts>();
  for (const unit of unitsOf(park, pool)) {
    const holder = holderOf(park, unit, first);
    const name = holder === '' ? `vacant ${unit}` : holder;
    const facts = people.get(name) ?? {
      area: zero,
      days: f(BigInt(stretch.length)),
      persons: zero,
      own: zero,
      guessed: zero,
    };
    facts.area = plus(facts.area, areaOn(park, unit, first));
    for (const meter of park.meters)
      if (meter.serves.kind === 'unit' && meter.serves.unit === unit)
        for (const day of stretch)
          for (const tou of tous) {
            facts.own = plus(facts.own, f(count(meter.id, day, tou), 1_000_000n));
            facts.guessed = plus(facts.guessed, f(guess(meter.id, day, tou), 1_000_000n));
          }
    const lease = park.leases.find(({ id }) => id === holder);
    const value = lease?.values?.find(({ from, to }) => from <= first && (to === null || first < to));
    facts.persons = dec(value?.value ?? '0');
    people.set(name, facts);
  }
  return people;
}

function sumOf(people: readonly Facts[]): Facts {
  const totals: Facts = {
    area: zero,
    days: people[0]?.days ?? zero,
    persons: zero,
    own: zero,
    guessed: zero,
  };
  for (const one of people) {
    totals.area = plus(totals.area, one.area);
    totals.persons = plus(totals.persons, one.persons);
    totals.own = plus(totals.own, one.own);
  }
  return totals;
}

function usesFixedKey(rule: SharingRule | undefined, people: readonly Facts[]): boolean {
  if (rule?.fallback === undefined) return false;
  const { basis, above } = rule.fallback;
  let [guessed, all] = [zero, zero];
  for (const one of people) {
    all = plus(all, basis === 'area' ? one.area : one.own);
    if (basis === 'quantity') guessed = plus(guessed, one.guessed);
    else if (one.guessed[0] > 0n) guessed = plus(guessed, one.area);
  }
  return less(times(dec(above), all), guessed);
}
