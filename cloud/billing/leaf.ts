/**
 * A leaf of the apportionment: the consumption that one holder bears out of one pool. Every metered kWh and m3 lies in
 * exactly one leaf, and every component of a bill is shared over the leaves.
 */
import { largestRemainder } from './largest-remainder.ts';
import type { Holder } from './ownership.ts';
import { type Rational, sum, ZERO } from './rational.ts';
import { roundWhole } from './rounding.ts';
import type { Stream } from './sharing/cascade.ts';

/** Quantities by TOU period; the key is null where the utility has no time of use. Millionths of kWh or m3. */
export type ByTou = ReadonlyMap<string | null, bigint>;
/** The same, exact: fractions of a millionth where a pool is shared. */
export type ExactByTou = ReadonlyMap<string | null, Rational>;

/** Pools that are no pool of the park: a holder's own meters, vacant units, and what the tree lost beyond its tolerance. */
export const OWN = 'own';
export const VACANCY = 'vacancy';
export const METERING_DIFFERENCE = 'metering-difference';
/** The landlord's line for what a tariff does not recover of a bill. */
export const REMAINDER = 'remainder';
export const RESERVED_POOLS: readonly string[] = [OWN, VACANCY, METERING_DIFFERENCE, REMAINDER];

/** How a leaf came to its quantity: its own meters, area x days of a pool over the whole period, or rules that were declared. */
export type LeafBasis =
  | { readonly kind: 'own' }
  | {
      readonly kind: 'area_days';
      /** m2 d. */
      readonly weight: Rational;
      readonly totalWeight: Rational;
      /** The whole pool's. */
      readonly pool: ByTou;
    }
  | { readonly kind: 'streams'; readonly streams: readonly Stream[] };

export interface Leaf {
  readonly holder: Holder;
  readonly pool: string;
  /** Whose registers stand behind it, sorted. */
  readonly meters: readonly string[];
  readonly quantities: ExactByTou;
  readonly basis: LeafBasis;
  /** The leaves with the same word add up to whole millionths; null where this one does by itself. */
  readonly together: string | null;
  /** Of the landlord's: where it lies, by building, with weights. */
  readonly buildings: ReadonlyMap<string | null, Rational>;
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
export const exactQuantity = (
  { quantities }: Pick<Leaf, 'quantities'>,
  touPeriod: string | null,
): Rational => (touPeriod === null ? sum(quantities.values()) : (quantities.get(touPeriod) ?? ZERO));

export const exactTotal = (leaves: readonly Leaf[], touPeriod: string | null): Rational =>
  sum(leaves.map((leaf) => exactQuantity(leaf, touPeriod)));

/**
 * The quantity to print for each leaf, whole millionths that add up to what was counted, by leaf id. Money is shared by the
 * exact quantities, never by these.
 */
export function printedQuantities(leaves: readonly Leaf[], touPeriod: string | null): Map<string, bigint> {
  const printed = new Map<string, bigint>();
  for (const [together, sharing] of Map.groupBy(leaves, (leaf) => leaf.together)) {
    const exact = sharing.map((leaf) => ({ id: leafId(leaf), weight: exactQuantity(leaf, touPeriod) }));
    if (together === null) for (const { id, weight } of exact) printed.set(id, roundWhole(weight, 'half_up'));
    else {
      const total = sum(exact.map(({ weight }) => weight));
      const shared = largestRemainder(roundWhole(total, 'half_up'), exact);
      if (shared.ok) for (const [id, quantity] of shared.shares) printed.set(id, quantity);
    }
  }
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
