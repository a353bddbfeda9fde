/**
 * The landlord's part among several owners: each charge is split by where its consumption lies and by the shares that are
 * declared for that building. What lies in no declared building follows the declaration for the rest, or stays undivided.
 */
import type { Park } from '../../protocols/park.ts';
import type { BilledUtility } from './bill-utility.ts';
import { type BillingPeriod, clip, dayCount } from './billing-period.ts';
import { largestRemainder } from './largest-remainder.ts';
import { type Leaf, leafId } from './leaf.ts';
import {
  add,
  multiply,
  ONE,
  parseFraction,
  type Rational,
  rational,
  subtract,
  sum,
  ZERO,
} from './rational.ts';

/** Minor units, without and of tax. The owner is null for what no declaration covers. */
export interface OwnerPart {
  readonly owner: string | null;
  readonly component: string;
  readonly pool: string;
  readonly net: bigint;
  readonly tax: bigint;
}

/** Before all owners where fractions tie. */
const UNDIVIDED = '';

/** @returns parts of every charge of the landlord, by charge and owner; they add up to it. Empty where no owner is declared. */
export function ownerParts(
  park: Park,
  period: BillingPeriod,
  { leaves, charges }: BilledUtility,
): OwnerPart[] {
  if ((park.owners ?? []).length === 0) return [];
  const places = new Map(leaves.filter(({ holder }) => holder === null).map((leaf) => [leafId(leaf), leaf]));
  return charges
    .filter(({ holder }) => holder === null)
    .flatMap(({ component, pool, net, tax }) => {
      const leaf = places.get(leafId({ holder: null, pool }));
      const weights = [...ownerWeights(park, period, leaf)].map(([id, weight]) => ({ id, weight }));
      const [nets, taxes] = [largestRemainder(net, weights), largestRemainder(tax, weights)];
      if (!nets.ok || !taxes.ok) throw new RangeError(`${pool}: owners without a share`);
      return weights.map(({ id }) => ({
        owner: id === UNDIVIDED ? null : id,
        component,
        pool,
        net: nets.shares.get(id) ?? 0n,
        tax: taxes.shares.get(id) ?? 0n,
      }));
    })
    .filter(({ net, tax }) => net !== 0n || tax !== 0n);
}

function ownerWeights(park: Park, period: BillingPeriod, leaf: Leaf | undefined): Map<string, Rational> {
  const places = [...(leaf?.buildings ?? [])].filter(([, quantity]) => quantity.n > 0n);
  const weights = new Map<string, Rational>();
  // What was not metered anywhere (a bill's remainder) is of the park as a whole.
  for (const [building, quantity] of places.length === 0 ? [[null, ONE] as const] : places)
    for (const [owner, share] of sharesOf(park, period, building))
      weights.set(owner, add(weights.get(owner) ?? ZERO, multiply(quantity, share)));
  return weights;
}

/** Shares of a building by owner, each for the days on which it was declared; together they are 1. */
function sharesOf(park: Park, period: BillingPeriod, building: string | null): Map<string, Rational> {
  const declared = park.owners ?? [];
  const ofBuilding = declared.filter((row) => row.building === building);
  const rows = ofBuilding.length > 0 ? ofBuilding : declared.filter((row) => row.building === null);
  const shares = new Map<string, Rational>();
  for (const row of rows) {
    const span = clip(row, period);
    if (span === null) continue;
    const part = rational(BigInt(dayCount(span)), BigInt(period.days));
    for (const { owner, share } of row.shares)
      shares.set(owner, add(shares.get(owner) ?? ZERO, multiply(part, parseFraction(share) ?? ZERO)));
  }
  const rest = subtract(ONE, sum(shares.values()));
  if (rest.n > 0n) shares.set(UNDIVIDED, rest);
  return shares;
}
