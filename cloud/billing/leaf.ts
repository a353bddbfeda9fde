/**
 * A leaf of the apportionment: the consumption that one holder bears out of one pool. Every metered kWh and m3 lies in
 * exactly one leaf, and every component of a bill is shared over the leaves.
 */

import { largestRemainder } from './largest-remainder.ts';
import type { Holder } from './ownership.ts';
import { divide, multiply, type Rational, rational, sum, ZERO } from './rational.ts';

/** Quantities by TOU period; the key is null where the utility has no time of use. Millionths of kWh or m3. */
export type ByTou = ReadonlyMap<string | null, bigint>;

/** Pools that are no pool of the park: a holder's own meters, vacant units, and what the tree lost beyond its tolerance. */
export const OWN = 'own';
export const VACANCY = 'vacancy';
export const METERING_DIFFERENCE = 'metering-difference';
/** The landlord's line for what a tariff does not recover of a bill. */
export const REMAINDER = 'remainder';
export const RESERVED_POOLS: readonly string[] = [OWN, VACANCY, METERING_DIFFERENCE, REMAINDER];

export interface Leaf {
  readonly holder: Holder;
  readonly pool: string;
  /** Whose registers make up `quantities`, sorted. */
  readonly meters: readonly string[];
  /** The leaf's own quantity, or the whole pool's where it has a `share` of it. */
  readonly quantities: ByTou;
  /** The holder's part of a pool: area x days over all area x days (m2 d). Null: all of `quantities` is the holder's. */
  readonly share: { readonly weight: Rational; readonly totalWeight: Rational } | null;
}

/**
 * Unique among the leaves, and what ties are broken by: the holder first, the landlord before all leases, then the pool.
 * U+0000 sorts below every character of an id, so that `L-1` comes before `L-1-A` whatever their pools are.
 */
export const leafId = ({ holder, pool }: { holder: Holder; pool: string }): string =>
  `${holder ?? ''}\u0000${pool}`;

/** The leaf as messages name it. */
export const leafName = ({ holder, pool }: { holder: Holder; pool: string }): string =>
  `${holder ?? ''}|${pool}`;

/** Of one TOU period; null is the sum of all. */
export function quantityIn(quantities: ByTou, touPeriod: string | null): bigint {
  if (touPeriod !== null) return quantities.get(touPeriod) ?? 0n;
  return [...quantities.values()].reduce((total, quantity) => total + quantity, 0n);
}

/** The leaf's exact quantity, a fraction of a millionth where it is a share of a pool. */
export function exactQuantity({ quantities, share }: Leaf, touPeriod: string | null): Rational {
  const whole = rational(quantityIn(quantities, touPeriod));
  return share === null ? whole : divide(multiply(whole, share.weight), share.totalWeight);
}

export const exactTotal = (leaves: readonly Leaf[], touPeriod: string | null): Rational =>
  sum(leaves.map((leaf) => exactQuantity(leaf, touPeriod)));

/**
 * The quantity to print for each leaf, whole millionths that add up to the pools' quantities, by leaf id. Money is shared
 * by the exact quantities, never by these.
 */
export function printedQuantities(leaves: readonly Leaf[], touPeriod: string | null): Map<string, bigint> {
  const printed = new Map<string, bigint>();
  for (const pool of new Set(leaves.map((leaf) => leaf.pool))) {
    const sharing = leaves.filter((leaf) => leaf.pool === pool && leaf.share !== null);
    const [first] = sharing;
    if (first !== undefined) {
      const shared = largestRemainder(
        quantityIn(first.quantities, touPeriod),
        sharing.map((leaf) => ({ id: leafId(leaf), weight: leaf.share?.weight ?? ZERO })),
      );
      if (shared.ok) for (const [id, quantity] of shared.shares) printed.set(id, quantity);
    }
  }
  for (const leaf of leaves)
    if (leaf.share === null) printed.set(leafId(leaf), quantityIn(leaf.quantities, touPeriod));
  return printed;
}

/** Adds `quantity` in place. */
export function accumulate(
  into: Map<string | null, bigint>,
  touPeriod: string | null,
  quantity: bigint,
): void {
  into.set(touPeriod, (into.get(touPeriod) ?? 0n) + quantity);
}
