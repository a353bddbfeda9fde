/** Whatever the park: its identities hold, an independent count agrees, and the order of the input changes nothing. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Park } from '../../protocols/park.ts';
import { formatMinor, minor } from '../../protocols/units.ts';
import { type BillingInput, type BillingOutcome, billPeriod, type PeriodCharge } from './bill-period.ts';
import { grossOf } from './charge.ts';
import {
  absolute,
  add,
  compare,
  divide,
  fromDecimal,
  multiply,
  ONE,
  type Rational,
  rational,
  subtract,
  ZERO,
} from './rational.ts';
import { replayStatement } from './replay-statement.ts';
import { type Counting, sampleInput, samplePark, someCounting } from './sample-park.ts';

function bill(input: BillingInput): Extract<BillingOutcome, { ok: true }> {
  const outcome = billPeriod(input);
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome;
}
const grossTotal = (charges: readonly PeriodCharge[], statement: string): bigint =>
  charges
    .filter((charge) => charge.statement === statement)
    .reduce((sum, charge) => sum + grossOf(charge), 0n);

/** Random parks: areas, leases with changes and vacancy, loads, bills. */
const dates = fc
  .integer({ min: 0, max: 40 })
  .map((days) => `${Temporal.PlainDate.from('2026-08-26').add({ days })}`);
const lease = (id: string, unit: string) =>
  fc.tuple(dates, dates, fc.boolean()).map(([a, b, open]) => {
    const [from = a, to = b] = [a, b].sort();
    return { id, tenant: id, units: [unit], from, to: open || from === to ? null : to };
  });
const area = fc
  .integer({ min: 1, max: 100_000_000 })
  .map((milli) => `${Math.floor(milli / 1000)}.${`${milli % 1000}`.padStart(3, '0')}`);
const money = fc.integer({ min: -100_000, max: 100_000_000 }).map((fen) => formatMinor(BigInt(fen)));
const positive = fc.integer({ min: 0, max: 100_000_000 }).map((fen) => formatMinor(BigInt(fen)));

const parks = fc
  .record({
    leases: fc.tuple(lease('L1', 'A-101'), lease('L3', 'B-101'), lease('L4', 'A-102')),
    areas: fc.array(area, { minLength: 4, maxLength: 4 }),
    nets: fc.array(money, { minLength: 4, maxLength: 4 }),
    taxes: fc.array(positive, { minLength: 4, maxLength: 4 }),
    salt: fc.nat(9999),
    idle: fc.subarray(samplePark.meters.map(({ id }) => id)),
    lossPercent: fc.constantFrom(-1n, 0n, 1n, 3n, 8n),
  })
  .map(({ leases, areas, nets, taxes, salt, idle, lossPercent }): BillingInput => {
    const [first, ...others] = leases;
    const follower = { ...first, id: 'L2', tenant: 'L2', from: first.to ?? '2027-01-01', to: null };
    const park: Park = {
      ...samplePark,
      sourceBills: samplePark.sourceBills.map((one) => ({
        ...one,
        lines:
          one.utility === 'water'
            ? one.lines
            : one.lines.map((line, i) => ({ ...line, net: nets[i] ?? '0', tax: taxes[i] ?? '0' })),
      })),
      leases: [first, follower, ...others],
      units: samplePark.units.map((unit, i) => ({ ...unit, areaM2: areas[i] ?? '1' })),
    };
    // Water stays below its bill: the guard has its own tests.
    const counting: Counting = (meter, date, period) => {
      if (idle.includes(meter)) return 0n;
      const some = someCounting(`${meter}${salt}`, date, period);
      return meter.startsWith('W') ? some / 10n : some;
    };
    return sampleInput(counting, { park, lossPercent });
  });

const runs = { seed: 20_260_901, numRuns: 60 };

test('any park: every identity holds, and no charge is off by a minor unit', () => {
  fc.assert(
    fc.property(parks, (input) => {
      const { charges, proof, utilities, statementDrafts } = bill(input);
      expect([...proof.money, ...proof.quantities].every(({ holds }) => holds)).toBe(true);
      for (const { source, tenants, landlord } of utilities) expect(tenants + landlord).toBe(source);
      for (const draft of statementDrafts) {
        expect(minor(draft.head.gross)).toBe(grossTotal(charges, draft.head.id));
        expect(replayStatement(draft)).toEqual([]);
      }
      const keys = charges.map(
        ({ holder, utility, component, pool }) => `${holder}|${utility}|${component}|${pool}`,
      );
      expect(new Set(keys).size).toBe(keys.length);
      for (const [key, exact] of oracle(input)) {
        const [holder, component, pool] = key.split('|');
        const charge = charges.find(
          (one) => `${one.holder ?? ''}` === holder && one.component === component && one.pool === pool,
        );
        expect(compare(absolute(subtract(rational(charge?.net ?? 0n), exact)), ONE), key).toBe(-1);
      }
    }),
    runs,
  );
});

/**
 * Exact net amounts of the electricity bill in minor units, found another way: every kWh of every day is handed out on its own,
 * a pool's unit by unit, and each component is priced per kWh. By `holder|component|pool`; without metering differences.
 */
function oracle({ park, usage }: BillingInput): Map<string, Rational> {
  const bill = park.sourceBills.find(({ utility }) => utility === 'electricity');
  const ends = park.meters.filter(
    ({ utility, serves }) => utility === 'electricity' && serves.kind !== 'branch',
  );
  const holderOf = (unit: string, date: string): string =>
    park.leases.find(
      (one) => one.units.includes(unit) && one.from <= date && (one.to === null || date < one.to),
    )?.id ?? '';
  const days = [...new Set(usage.map(({ date }) => date))];
  const rowsOf = Map.groupBy(usage, ({ meter }) => meter);
  const quantities = new Map<string, Rational>();
  const put = (key: string, quantity: Rational) =>
    quantities.set(key, add(quantities.get(key) ?? ZERO, quantity));
  for (const { id, serves } of ends)
    for (const { date, touPeriod, quantity } of rowsOf.get(id) ?? []) {
      const whole = rational(quantity);
      if (serves.kind === 'landlord') put(`|${touPeriod}|own`, whole);
      if (serves.kind === 'unit') {
        const holder = holderOf(serves.unit, date);
        put(`${holder}|${touPeriod}|${holder === '' ? 'vacancy' : 'own'}`, whole);
      }
      if (serves.kind !== 'pool') continue;
      const pool = park.pools.find((one) => one.id === serves.pool);
      if (pool?.scope.kind === 'lease') {
        const { lease: only } = pool.scope;
        const runs = park.leases.some(
          (one) => one.id === only && one.from <= date && (one.to === null || date < one.to),
        );
        put(`${runs ? only : ''}|${touPeriod}|${serves.pool}`, whole);
        continue;
      }
      const scope = pool?.scope;
      const units = park.units.filter(
        (unit) => scope?.kind !== 'building' || unit.building === scope.building,
      );
      const total = units.reduce((sum, unit) => add(sum, fromDecimal(unit.areaM2)), ZERO);
      for (const unit of units)
        for (const day of days)
          put(
            `${holderOf(unit.id, day)}|${touPeriod}|${serves.pool}`,
            divide(multiply(whole, fromDecimal(unit.areaM2)), multiply(total, rational(BigInt(days.length)))),
          );
    }
  const amounts = new Map<string, Rational>();
  if (bill === undefined || hasLoss(rowsOf, park)) return amounts;
  for (const { component, touPeriod, net } of bill.lines) {
    const priced = [...quantities].filter(([key]) => touPeriod === null || key.split('|')[1] === touPeriod);
    const metered = priced.reduce((sum, [, quantity]) => add(sum, quantity), ZERO);
    if (metered.n === 0n) continue;
    for (const [key, quantity] of priced) {
      const [holder, , pool] = key.split('|');
      const leaf = `${holder}|${component}|${pool}`;
      const amount = divide(multiply(rational(minor(net)), quantity), metered);
      amounts.set(leaf, add(amounts.get(leaf) ?? ZERO, amount));
    }
  }
  return amounts;
}

/** Some branch counts over twice its class above what lies below: then the landlord has a further share. */
function hasLoss(rowsOf: Map<string, { quantity: bigint }[]>, park: Park): boolean {
  const total = (id: string): bigint =>
    (rowsOf.get(id) ?? []).reduce((sum, { quantity }) => sum + quantity, 0n);
  return park.meters.some(({ id, utility, serves }) => {
    if (utility !== 'electricity' || serves.kind !== 'branch') return false;
    const below = park.meters
      .filter(({ parent }) => parent === id)
      .reduce((sum, one) => sum + total(one.id), 0n);
    return (total(id) - below) * 100n > (total(id) + below) * 2n;
  });
}

test('any park: the order of the input changes nothing', () => {
  const shuffle = <T>(list: readonly T[], random: () => number): T[] =>
    list
      .map((one) => ({ one, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ one }) => one);
  fc.assert(
    fc.property(parks, fc.infiniteStream(fc.nat()), (input, stream) => {
      const random = () => stream.next().value ?? 0;
      const { park } = input;
      const lists = ['units', 'leases', 'meters', 'pools', 'tariffs', 'sourceBills', 'buildings'] as const;
      const mixed: Park = {
        ...park,
        ...Object.fromEntries(lists.map((name) => [name, shuffle<unknown>(park[name], random)])),
      };
      const sourceBills = mixed.sourceBills.map((one) => ({ ...one, lines: shuffle(one.lines, random) }));
      const again = bill({
        ...input,
        park: { ...mixed, sourceBills },
        usage: shuffle(input.usage, random),
        registers: shuffle(input.registers, random),
      });
      const { charges, statementDrafts, proof, utilities } = bill(input);
      expect(again.charges).toEqual(charges);
      expect(again.statementDrafts).toEqual(statementDrafts);
      expect(again.proof).toEqual(proof);
      expect(again.utilities).toEqual(utilities);
    }),
    { ...runs, numRuns: 15 },
  );
});
