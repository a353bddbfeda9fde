/** What the import of a park and a billing run refuse of sharing rules, each by its name. */
import { expect, test } from 'vitest';
import type { Park } from '../../../protocols/park.ts';
import { checkPark } from '../../check-park.ts';
import { hot, lobby, parkWith, refusal, rule } from './lobby-park.ts';

test.each<[string, Park, string]>([
  [
    'a factor above 1 without a cap',
    parkWith([rule({ method: { kind: 'weights', weight: '面积', factor: '(最高温 - 20) / 10' } })], {
      temperatures: hot,
    }),
    'rule_refused: pool lobby, rule R-lobby v1: its factor is above 1: declare a cap',
  ],
  [
    'quantities beyond the pool',
    parkWith([rule({ method: { kind: 'quantity', quantity: '总表差值 * 面积 / 200 m2' } })]),
    'rule_refused: pool lobby, rule R-lobby v1: it recovers more than there is to share',
  ],
  [
    'a figure that is not on record',
    parkWith([rule({ method: { kind: 'weights', weight: '人数' } })]),
    'rule_refused: pool lobby, rule R-lobby v1: L1: no_value in 人数: L1 has none on record',
  ],
  [
    'a day without a temperature',
    parkWith([rule({ method: { kind: 'weights', weight: '面积', factor: '(最高温 - 26) / 10' } })], {
      temperatures: hot.slice(1),
    }),
    'rule_refused: pool lobby, rule R-lobby v1: no_value in 最高温: there is no temperature of 2026-09-01',
  ],
  [
    'a weight below zero',
    parkWith([rule({ method: { kind: 'weights', weight: '面积 - 200' } })]),
    'rule_refused: pool lobby, rule R-lobby v1: the weight of L2 is below zero',
  ],
  [
    'a division by one tenant’s zero',
    parkWith([rule({ method: { kind: 'weights', weight: '1 / (面积 - 100)' } })]),
    'rule_refused: pool lobby, rule R-lobby v1: L2: division_by_zero in 面积 - 100',
  ],
  [
    'days on which no version is in force',
    parkWith([rule({ from: '2026-09-10' })]),
    'rule_refused: pool lobby: no version of rule R-lobby is in force on 2026-09-01',
  ],
])('%s is refused by name', (_, park, detail) => expect(refusal(park)).toBe(detail));

test.each<[string, Partial<Park>, string]>([
  [
    'a formula that cannot be read',
    { rules: [rule({ method: { kind: 'weights', weight: '面积 ^ 2' } })] },
    'unknown_character ^ at 4',
  ],
  [
    'a quantity in kWh m2',
    { rules: [rule({ method: { kind: 'quantity', quantity: '总表差值 * 面积' } })] },
    'kWh * m2, not kWh in "总表差值 * 面积"',
  ],
  [
    'two versions on one day',
    { rules: [rule(), rule({ version: 2 })] },
    'rules.R-lobby v2: v1 is in force in the same days',
  ],
  [
    'a gap between versions',
    { rules: [rule({ to: '2026-03-01' }), rule({ version: 2, from: '2026-04-01' })] },
    'no version is in force from 2026-03-01 to 2026-04-01',
  ],
  [
    'an end before its beginning',
    { rules: [rule({ to: '2025-01-01' })] },
    '"to" 2025-01-01 is not after "from" 2026-01-01',
  ],
  [
    'a cap above 1',
    { rules: [rule({ method: { kind: 'weights', weight: '1', factor: '1', factorCap: '1.2' } })] },
    'factorCap 1.2 is not above 0 and at most 1',
  ],
  [
    'a pool that is not there',
    { rules: [rule({ pools: [{ pool: 'x', weight: '1' }] })] },
    'pool "x" is not in the document',
  ],
  [
    'a pool that passes on to itself',
    { rules: [rule({ pools: [{ pool: 'lobby', weight: '1' }] })] },
    'passes on to itself',
  ],
  [
    'shares of 99.99 %',
    {
      owners: [
        { building: 'A', from: '2026-01-01', to: null, shares: [{ owner: 'a', name: 'A', share: '0.9999' }] },
      ],
    },
    'owners.A: the shares add up to 9999/10000, not to 1',
  ],
  ['a date with two temperatures', { temperatures: [...hot, ...hot] }, 'temperatures: a date stands twice'],
  [
    'a difference of an end meter',
    { pools: [{ ...lobby, difference: { meter: 'E-A-101', negative: 'block' } }] },
    'E-A-101 is no branch meter of electricity',
  ],
])('the import refuses %s', (_, over, problem) => {
  expect(checkPark(parkWith([], over)).join('\n')).toContain(problem);
});

test('the park of these tests is consistent', () => expect(checkPark(parkWith([rule()]))).toEqual([]));
