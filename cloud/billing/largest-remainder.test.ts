import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largestRemainder, type Participant } from './largest-remainder.ts';
import { absolute, compare, divide, multiply, ONE, rational, subtract, sum } from './rational.ts';

const weights = (...list: [string, bigint][]): Participant[] =>
  list.map(([id, weight]) => ({ id, weight: rational(weight) }));
const sharesOf = (total: bigint, participants: readonly Participant[]) => {
  const result = largestRemainder(total, participants);
  if (!result.ok) throw new Error(result.detail);
  return Object.fromEntries(result.shares);
};

test.each([
  [
    'a tie goes to the smallest id',
    100n,
    weights(['b', 1n], ['a', 1n], ['c', 1n]),
    { a: 34n, b: 33n, c: 33n },
  ],
  ['the largest fractions get what is left', 10n, weights(['a', 1n], ['b', 5n]), { a: 2n, b: 8n }],
  [
    'a credit is shared like its charge',
    -100n,
    weights(['a', 1n], ['b', 1n], ['c', 1n]),
    { a: -34n, b: -33n, c: -33n },
  ],
  ['who has no weight gets nothing', 7n, weights(['a', 0n], ['b', 3n]), { a: 0n, b: 7n }],
  ['nothing is shared as nothing', 0n, weights(['a', 1n], ['b', 2n]), { a: 0n, b: 0n }],
])('%s', (_, total, participants, expected) => {
  expect(sharesOf(total, participants)).toEqual(expected);
});

test.each([
  ['no weight at all', weights(['a', 0n], ['b', 0n]), 'zero_weight'],
  ['nobody', [], 'zero_weight'],
  ['a negative weight', weights(['a', 2n], ['b', -1n]), 'negative_weight'],
  ['somebody twice', weights(['a', 1n], ['a', 1n]), 'repeated_id'],
])('%s is refused', (_, participants, code) => {
  expect(largestRemainder(1n, participants)).toMatchObject({ ok: false, code });
});

describe('for whatever is shared', () => {
  const fraction = fc
    .tuple(fc.bigInt(0n, 10n ** 15n), fc.bigInt(1n, 10n ** 6n))
    .map(([n, d]) => rational(n, d));
  const some = fc
    .uniqueArray(fc.record({ id: fc.string({ minLength: 1, maxLength: 4 }), weight: fraction }), {
      selector: ({ id }) => id,
      minLength: 1,
      maxLength: 40,
    })
    .filter((list) => list.some(({ weight }) => weight.n > 0n));
  const total = fc.bigInt(-(10n ** 13n), 10n ** 13n);

  test('shares add up to the total, each less than one unit from exact, in any order of the participants', () => {
    fc.assert(
      fc.property(total, some, fc.infiniteStream(fc.nat()), (amount, participants, random) => {
        const shares = sharesOf(amount, participants);
        expect(Object.values(shares).reduce((a, b) => a + b, 0n)).toBe(amount);
        const all = sum(participants.map(({ weight }) => weight));
        for (const { id, weight } of participants) {
          const exact = divide(multiply(rational(amount), weight), all);
          expect(compare(absolute(subtract(rational(shares[id] ?? 0n), exact)), ONE)).toBe(-1);
        }
        const shuffled = participants
          .map((one) => ({ one, key: random.next().value ?? 0 }))
          .sort((a, b) => a.key - b.key)
          .map(({ one }) => one);
        expect(sharesOf(amount, shuffled)).toEqual(shares);
      }),
      { seed: 14, numRuns: 500 },
    );
  });
});
