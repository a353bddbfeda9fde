import { expect, test } from 'vitest';
import { classify, reconcileBill } from './reconcile-bill.ts';
import { samplePark } from './sample-park.ts';

test.each([
  ['the same', 10_000n, 10_000n, 'none'],
  ['half a percent, the class of the supplier’s meter', 10_000n, 10_050n, 'none'],
  ['less than a day of thirty, as when the two are read at other hours', 10_000n, 10_300n, 'timing'],
  ['a transformer ratio of 40 for 20', 20_000n, 10_000n, 'ct_ratio'],
  ['a multiplier that was forgotten', 10_000n, 600_000n, 'ct_ratio'],
  ['a third more', 13_500n, 10_000n, 'unexplained'],
  ['a meter that counted nothing', 10_000n, 0n, 'unexplained'],
])('%s', (_, billed, metered, expected) => {
  expect(classify(billed, metered, 30)).toBe(expected);
});

test('money that agrees has no class, a bill that was changed after the run has one, and loss is told', () => {
  const [bill] = samplePark.sourceBills;
  if (bill === undefined) throw new Error('no bill');
  const charged = bill.lines.map(({ component }) => ({
    component,
    tenants: component === 'energy-peak' ? 400_000n : 0n,
    landlord: component === 'energy-peak' ? 65_950n : 0n,
    quantity: 3_900_000_000n,
  }));
  const metered = new Map([['peak', 4_000_000_000n]]);
  const [peak, flat] = reconcileBill(bill, charged, metered, 30);
  expect(peak).toMatchObject({
    billed: '4659.50',
    difference: '0.00',
    classes: ['loss'],
    quantityDifference: 'none',
  });
  expect(peak?.meanPrice).toEqual({ supplier: '1.030863', charged: '1.057295' });
  expect(flat).toMatchObject({ difference: '2950.55', meteredQuantity: null, classes: ['price'] });
});
