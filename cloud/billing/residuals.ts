/**
 * What becomes of the residuals of the tree: up to the tolerance of the meters' accuracy classes a loss is shared with the
 * bill; what exceeds it is the landlord's metering difference. Children are never scaled to make a residual vanish.
 */
import type { BalancedNode } from '../metering/balance-tree.ts';
import { largestRemainder } from './largest-remainder.ts';
import type { ByTou } from './leaf.ts';
import { rational } from './rational.ts';

/**
 * The landlord's metering difference: what branches lost beyond their tolerance, in each TOU period in proportion to what
 * was lost there.
 * @param branches whose loss is nobody else's
 * @param nodes the whole tree
 * @param usageOf a meter's quantities by TOU period
 */
export function meteringDifference(
  branches: readonly BalancedNode[],
  nodes: readonly BalancedNode[],
  usageOf: (meter: string) => ByTou,
): Map<string | null, bigint> {
  const lost = new Map<string | null, bigint>();
  for (const node of branches.filter(({ verdict }) => verdict === 'loss')) {
    const children = nodes.filter(({ parent }) => parent === node.meter).map(({ meter }) => usageOf(meter));
    const own = usageOf(node.meter);
    const residuals = [...own].map(([touPeriod, quantity]) => ({
      touPeriod,
      residual: children.reduce((rest, child) => rest - (child.get(touPeriod) ?? 0n), quantity),
    }));
    const shares = largestRemainder(
      node.residual - node.tolerance,
      residuals.map(({ touPeriod, residual }) => ({
        id: touPeriod ?? '',
        weight: rational(residual > 0n ? residual : 0n),
      })),
    );
    if (!shares.ok) throw new RangeError(`${node.meter}: a loss that no TOU period lost`);
    for (const { touPeriod } of residuals)
      lost.set(touPeriod, (lost.get(touPeriod) ?? 0n) + (shares.shares.get(touPeriod ?? '') ?? 0n));
  }
  return lost;
}
