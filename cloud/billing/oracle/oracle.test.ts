/** Whatever the park: the identities hold, a second implementation agrees to the last unit, and order changes nothing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Park } from '../../../protocols/park.ts';
import { minor } from '../../../protocols/units.ts';
import { type BilledUtility, billUtility } from '../bill-utility.ts';
import { naiveBill } from './naive-bill.ts';
import { type RandomCase, randomCase } from './random-park.ts';

/** The full figures (100,000 parks, 10,000 by the oracle) are those of `npm run torture -- --full`. */
const runs = { seed: 20_261_122, numRuns: 600 };
const someParks = fc.integer().map(randomCase);

function bill({ park, period, terms, usage }: RandomCase): BilledUtility | string {
  const billed = billUtility(park, period, terms, usage);
  if (billed.ok) return billed;
  return billed.code === 'negative_residual' ? billed.code : `${billed.code}: ${billed.detail}`;
}

const amounts = ({ charges }: BilledUtility) =>
  new Map(
    charges
      .filter(({ net, tax }) => net !== 0n || tax !== 0n)
      .map(({ holder, pool, component, net, tax }) => [`${holder ?? ''}|${pool}|${component}`, { net, tax }]),
  );

describe('any park', () => {
  test('the oracle agrees to the last unit, and every identity is exact', () => {
    fc.assert(
      fc.property(someParks, (one) => {
        const billed = bill(one);
        expect(typeof billed === 'string' ? billed : amounts(billed)).toEqual(naiveBill(one));
        if (typeof billed === 'string') return;
        expect([billed.quantities, ...billed.money].every(({ holds }) => holds)).toBe(true);
        for (const line of one.terms.bill.lines) {
          const own = billed.charges.filter(({ component }) => component === line.component);
          expect(own.reduce((sum, { net }) => sum + net, 0n)).toBe(minor(line.net));
          expect(own.reduce((sum, { tax }) => sum + tax, 0n)).toBe(minor(line.tax));
        }
      }),
      runs,
    );
  });

  test('the order of anything in it changes nothing', () => {
    fc.assert(
      fc.property(someParks, (one) => {
        const turned = <T>(list: readonly T[] | undefined): T[] => [...(list ?? [])].reverse();
        const { park } = one;
        const mixed: Park = {
          ...park,
          units: turned(park.units),
          leases: turned(park.leases).map((lease) => ({
            ...lease,
            units: turned(lease.units),
            values: turned(lease.values),
          })),
          meters: turned(park.meters),
          pools: turned(park.pools),
          rules: turned(park.rules),
          temperatures: turned(park.temperatures),
        };
        const usage = new Map([...one.usage].reverse());
        const [first, second] = [bill(one), bill({ ...one, park: mixed, usage })];
        expect(second).toEqual(typeof first === 'string' ? first : { ...first, terms: one.terms });
      }),
      { ...runs, numRuns: 150 },
    );
  });

  test('a lease that weighs nothing changes nobody', () => {
    const weighsAlways = /10 m2|if\(/;
    fc.assert(
      fc.property(someParks, (one) => {
        const { park } = one;
        fc.pre(!(park.rules ?? []).some(({ method }) => weighsAlways.test(JSON.stringify(method))));
        const unit = { id: 'U9', name: 'U9', building: 'B0', floor: '1', areaM2: '0' };
        const lease = {
          id: 'L9',
          tenant: 'L9',
          units: ['U9'],
          from: '2025-01-01',
          to: null,
          values: [{ name: '人数', value: '0', from: '2020-01-01', to: null }],
          signed: (park.rules ?? []).map(({ id: rule, version }) => ({ rule, version, on: '2026-01-01' })),
        };
        const before = bill(one);
        const after = bill({
          ...one,
          park: { ...park, units: [...park.units, unit], leases: [...park.leases, lease] },
        });
        expect(typeof after === 'string' ? after : amounts(after)).toEqual(
          typeof before === 'string' ? before : amounts(before),
        );
      }),
      { ...runs, numRuns: 150 },
    );
  });
});
