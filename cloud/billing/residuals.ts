/**
 * The balance of the tree: at each branch the difference between its own meter and the meters below it, R = M - sum(C). It is
 * technical loss, unmetered use and metering error; children are never scaled to make it vanish. Up to the tolerance of
 * the meters' accuracy classes it is shared with the bill; what exceeds it is the landlord's metering difference; and
 * children that over-count beyond it block the bill.
 */
import type { ParkMeter } from '../../protocols/park.ts';
import { largestRemainder } from './largest-remainder.ts';
import type { ByTou } from './leaf.ts';
import { add, divide, fromDecimal, multiply, type Rational, rational } from './rational.ts';
import { roundWhole } from './rounding.ts';

/** All in millionths of kWh or m3; signed. */
export interface NodeBalance {
  readonly meter: string;
  readonly parent: string | null;
  readonly quantity: bigint;
  readonly children: bigint;
  readonly residual: bigint;
  readonly tolerance: bigint;
  readonly verdict: 'leaf' | 'within' | 'loss' | 'over_count';
}

/** @param totals what each meter counted over the period */
export function balanceTree(
  meters: readonly ParkMeter[],
  totals: ReadonlyMap<string, bigint>,
): NodeBalance[] {
  const total = (meter: ParkMeter): bigint => totals.get(meter.id) ?? 0n;
  return [...meters]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((meter) => {
      const below = meters.filter(({ parent }) => parent === meter.id);
      const quantity = total(meter);
      const node = { meter: meter.id, parent: meter.parent, quantity };
      if (meter.serves.kind !== 'branch')
        return { ...node, children: 0n, residual: 0n, tolerance: 0n, verdict: 'leaf' };
      const children = below.reduce((all, child) => all + total(child), 0n);
      const residual = quantity - children;
      const errors = [meter, ...below].map((one) => allowance(one, total(one)));
      const tolerance = roundWhole(errors.reduce(add), 'floor');
      return { ...node, children, residual, tolerance, verdict: verdictOf(residual, tolerance) };
    });
}

/** What a meter of its accuracy class may be wrong by. */
const allowance = ({ accuracyPercent }: ParkMeter, quantity: bigint): Rational =>
  divide(multiply(fromDecimal(accuracyPercent), rational(quantity)), rational(100n));

function verdictOf(residual: bigint, tolerance: bigint): NodeBalance['verdict'] {
  if (residual < -tolerance) return 'over_count';
  return residual > tolerance ? 'loss' : 'within';
}

/**
 * The landlord's metering difference: what the branches lost beyond their tolerance, in each TOU period in proportion to what
 * was lost there.
 * @param usageOf a meter's quantities by TOU period
 */
export function meteringDifference(
  nodes: readonly NodeBalance[],
  usageOf: (meter: string) => ByTou,
): Map<string | null, bigint> {
  const lost = new Map<string | null, bigint>();
  for (const node of nodes.filter(({ verdict }) => verdict === 'loss')) {
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
