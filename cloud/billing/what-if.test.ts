import { describe, expect, test } from 'vitest';
import { sampleInput } from './sample-park.ts';
import { bill, counting, parkWith, rule } from './sharing/lobby-park.ts';
import { blastRadius, whatIf } from './what-if.ts';

const inputOf = (park = parkWith([rule()])) => sampleInput(counting, { park, lossPercent: 0n });

describe('under another rule', () => {
  const before = inputOf();
  const byUse = rule({ method: { kind: 'weights', weight: '本户用量' } });
  const compared = whatIf(before, inputOf(parkWith([byUse])));
  if (!compared.ok) throw new Error(compared.detail);

  test('each lease’s difference is what the two runs say, and they add up to zero', () => {
    const paid = (park = parkWith([rule()])) =>
      bill(park).statementDrafts.map(({ head }) => BigInt(head.gross.replace('.', '')));
    expect(compared.leases.map(({ before: was, after }) => [was, after])).toEqual(
      paid().map((was, index) => [was, paid(parkWith([byUse]))[index]]),
    );
    expect(compared.leases.map(({ lease, difference }) => [lease, difference])).toEqual([
      ['L1', -12_000n],
      ['L2', 12_000n],
    ]);
    expect([compared.landlord.difference, compared.bills]).toEqual([0n, 0n]);
  });
  test('and says in which lines', () => {
    expect(compared.leases[0]?.lines).toEqual([
      { utility: 'electricity', component: 'energy', pool: 'lobby', before: 36_000n, after: 24_000n },
    ]);
  });
  test('a rule that is refused is told, and of which side', () => {
    expect(whatIf(before, inputOf(parkWith([rule({ from: '2026-09-10' })])))).toMatchObject({
      ok: false,
      of: 'after',
      code: 'rule_refused',
    });
  });
  test('another bill shows in the sum', () => {
    const park = parkWith([rule()]);
    const dearer = {
      ...park,
      sourceBills: park.sourceBills.map((one) => ({
        ...one,
        lines: one.lines.map((line) => ({ ...line, net: '1000.00' })),
      })),
    };
    const other = whatIf(before, inputOf(dearer));
    expect(other.ok && other.bills).toBe(4_000n);
  });
});

describe('the blast radius of a reading', () => {
  const edit = { meter: 'E-B-101', date: '2026-09-09', touPeriod: 'peak' };
  const row = sampleInput().usage.find(
    (one) => one.meter === edit.meter && one.date === edit.date && one.touPeriod === edit.touPeriod,
  );
  test('is everyone who shares the price of that TOU period, and nobody’s water', () => {
    const radius = blastRadius(sampleInput(), { ...edit, quantity: (row?.quantity ?? 0n) - 1_000_000n });
    if (!radius.ok) throw new Error(radius.detail);
    const touched = radius.leases.filter(({ lines }) => lines.length > 0).map(({ lease }) => lease);
    expect(touched).toEqual(['L1', 'L2', 'L3', 'L4']);
    const lines = radius.leases.flatMap((one) => one.lines);
    expect(lines.some(({ utility, component }) => utility === 'water' || component === 'energy-valley')).toBe(
      false,
    );
    expect(radius.bills).toBe(0n);
  });
  test('is nobody where the reading stays as it is', () => {
    const radius = blastRadius(sampleInput(), { ...edit, quantity: row?.quantity ?? 0n });
    expect(radius.ok && radius.leases.every(({ lines }) => lines.length === 0)).toBe(true);
  });
});
