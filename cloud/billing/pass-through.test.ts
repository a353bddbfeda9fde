import { expect, test } from 'vitest';
import { type Leaf, OWN } from './leaf.ts';
import { passThrough } from './pass-through.ts';
import { rational } from './rational.ts';

const leaf = (holder: string | null, pool = OWN): Leaf => ({
  holder,
  pool,
  meters: [],
  quantities: new Map([[null, rational(1_000_000n)]]),
  basis: { kind: 'own' },
  together: null,
  buildings: new Map(),
});
const cent = {
  component: 'energy',
  name: 'Energy',
  touPeriod: null,
  quantity: null,
  net: '0.01',
  tax: '0.00',
};
const takes = (...leaves: Leaf[]) => {
  const charge = passThrough(cent, leaves).charges.find(({ net }) => net > 0n);
  return [charge?.holder, charge?.pool];
};

test.each([
  ['the smallest lease id, though another begins with it', [leaf('L-1-A'), leaf('L-1')], ['L-1', OWN]],
  ['the landlord before any lease', [leaf('L-1'), leaf(null)], [null, OWN]],
  ['the smallest pool of one lease', [leaf('L-1', 'stairs-east'), leaf('L-1', 'stairs')], ['L-1', 'stairs']],
  ['the lease before the pool', [leaf('L-1-A', 'lift'), leaf('L-1', 'stairs')], ['L-1', 'stairs']],
])('a tie goes to %s', (_, leaves, taker) => {
  expect(takes(...leaves)).toEqual(taker);
});
