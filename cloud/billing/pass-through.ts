/**
 * Pass-through of a supplier's bill: each component is shared over all leaves by their exact consumption, of the TOU period
 * the component prices where it names one. The loss is shared with it: price = bill / billed kWh and coefficient
 * k = unallocated / metered give own x (1 + k) x price, which is the bill's amount x own / metered. Net and tax are each
 * rounded once, by largest remainder over the leaves, so that all shares add up to the bill.
 */
import type { SourceBillLine } from '../../protocols/park.ts';
import { minor } from '../../protocols/units.ts';
import type { Charge } from './charge.ts';
import { largestRemainder } from './largest-remainder.ts';
import { exactQuantity, type Leaf, leafId, printedQuantities, REMAINDER } from './leaf.ts';
import { isZero } from './rational.ts';

/** @returns charges by leaf id; a leaf that neither consumed nor pays has none */
export function passThrough(
  line: SourceBillLine,
  leaves: readonly Leaf[],
): { charges: Charge[]; warnings: string[] } {
  const { component, touPeriod } = line;
  const weights = leaves.map((leaf) => ({ id: leafId(leaf), weight: exactQuantity(leaf, touPeriod) }));
  const net = largestRemainder(minor(line.net), weights);
  const tax = largestRemainder(minor(line.tax), weights);
  if (!net.ok || !tax.ok) {
    const refused = net.ok ? tax : net;
    if (!refused.ok && refused.code !== 'zero_weight') throw new RangeError(refused.detail);
    return {
      charges: [
        {
          holder: null,
          pool: REMAINDER,
          component,
          quantity: 0n,
          net: minor(line.net),
          tax: minor(line.tax),
        },
      ],
      warnings: [`${component}: nothing was metered that it could be shared by: the landlord bears it`],
    };
  }
  const printed = printedQuantities(leaves, touPeriod);
  const charges = leaves
    .filter((leaf) => !isZero(exactQuantity(leaf, touPeriod)))
    .map(({ holder, pool }) => {
      const id = leafId({ holder, pool });
      return {
        holder,
        pool,
        component,
        quantity: printed.get(id) ?? 0n,
        net: net.shares.get(id) ?? 0n,
        tax: tax.shares.get(id) ?? 0n,
      };
    });
  return { charges, warnings: [] };
}
