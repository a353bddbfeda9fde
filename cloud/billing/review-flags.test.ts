import { describe, expect, test } from 'vitest';
import { type ReviewedLease, reviewFlags } from './review-flags.ts';

const quiet: ReviewedLease = {
  gross: 100_000n,
  days: 30,
  before: { gross: 100_000n, days: 30 },
  monthBefore: true,
  estimated: 0n,
  anomalous: false,
};

describe('a lease is flagged', () => {
  test.each<[string, Partial<ReviewedLease>, [string, bigint][]]>([
    ['not at all when it is like the month before', {}, []],
    ['for half more', { gross: 150_000n }, [['rise', 50_000n]]],
    ['not for a little less than half more', { gross: 149_999n }, []],
    ['for half less', { gross: 50_000n }, [['fall', 50_000n]]],
    ['not for many times more of next to nothing', { gross: 5_099n, before: { gross: 100n, days: 30 } }, []],
    ['by days held: half the month at half the price is no fall', { gross: 50_000n, days: 15 }, []],
    ['by days held: half the month at the whole price is a rise', { days: 15 }, [['rise', 50_000n]]],
    ['as the first of its kind', { before: null }, [['first', 100_000n]]],
    ['not as the first where nobody had a statement before', { before: null, monthBefore: false }, []],
    [
      'for a credit balance, and for the change to it',
      { gross: -1_00n },
      [
        ['negative', 100n],
        ['fall', 100_100n],
      ],
    ],
    ['for nothing at all', { gross: 0n, before: { gross: 0n, days: 30 } }, [['zero', 0n]]],
    ['for what is estimated', { estimated: 212_00n }, [['estimated', 212_00n]]],
    ['for an anomaly, with all that it is charged', { anomalous: true }, [['anomaly', 100_000n]]],
  ])('%s', (_, change, expected) => {
    expect(reviewFlags({ ...quiet, ...change }).map(({ kind, atStake }) => [kind, atStake])).toEqual(
      expected,
    );
  });
});
