/** Fractions for the oracle, and how it shares a total: its own, on purpose. */
export type F = readonly [bigint, bigint];
export const f = (n: bigint, d = 1n): F => {
  let [a, b] = [n < 0n ? -n : n, d < 0n ? -d : d];
  while (b !== 0n) [a, b] = [b, a % b];
  return d < 0n ? [-n / a, -d / a] : [n / a, d / a];
};
export const plus = (x: F, y: F): F => f(x[0] * y[1] + y[0] * x[1], x[1] * y[1]);
export const minus = (x: F, y: F): F => f(x[0] * y[1] - y[0] * x[1], x[1] * y[1]);
export const times = (x: F, y: F): F => f(x[0] * y[0], x[1] * y[1]);
export const over = (x: F, y: F): F => {
  if (y[0] === 0n) throw new DividedByZero();
  return f(x[0] * y[1], x[1] * y[0]);
};
export const less = (x: F, y: F): boolean => x[0] * y[1] < y[0] * x[1];
export const least = (x: F, y: F): F => (less(y, x) ? y : x);
export const most = (x: F, y: F): F => (less(x, y) ? y : x);
export const zero = f(0n);
export const one = f(1n);
export const dec = (text: string): F => {
  const [whole = '0', part = ''] = text.split('.');
  return f(BigInt(whole + part), 10n ** BigInt(part.length));
};
export class DividedByZero extends Error {}

/** Floors, and one more for the largest fractions, ties to the smallest id. */
export function largest(total: bigint, parts: readonly { id: string; weight: F }[]): Map<string, bigint> {
  let all = zero;
  for (const { weight } of parts) all = plus(all, weight);
  const shares = new Map<string, bigint>();
  if (all[0] === 0n) return shares;
  const size = total < 0n ? -total : total;
  const exact = parts.map(({ id, weight }) => ({ id, share: over(times(f(size), weight), all) }));
  let left = size;
  for (const { id, share } of exact) {
    shares.set(id, share[0] / share[1]);
    left -= share[0] / share[1];
  }
  const fraction = ([n, d]: F): F => f(n % d, d);
  exact.sort((a, b) => {
    if (less(fraction(a.share), fraction(b.share))) return 1;
    if (less(fraction(b.share), fraction(a.share))) return -1;
    return a.id < b.id ? -1 : 1;
  });
  for (const { id } of exact) {
    if (left === 0n) break;
    shares.set(id, (shares.get(id) ?? 0n) + 1n);
    left -= 1n;
  }
  if (total < 0n) for (const [id, share] of shares) shares.set(id, -share);
  return shares;
}
