import fc from 'fast-check';
import { expect, test } from 'vitest';
import { balances, chargeKey, type PostableCharge, postCharges } from './post-charges.ts';

const charge = (over: Partial<PostableCharge> = {}): PostableCharge => ({
  lease: 'L1',
  utility: 'water',
  component: 'supply',
  pool: 'own',
  period: '2026-09',
  revision: 0,
  net: 100n,
  tax: 9n,
  gross: 109n,
  ...over,
});

test('a lease owes the gross; net and tax stand against it', () => {
  expect(postCharges([charge()])).toEqual({
    ok: true,
    entries: [
      {
        id: 'charge|L1|water|supply|own|2026-09|0',
        chargeKey: 'L1|water|supply|own|2026-09|0',
        description: '2026-09 water supply (own)',
        postings: [
          { account: 'lease:L1', amountMinor: 109n },
          { account: 'clearing:water:supply', amountMinor: -100n },
          { account: 'tax', amountMinor: -9n },
        ],
      },
    ],
  });
});

test('what the landlord bears is booked on the landlord', () => {
  const posted = postCharges([charge({ lease: null })]);
  expect(posted.ok && posted.entries[0]?.postings[0]).toEqual({ account: 'landlord', amountMinor: 109n });
});

test.each([
  ['net and tax that are not the gross', [charge({ gross: 110n })], 'unbalanced'],
  ['the same key twice', [charge(), charge({ net: 1n, tax: 0n, gross: 1n })], 'repeated_key'],
])('%s is refused, and with it the whole list', (_, charges, code) => {
  expect(postCharges(charges)).toMatchObject({ ok: false, code });
});

test.each([
  ['lease', { lease: 'L2' }],
  ['utility', { utility: 'electricity' }],
  ['component', { component: 'sewage' }],
  ['pool', { pool: 'lift' }],
  ['period', { period: '2026-10' }],
  ['revision', { revision: 1 }],
])('another %s is another key', (_, over) => {
  expect(chargeKey(charge(over))).not.toBe(chargeKey(charge()));
});

test('whatever is posted, all accounts together are zero', () => {
  const charges = fc.uniqueArray(
    fc
      .record({
        lease: fc.option(fc.constantFrom('L1', 'L2', 'L3')),
        pool: fc.constantFrom('own', 'lift'),
        revision: fc.nat(3),
        net: fc.bigInt({ min: -1_000_000_000_000n, max: 1_000_000_000_000n }),
        tax: fc.bigInt({ min: -1_000_000_000_000n, max: 1_000_000_000_000n }),
      })
      .map((one) => charge({ ...one, gross: one.net + one.tax })),
    { selector: chargeKey },
  );
  fc.assert(
    fc.property(charges, (list) => {
      const posted = postCharges(list);
      if (!posted.ok) throw new Error(posted.detail);
      const total = [...balances(posted.entries).values()].reduce((sum, amount) => sum + amount, 0n);
      expect(total).toBe(0n);
    }),
    { seed: 20_260_901, numRuns: 200 },
  );
});
