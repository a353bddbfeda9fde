/** A park with one lobby, for the tests of sharing rules: what is shared in it can be worked out in the head. */
import type { Park, Pool } from '../../../protocols/park.ts';
import type { SharingRule } from '../../../protocols/sharing.ts';
import type { StatementLine } from '../../../protocols/statement.ts';
import { type BillingOutcome, billPeriod } from '../bill-period.ts';
import { replayStatement } from '../replay-statement.ts';
import { type Counting, sampleInput, samplePark } from '../sample-park.ts';

export const lobby: Pool = {
  id: 'lobby',
  name: '大堂冷气',
  utility: 'electricity',
  sharing: 'mandatory',
  scope: { kind: 'building', building: 'A' },
  rule: { id: 'R-lobby', version: 1, text: 'lobby cooling' },
};
export const rule = (over: Partial<SharingRule> = {}): SharingRule => ({
  id: 'R-lobby',
  version: 1,
  text: '大堂冷气分摊',
  from: '2026-01-01',
  to: null,
  method: { kind: 'weights', weight: '面积 * 天数' },
  ...over,
});
const [electricityBill] = samplePark.sourceBills;
const [firstMeter] = samplePark.meters;

/** Two tenants in building A all month, electricity alone, 1 kWh = 1 yuan, and a lobby of 16 kWh a day. */
export function parkWith(rules: SharingRule[], over: Partial<Park> = {}, pools: Pool[] = [lobby]): Park {
  if (electricityBill === undefined || firstMeter === undefined) throw new Error('the sample park is empty');
  const meter = (id: string, serves: Park['meters'][number]['serves'], parent: string | null = 'E-0') => ({
    ...firstMeter,
    id,
    serial: id,
    parent,
    serves,
  });
  return {
    ...samplePark,
    leases: [
      { id: 'L1', tenant: 'One', units: ['A-101'], from: '2026-01-01', to: null },
      { id: 'L2', tenant: 'Two', units: ['A-102'], from: '2026-01-01', to: null },
    ],
    units: samplePark.units.map((unit) => ({ ...unit, areaM2: unit.id === 'A-101' ? '300' : '100' })),
    meters: [
      meter('E-0', { kind: 'branch' }, null),
      meter('E-A-101', { kind: 'unit', unit: 'A-101' }),
      meter('E-A-102', { kind: 'unit', unit: 'A-102' }),
      ...pools.map(({ id }) => meter(`E-${id}`, { kind: 'pool', pool: id })),
    ],
    pools,
    rules,
    tariffs: samplePark.tariffs.filter(({ utility }) => utility === 'electricity'),
    sourceBills: [
      {
        ...electricityBill,
        lines: [
          {
            component: 'energy',
            name: 'Energy',
            touPeriod: null,
            quantity: null,
            net: '960.00',
            tax: '0.00',
          },
        ],
      },
    ],
    ...over,
  };
}
/** 8 kWh a day to each unit, 16 to each pool, by night. */
export const counting: Counting = (meter, _, touPeriod) => {
  if (touPeriod !== 'valley') return 0n;
  return meter.startsWith('E-A-') ? 8_000_000n : 16_000_000n;
};
export const bill = (park: Park, of: Counting = counting): Extract<BillingOutcome, { ok: true }> => {
  const outcome = billPeriod(sampleInput(of, { park, lossPercent: 0n }));
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
  const [finding] = outcome.statementDrafts.flatMap(replayStatement);
  if (finding !== undefined) throw new Error(`${finding.id}: ${finding.message}`);
  return outcome;
};
export const lineOf = (park: Park, lease: string, pool: string): StatementLine => {
  const line = bill(park)
    .statementDrafts.find(({ head }) => head.lease === lease)
    ?.lines.find((one) => one.pool === pool);
  if (line === undefined) throw new Error(`no line of ${pool}`);
  return line;
};
export const refusal = (park: Park, of: Counting = counting): string => {
  const outcome = billPeriod(sampleInput(of, { park, lossPercent: 0n }));
  return outcome.ok ? 'billed' : `${outcome.code}: ${outcome.detail}`;
};

export const hot = Array.from({ length: 30 }, (_, i) => ({
  date: `2026-09-${`${i + 1}`.padStart(2, '0')}`,
  maximum: '33.5',
}));
