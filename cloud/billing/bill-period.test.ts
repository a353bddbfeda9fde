import { describe, expect, test } from 'vitest';
import type { Park, SourceBill, Tariff } from '../../protocols/park.ts';
import { formatMinor } from '../../protocols/units.ts';
import { checkPark } from '../check-park.ts';
import { type BillingInput, type BillingOutcome, billPeriod, type PeriodCharge } from './bill-period.ts';
import { grossOf } from './charge.ts';
import { sampleInput, samplePark, someCounting } from './sample-park.ts';

type Billed = Extract<BillingOutcome, { ok: true }>;
function bill(input: BillingInput): Billed {
  const outcome = billPeriod(input);
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome;
}
const paid = (charges: readonly PeriodCharge[], of: Partial<PeriodCharge>): bigint =>
  charges
    .filter((charge) =>
      Object.entries(of).every(([key, value]) => charge[key as keyof PeriodCharge] === value),
    )
    .reduce((sum, charge) => sum + grossOf(charge), 0n);
const withBill = (id: string, edit: (bill: SourceBill) => SourceBill): Park => ({
  ...samplePark,
  sourceBills: samplePark.sourceBills.map((one) => (one.id === id ? edit(one) : one)),
});
const withTariff = (id: string, edit: (tariff: Tariff) => Tariff[]): Park => ({
  ...samplePark,
  tariffs: samplePark.tariffs.flatMap((one) => (one.id === id ? edit(one) : [one])),
});

test('the sample park is consistent', () => {
  expect(checkPark(samplePark)).toEqual([]);
});

describe('who bears what', () => {
  const { charges, utilities } = bill(sampleInput());
  const pools = (holder: string | null, utility: string) => [
    ...new Set(
      charges.filter((one) => one.holder === holder && one.utility === utility).map(({ pool }) => pool),
    ),
  ];

  test('tenants and landlord together bear every bill, to the minor unit', () => {
    expect(
      utilities.map(({ source, tenants, landlord, conserved }) => [source === tenants + landlord, conserved]),
    ).toEqual([
      [true, true],
      [true, true],
    ]);
    expect(utilities.map(({ source }) => formatMinor(source))).toEqual(['8203.26', '4762.80']);
  });
  test('the landlord bears vacancy, its own meters, and the vacant part of pools', () => {
    expect(pools(null, 'electricity').sort()).toEqual(['lift', 'light-a', 'own', 'purifier', 'vacancy']);
  });
  test('a lease pays for the pools of its own building and of the park alone', () => {
    expect(pools('L3', 'electricity').sort()).toEqual(['lift', 'own']);
  });
  test('an exclusive pool is its lease alone, while the lease runs', () => {
    expect([
      ...new Set(charges.filter(({ pool }) => pool === 'purifier').map(({ holder }) => holder)),
    ]).toEqual([null, 'L2']);
  });
  test('a lease with the same unit for as many days pays as much of a pool', () => {
    const lift = (holder: string) => paid(charges, { holder, pool: 'lift', component: 'energy-peak' });
    const off = lift('L1') - lift('L2');
    expect(off === 0n || off === 1n).toBe(true);
  });
  test('what tiers leave of the bill, and what no tariff prices, is a line of the landlord', () => {
    expect(
      charges.filter(({ pool }) => pool === 'remainder').map(({ component, holder }) => [component, holder]),
    ).toEqual([
      ['sewage', null],
      ['supply', null],
    ]);
  });
});

describe('residuals', () => {
  test('a loss within the tolerance is shared with the bill', () => {
    const { charges, proof } = bill(sampleInput(someCounting, { lossPercent: 3n }));
    expect(proof.nodes.filter(({ verdict }) => verdict === 'within').length).toBe(3);
    expect(charges.some(({ pool }) => pool === 'metering-difference')).toBe(false);
  });
  test('what exceeds the tolerance is the landlord’s metering difference, in kWh and in money', () => {
    const { charges, proof } = bill(sampleInput(someCounting, { lossPercent: 9n }));
    const [electricity] = proof.quantities;
    expect(electricity?.meteringDifference).toBeGreaterThan(0n);
    expect(paid(charges, { pool: 'metering-difference', holder: null })).toBeGreaterThan(0n);
    const excess = proof.nodes
      .filter(({ utility, verdict }) => utility === 'electricity' && verdict === 'loss')
      .reduce((sum, { residual, tolerance }) => sum + residual - tolerance, 0n);
    expect(electricity?.meteringDifference).toBe(excess);
  });
  test('children that count more than their parent, within the tolerance, change nothing', () => {
    expect(billPeriod(sampleInput(someCounting, { lossPercent: -2n }))).toMatchObject({ ok: true });
  });
});

const reading = (
  input: BillingInput,
  edit: (row: BillingInput['usage'][number]) => Partial<BillingInput['usage'][number]>,
) => ({
  ...input,
  usage: input.usage.map((row) =>
    row.meter === 'E-lift' && row.date === '2026-09-09' ? { ...row, ...edit(row) } : row,
  ),
});

test.each<[string, () => BillingInput, string]>([
  ['a month that is none', () => ({ ...sampleInput(), period: '2026-9' }), 'unknown_period'],
  ['a month without bills', () => ({ ...sampleInput(), period: '2026-08' }), 'source_bill_missing'],
  [
    'a bill that is missing',
    () => sampleInput(undefined, { park: withBill('SB-W', (one) => ({ ...one, period: '2026-08' })) }),
    'source_bill_missing',
  ],
  [
    'two bills for one utility',
    () =>
      sampleInput(undefined, {
        park: {
          ...samplePark,
          sourceBills: samplePark.sourceBills.flatMap((one) => [one, { ...one, id: `${one.id}-2` }]),
        },
      }),
    'tariff_refused',
  ],
  [
    'a component that stands twice',
    () =>
      sampleInput(undefined, {
        park: withBill('SB-E', (one) => ({ ...one, lines: [...one.lines, ...one.lines] })),
      }),
    'tariff_refused',
  ],
  [
    'a bill in fractions of the minor unit',
    () =>
      sampleInput(undefined, {
        park: withBill('SB-E', (one) => ({
          ...one,
          lines: one.lines.map((line) => ({ ...line, net: '1.005' })),
        })),
      }),
    'tariff_refused',
  ],
  [
    'a bill for a TOU period that the calendar does not know',
    () =>
      sampleInput(undefined, {
        park: withBill('SB-E', (one) => ({
          ...one,
          lines: one.lines.map((line) => ({ ...line, touPeriod: 'sharp' })),
        })),
      }),
    'tariff_refused',
  ],
  [
    'a bill of a meter that is not the root',
    () => sampleInput(undefined, { park: withBill('SB-E', (one) => ({ ...one, meter: 'E-A' })) }),
    'tariff_refused',
  ],
  [
    'a tariff that changes in the month',
    () => sampleInput(undefined, { park: withTariff('grid', (one) => [{ ...one, to: '2026-09-15' }]) }),
    'tariff_refused',
  ],
  ['no tariff', () => sampleInput(undefined, { park: withTariff('grid', () => []) }), 'tariff_refused'],
  [
    'two tariffs',
    () => sampleInput(undefined, { park: withTariff('grid', (one) => [one, one]) }),
    'tariff_refused',
  ],
  [
    'a tariff whose component is not billed',
    () =>
      sampleInput(undefined, {
        park: withTariff('water', (one) => (one.kind === 'tiered' ? [{ ...one, component: 'other' }] : [])),
      }),
    'tariff_refused',
  ],
  [
    'a calendar on another clock',
    () =>
      sampleInput(undefined, {
        park: withTariff('grid', (one) =>
          one.kind === 'pass_through' ? [{ ...one, calendar: { ...one.calendar, timeZone: 'UTC' } }] : [],
        ),
      }),
    'tariff_refused',
  ],
  [
    'tiers that end below the quantity',
    () =>
      sampleInput(undefined, {
        park: withTariff('water', (one) =>
          one.kind === 'tiered' ? [{ ...one, tiers: one.tiers.slice(0, 1) }] : [],
        ),
      }),
    'tariff_refused',
  ],
  [
    'a pool by the name of a built-in one',
    () =>
      sampleInput(undefined, {
        park: { ...samplePark, pools: samplePark.pools.map((pool) => ({ ...pool, id: 'vacancy' })) },
      }),
    'tariff_refused',
  ],
  ['a missing interval', () => reading(sampleInput(), () => ({ missingIntervals: 1 })), 'missing_quantity'],
  ['a missing day', () => reading(sampleInput(), () => ({ date: '2026-10-09' })), 'missing_quantity'],
  ['a missing meter', () => reading(sampleInput(), () => ({ meter: 'E-other' })), 'missing_quantity'],
  [
    'a day given twice',
    () => ({ ...sampleInput(), usage: [...sampleInput().usage, ...sampleInput().usage.slice(0, 1)] }),
    'missing_quantity',
  ],
  ['a missing register', () => ({ ...sampleInput(), registers: [] }), 'missing_quantity'],
  [
    'estimates that nobody signed for',
    () => reading(sampleInput(), () => ({ estimatedIntervals: 2 })),
    'estimates_unsigned',
  ],
  [
    'children that count more than their parent',
    () => sampleInput(someCounting, { lossPercent: -9n }),
    'negative_residual',
  ],
  [
    'a consumption below zero',
    () =>
      sampleInput((meter, date, period) => (meter === 'E-office' ? -1n : someCounting(meter, date, period))),
    'negative_residual',
  ],
  [
    'tenants who would pay more than the bill',
    () =>
      sampleInput(undefined, {
        park: withBill('SB-W', (one) => ({
          ...one,
          lines: one.lines.map((line) => ({ ...line, net: '100.00' })),
        })),
      }),
    'markup',
  ],
  [
    'tenants who would pay more tax than the bill',
    () =>
      sampleInput(undefined, {
        park: withBill('SB-W', (one) => ({
          ...one,
          lines: one.lines.map((line) => ({ ...line, tax: '1.00' })),
        })),
      }),
    'markup',
  ],
  [
    'registers that do not state what the intervals add up to',
    () => ({
      ...sampleInput(),
      registers: sampleInput().registers.map((one, i) => ({ ...one, value: one.value + BigInt(i) })),
    }),
    'proof_failed',
  ],
])('%s is refused', (_, input, code) => {
  expect(billPeriod(input())).toMatchObject({ ok: false, code, detail: expect.stringMatching(/./) });
});

test('estimates that are signed for are counted', () => {
  const input = reading(sampleInput(), ({ quantity }) => ({ estimated: quantity, estimatedIntervals: 2 }));
  expect(bill({ ...input, acceptEstimates: { by: 'ops', reason: 'outage' } }).estimatedIntervals).toBe(6);
});

test('a component that nobody consumed is the landlord’s, with a warning', () => {
  const input = sampleInput((meter, date, period) =>
    period === 'valley' ? 0n : someCounting(meter, date, period),
  );
  const { charges, warnings } = bill(input);
  expect(charges.filter(({ component }) => component === 'energy-valley')).toMatchObject([
    { holder: null, pool: 'remainder' },
  ]);
  expect(warnings).toEqual([expect.stringContaining('energy-valley')]);
});
