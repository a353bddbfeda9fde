/**
 * The balance of the meter tree over a span: at each branch R = M - sum(children), with what the accuracy classes allow.
 * Children are never scaled to close it. By induction the root is the sum of its leaves and of all residuals.
 */
import { parseDecimal } from '../../protocols/decimal.ts';
import type { ParkMeter } from '../../protocols/park.ts';

export type BalancedMeter = Pick<ParkMeter, 'id' | 'parent' | 'accuracyPercent'>;

/** What a meter counted over the span, in Micro. */
export interface SpanQuantity {
  quantity: bigint;
  /** What of it was estimated or edited. */
  estimated: bigint;
  /** Intervals of the span whose quantity is not known. */
  missing: number;
}

/** In Micro; `residual` is signed. The meaning of `BalanceNode` of the API. */
export interface BalancedNode {
  meter: string;
  parent: string | null;
  quantity: bigint;
  children: bigint;
  residual: bigint;
  tolerance: bigint;
  verdict: 'leaf' | 'within' | 'loss' | 'over_count';
  estimated: bigint;
}

export interface TreeBalance {
  /** In the order of `meters`. */
  nodes: BalancedNode[];
  /** False where some meter's quantity is not known in full: then the figures are of what is known. */
  complete: boolean;
}

const PERCENT_SCALE = 12;

/**
 * @param meters of one utility, a forest; a meter whose parent is not among them is a root
 */
export function balanceTree(
  meters: readonly BalancedMeter[],
  quantities: ReadonlyMap<string, SpanQuantity>,
): TreeBalance {
  const children = Map.groupBy(meters, ({ parent }) => parent);
  const nodes = meters.map((meter) => balanceNode(meter, children.get(meter.id) ?? [], quantities));
  proveIdentity(nodes);
  return { nodes, complete: meters.every(({ id }) => quantities.get(id)?.missing === 0) };
}

function balanceNode(
  meter: BalancedMeter,
  below: readonly BalancedMeter[],
  quantities: ReadonlyMap<string, SpanQuantity>,
): BalancedNode {
  const quantityOf = ({ id }: BalancedMeter): bigint => quantities.get(id)?.quantity ?? 0n;
  const quantity = quantityOf(meter);
  const estimated = quantities.get(meter.id)?.estimated ?? 0n;
  const node = { meter: meter.id, parent: meter.parent, quantity, estimated };
  if (below.length === 0) return { ...node, children: 0n, residual: 0n, tolerance: 0n, verdict: 'leaf' };
  const children = below.reduce((sum, child) => sum + quantityOf(child), 0n);
  const residual = quantity - children;
  const tolerance = [meter, ...below].reduce((sum, one) => sum + allowance(one, quantityOf(one)), 0n) / FULL;
  const verdict = residual < -tolerance ? 'over_count' : residual > tolerance ? 'loss' : 'within';
  return { ...node, children, residual, tolerance, verdict };
}

const FULL = 100n * 10n ** BigInt(PERCENT_SCALE);

/** What a meter of its class may be wrong by, in Micro x `FULL`. */
const allowance = ({ accuracyPercent }: BalancedMeter, quantity: bigint): bigint =>
  parseDecimal(accuracyPercent, PERCENT_SCALE) * quantity;

/** M_root = sum(leaf M) + sum(R), exactly. Anything else is a defect of this file. */
function proveIdentity(nodes: readonly BalancedNode[]): void {
  const known = new Set(nodes.map(({ meter }) => meter));
  const sum = (some: readonly BalancedNode[], of: (node: BalancedNode) => bigint): bigint =>
    some.reduce((total, node) => total + of(node), 0n);
  const roots = nodes.filter(({ parent }) => parent === null || !known.has(parent));
  const leaves = nodes.filter(({ verdict }) => verdict === 'leaf');
  const measured = sum(roots, ({ quantity }) => quantity);
  if (measured !== sum(leaves, ({ quantity }) => quantity) + sum(nodes, ({ residual }) => residual))
    throw new Error('the roots are not the sum of the leaves and residuals');
}

/** Sums the intervals of one meter. */
export function spanQuantity(
  intervals: readonly { quantity: bigint | null; quality: string }[],
): SpanQuantity {
  const total: SpanQuantity = { quantity: 0n, estimated: 0n, missing: 0 };
  for (const { quantity, quality } of intervals) {
    if (quantity === null) total.missing += 1;
    else {
      total.quantity += quantity;
      if (quality !== 'actual') total.estimated += quantity;
    }
  }
  return total;
}
