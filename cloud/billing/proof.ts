/**
 * The proof of conservation that a run carries. In quantity: the root meter is the sum of the end meters and the residuals of
 * all branches, and the leaves share out exactly what the end meters counted and the metering difference. In money: what
 * the tenants and the landlord bear of each component is what the supplier bills, net and tax apart, in minor units.
 */
import type { SourceBill } from '../../protocols/park.ts';
import type { Utility } from '../../protocols/units.ts';
import { formatMicro, formatMinor, minor } from '../../protocols/units.ts';
import type { BalancedNode } from '../metering/balance-tree.ts';
import { type Charge, grossOf } from './charge.ts';
import { exactTotal, type Leaf } from './leaf.ts';
import { compare, rational } from './rational.ts';

/** Millionths of kWh or m3. */
export interface QuantityProof {
  readonly utility: Utility;
  readonly root: bigint;
  readonly endMeters: bigint;
  readonly residuals: bigint;
  /** What of the residuals exceeded the tolerance and is the landlord's. */
  readonly meteringDifference: bigint;
  /** What of the residuals is shared as a pool. */
  readonly sharedDifferences: bigint;
  readonly holds: boolean;
}

/** Minor units, tax included. */
export interface MoneyProof {
  readonly utility: Utility;
  readonly component: string;
  /** As the bill calls it. */
  readonly name: string;
  readonly source: bigint;
  readonly tenants: bigint;
  readonly landlord: bigint;
  readonly holds: boolean;
}

export interface Proof {
  readonly nodes: readonly (BalancedNode & { utility: Utility })[];
  readonly quantities: readonly QuantityProof[];
  readonly money: readonly MoneyProof[];
}

export function proveQuantities(
  utility: Utility,
  root: string,
  nodes: readonly BalancedNode[],
  leaves: readonly Leaf[],
  { lost, differences }: { lost: bigint; differences: bigint },
): QuantityProof {
  const total = (of: (node: BalancedNode) => bigint): bigint =>
    nodes.reduce((sum, node) => sum + of(node), 0n);
  const rootQuantity = total(({ meter, quantity }) => (meter === root ? quantity : 0n));
  const endMeters = total(({ verdict, quantity }) => (verdict === 'leaf' ? quantity : 0n));
  const residuals = total(({ residual }) => residual);
  const apportioned = compare(exactTotal(leaves, null), rational(endMeters + lost + differences)) === 0;
  return {
    utility,
    root: rootQuantity,
    endMeters,
    residuals,
    meteringDifference: lost,
    sharedDifferences: differences,
    holds: rootQuantity === endMeters + residuals && apportioned,
  };
}

/** One row per component of the bill. */
export function proveMoney(bill: SourceBill, charges: readonly Charge[]): MoneyProof[] {
  return bill.lines.map(({ component, name, ...line }) => {
    const own = charges.filter((charge) => charge.component === component);
    const total = (of: (charge: Charge) => bigint): bigint =>
      own.reduce((sum, charge) => sum + of(charge), 0n);
    const tenants = total((charge) => (charge.holder === null ? 0n : grossOf(charge)));
    return {
      utility: bill.utility,
      component,
      name,
      source: minor(line.net) + minor(line.tax),
      tenants,
      landlord: total(grossOf) - tenants,
      holds: total(({ net }) => net) === minor(line.net) && total(({ tax }) => tax) === minor(line.tax),
    };
  });
}

/** Says which identity fails, or null: the proof holds. */
export function failureOf({ quantities, money }: Proof): string | null {
  for (const { utility, root, endMeters, residuals, holds } of quantities)
    if (!holds)
      return `${utility}: root ${formatMicro(root)}, end meters ${formatMicro(endMeters)}, residuals ${formatMicro(residuals)}`;
  for (const { component, source, tenants, landlord, holds } of money)
    if (!holds)
      return `${component}: bill ${formatMinor(source)}, tenants ${formatMinor(tenants)}, landlord ${formatMinor(landlord)}`;
  return null;
}
