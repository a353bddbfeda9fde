/** The order in which a tree is read: children before their parent, families together. */

interface InTree {
  meter: string;
  parent: string | null;
}

/** Each meter after all those below it; roots and siblings in the order given. */
export function familyOrder<T extends InTree>(meters: readonly T[]): T[] {
  const children = Map.groupBy(meters, ({ parent }) => parent);
  const order: T[] = [];
  const stack = (children.get(null) ?? []).toReversed().map((meter) => ({ meter, isDone: false }));
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.isDone) {
      order.push(top.meter);
      continue;
    }
    stack.push({ meter: top.meter, isDone: true });
    for (const child of (children.get(top.meter.meter) ?? []).toReversed())
      stack.push({ meter: child, isDone: false });
  }
  return order;
}
