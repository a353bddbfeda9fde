import { describe, expect, test } from 'vitest';
import type { Anomaly, Charge } from '../../protocols/api.ts';
import { formatMinor, minor } from '../../protocols/units.ts';
import type { CheckResult } from '../compare-readings.ts';
import { generatePark } from '../park/generate-park.ts';
import { readProfiles } from '../profiles.ts';
import type { ClosedMonth } from './close-month.ts';
import { judgeMonth } from './verdict.ts';

const { park, planted } = generatePark({ seed: 1, period: '2026-09', profiles: readProfiles() });
const text = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

const readings: CheckResult = {
  ...{ expected: 10, stored: 10, lost: 0, duplicated: 0, altered: 0, unexplained: 0 },
  findings: [],
};

const charge = (lease: string | null, utility: Charge['utility'], gross: string): Charge => ({
  ...{
    lease,
    utility,
    gross,
    component: 'c',
    name: 'c',
    pool: 'own',
    poolName: 'own',
    period: '2026-09',
    revision: 0,
  },
  ...{ key: `${lease}/${utility}`, quantity: '1', unit: utility === 'water' ? 'm3' : 'kWh' },
  ...{
    net: gross,
    tax: '0.00',
    currency: 'CNY',
    statement: null,
    kind: 'charge',
    corrects: null,
    servicePeriod: '2026-09',
    postedAt: '2026-10-01T00:00:00Z',
  },
});
const billed = (utility: string): bigint =>
  park.sourceBills
    .filter((bill) => bill.utility === utility)
    .flatMap(({ lines }) => lines)
    .reduce((sum, { net, tax }) => sum + minor(net) + minor(tax), 0n);
const charges = (['electricity', 'water'] as const).flatMap((utility) => [
  charge('L-01', utility, '100.00'),
  charge(null, utility, formatMinor(billed(utility) - 10_000n)),
]);

const anomaly = (kind: Anomaly['kind'], meter: string, startMs: number): Anomaly => ({
  ...{ id: `${kind}-${meter}`, meter, kind, start: text(startMs), end: null },
  ...{ raisedAt: text(startMs), severity: 'warning' },
  evidence: { 'zh-CN': '数据', en: 'figures' },
});
const found = [
  anomaly('night_flow', planted.leak.meter, planted.leak.fromMs + 3_600_000),
  anomaly('gap', planted.outage.meters[0] ?? '', planted.outage.fromMs - 240_000),
];

const month: ClosedMonth = {
  balances: [],
  anomalies: found,
  run: {
    ...{ period: '2026-09', state: 'issued', manifest: 'm', proof: [], estimatedIntervals: 0 },
    utilities: (['electricity', 'water'] as const).map((utility) => ({
      ...{ utility, currency: 'CNY', conserved: true, tenants: '100.00' },
      ...{ source: formatMinor(billed(utility)), landlord: formatMinor(billed(utility) - 10_000n) },
    })),
    ...{ charges: charges.length, statements: 1, issuedAt: '2026-10-01T00:00:00Z' },
    ledgerTotal: formatMinor(billed('electricity') + billed('water')),
  },
  charges,
  digest: '',
  statements: [
    {
      ...{ id: 's', lease: 'L-01', tenant: 't', period: '2026-09', from: '2026-09-01', to: '2026-10-01' },
      ...{ gross: '200.00', currency: 'CNY', confirmedAt: null, correctedBy: null, link: null },
    },
  ],
  statementsVerified: 1,
};

describe('a month is ok', () => {
  test('when money, readings, statements and anomalies are as they must be', () => {
    expect(judgeMonth(park, planted, readings, month).problems).toEqual([]);
  });
});

describe('a month is not ok', () => {
  const without = (kind: string): Anomaly[] => found.filter((one) => one.kind !== kind);
  test.each<[string, Partial<ClosedMonth>, RegExp]>([
    ['when a fen is missing', { charges: [charge('L-01', 'water', '99.99'), ...charges.slice(1)] }, /water/],
    ['when a charge is missing', { charges: charges.slice(1) }, /run and the charges differ/],
    ['when the ledger says otherwise', { run: { ...month.run, ledgerTotal: '1.00' } }, /ledger/],
    ['when a statement does not verify', { statementsVerified: 0 }, /statements/],
    ['when the leak was not found', { anomalies: without('night_flow') }, /the leak was not found/],
    ['when the outage was not found', { anomalies: without('gap') }, /the outage was not found/],
    [
      'when something else was found',
      { anomalies: [...found, anomaly('surge', 'E-0', planted.leak.fromMs)] },
      /not planted: surge E-0/,
    ],
    [
      'when the leak was found on another meter',
      { anomalies: [...found, anomaly('night_flow', 'W-A', planted.leak.fromMs)] },
      /not planted: night_flow W-A/,
    ],
  ])('%s', (_title, change, problem) => {
    expect(judgeMonth(park, planted, readings, { ...month, ...change }).problems.join('\n')).toMatch(problem);
  });
  test.each(['lost', 'duplicated', 'altered', 'unexplained'])('when a reading is %s', (kind) => {
    const { problems } = judgeMonth(park, planted, { ...readings, [kind]: 1 }, month);
    expect(problems.join('\n')).toContain(`"${kind}":1`);
  });
});
