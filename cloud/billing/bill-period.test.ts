import { describe, expect, test } from 'vitest';
import type { Park, SourceBill, Tariff } from '../../protocols/park.ts';
import { formatMinor } from '../../protocols/units.ts';
import { checkPark } from '../check-park.ts';
import { type BillingInput, type BillingOutcome, billPeriod, type PeriodCharge } from './bill-period.ts';
import { billingPeriod } from './billing-period.ts';
import { billingTerms } from './billing-terms.ts';
import { grossOf } from './charge.ts';
import { replayStatement } from './replay-statement.ts';
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

describe('tariffs', () => {
  const [grid] = samplePark.tariffs;
  if (grid?.kind !== 'pass_through') throw new Error('the sample park passes electricity through');
  const own = (component: string, over: Partial<Extract<Tariff, { kind: 'tiered' }>> = {}): Tariff => ({
    kind: 'tiered',
    id: component,
    version: 1,
    utility: 'electricity',
    component,
    tiers: [{ upTo: null, unit: '0.2', flat: '0' }],
    taxRate: '0.13',
    calendar: grid.calendar,
    from: '2026-01-01',
    to: null,
    ...over,
  });
  const priced = (...tariffs: Tariff[]) =>
    sampleInput(undefined, { park: withTariff('grid', () => tariffs) });

  test('own prices by time of use: tiers inside a TOU period, its lines replayed from the registers', () => {
    const tiers = [
      { upTo: '10', unit: '0.2', flat: '0' },
      { upTo: null, unit: '0.3', flat: '0' },
    ];
    const { charges, statementDrafts } = bill(
      priced(
        own('energy-peak', { tiers }),
        own('energy-valley', { mode: 'volume', tiers, rounding: 'floor' }),
      ),
    );
    for (const draft of statementDrafts) expect(replayStatement(draft)).toEqual([]);
    const peak = charges.filter(({ component, holder }) => component === 'energy-peak' && holder === 'L3');
    const quantity = peak.reduce((sum, one) => sum + one.quantity, 0n);
    expect(quantity).toBeGreaterThan(10_000_000n);
    // 10 kWh at 0.2 and the rest at 0.3, half up.
    const exact = 2_000_000n + ((quantity - 10_000_000n) * 3n) / 10n;
    expect(peak.reduce((sum, { net }) => sum + net, 0n)).toBe((exact + 5_000n) / 10_000n);
    const valley = charges.filter(
      ({ component, holder }) => component === 'energy-valley' && holder === 'L3',
    );
    const all = valley.reduce((sum, one) => sum + one.quantity, 0n);
    expect(valley.reduce((sum, { net }) => sum + net, 0n)).toBe((all * 3n) / 100_000n);
    // What no tariff prices, and what they leave of the bill, is the landlord's.
    expect(
      charges.flatMap(({ pool, utility, component }) =>
        pool === 'remainder' && utility === 'electricity' ? [component] : [],
      ),
    ).toEqual(['energy-flat', 'energy-peak', 'energy-valley', 'power-factor']);
  });

  test('a calendar that changes within the month classifies each date by its own', () => {
    const later: Tariff = {
      ...grid,
      version: 2,
      from: '2026-09-16',
      calendar: { ...grid.calendar, windows: [{ from: '00:00', to: '24:00', period: 'peak' }] },
    };
    const park = withTariff('grid', () => [{ ...grid, to: '2026-09-16' }, later]);
    const period = billingPeriod('2026-09', park.timeZone);
    if (period === null) throw new Error('no month');
    const terms = billingTerms(park, period);
    const segments = terms.ok ? (terms.terms[0]?.segments ?? []) : [];
    const hours = (date: string) =>
      segments
        .filter((one) => one.date === date)
        .map(({ touPeriod, startMs, endMs }) => `${touPeriod} ${(endMs - startMs) / 3_600_000}`);
    expect(hours('2026-09-15')).toEqual(['valley 6', 'flat 2', 'peak 4', 'flat 12']);
    expect(hours('2026-09-16')).toEqual(['peak 24']);
    expect(terms.ok && terms.terms[0]?.tariff).toEqual({ kind: 'pass_through', id: 'grid v1, grid v2' });
  });

  test.each<[string, Tariff[], RegExp]>([
    [
      'tiers without a calendar of a bill by time of use',
      [{ ...own('energy-peak'), calendar: undefined } as Tariff],
      /which tiers do not know/,
    ],
    [
      'days without a tariff',
      [{ ...grid, from: '2026-09-10' }],
      /no tariff is in force from 2026-09-01 to 2026-09-10/,
    ],
    [
      'days with two',
      [grid, { ...grid, version: 2, from: '2026-09-10' }],
      /more than one tariff is in force on 2026-09-10/,
    ],
    [
      'components with different calendars',
      [own('energy-peak'), own('energy-flat', { calendar: { ...grid.calendar, otherPeriod: 'peak' } })],
      /different calendars/,
    ],
  ])('%s are refused', (_, tariffs, detail) => {
    const outcome = billPeriod(priced(...tariffs));
    expect(outcome.ok ? 'billed' : outcome.detail).toMatch(detail);
  });
});
