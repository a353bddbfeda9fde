/** The names that formulas of sharing rules may use: what each stands for, its unit, and where its value comes from. */
import type { Park } from '../../../protocols/park.ts';
import type { LeaseVariable, SharingRule } from '../../../protocols/sharing.ts';
import type { Utility } from '../../../protocols/units.ts';
import { UNIT_OF } from '../charge.ts';
import type { Variable } from '../formula/check-formula.ts';
import { fromDecimal, type Rational } from '../rational.ts';

/** What is known of one participant; `value:` with the first name of a variable of leases. */
export type FactKey = 'area' | 'days' | 'own' | 'weighted' | `value:${string}`;

/** Where a value comes from: one participant, all of them, the part of the period, a day of it, or the rule. */
export type Source =
  | { of: 'participant' | 'total'; fact: FactKey }
  | { of: 'part'; fact: 'pool' | 'days' | 'periodDays' | 'maximum' }
  | { of: 'day'; fact: 'pool' | 'maximum' | 'mean' }
  | { of: 'constant'; value: Rational };
export type RuleVariable = Variable & { source: Source };

/** Variables of leases that every park has. Hours are running hours a day. */
const LEASE_VARIABLES: readonly LeaseVariable[] = [
  { names: ['人数', 'persons'], unit: 'person', perDay: false },
  { names: ['额定功率', 'rated_power'], unit: 'kW', perDay: false },
  { names: ['负荷率', 'load_factor'], unit: '', perDay: false },
  { names: ['小时', 'hours'], unit: 'h', perDay: true },
];

export const leaseVariables = ({ variables = [] }: Pick<Park, 'variables'>): LeaseVariable[] => [
  ...LEASE_VARIABLES,
  ...variables,
];

/** The fact of a lease's variable by any of its names. */
export const valueKey = ({ names }: LeaseVariable): FactKey => `value:${names[0] ?? ''}`;

/** Everything that a rule may name. */
export function ruleVariables(
  park: Pick<Park, 'variables'>,
  utility: Utility,
  rule: Pick<SharingRule, 'constants' | 'touWeights'>,
): RuleVariable[] {
  const unit = UNIT_OF[utility];
  const own: [FactKey, readonly string[], string][] = [
    ['area', ['面积', 'area'], 'm2'],
    ['own', ['本户用量', 'own_consumption'], unit],
    ...(rule.touWeights === undefined
      ? []
      : [['weighted', ['分时加权用量', 'tou_weighted'], unit] as [FactKey, string[], string]]),
    ...leaseVariables(park).map((one): [FactKey, readonly string[], string] => [
      valueKey(one),
      one.names,
      one.unit,
    ]),
  ];
  return [
    ...own.map(
      ([fact, names, of]): RuleVariable => ({
        names,
        unit: of,
        each: 'period',
        source: { of: 'participant', fact },
      }),
    ),
    ...own.map(
      ([fact, names, of]): RuleVariable => ({
        names: names.map(totalName),
        unit: of,
        each: 'period',
        source: { of: 'total', fact },
      }),
    ),
    { names: ['天数', 'days'], unit: 'day', each: 'period', source: { of: 'part', fact: 'days' } },
    {
      names: ['本期天数', 'period_days'],
      unit: 'day',
      each: 'period',
      source: { of: 'part', fact: 'periodDays' },
    },
    {
      names: ['公摊量', '总表差值', 'pool_quantity'],
      unit,
      each: 'period',
      source: { of: 'part', fact: 'pool' },
    },
    { names: ['最高温', 'maximum'], unit: '°C', each: 'period', source: { of: 'part', fact: 'maximum' } },
    {
      names: ['当日公摊量', 'day_quantity'],
      unit,
      each: 'day',
      source: { of: 'day', fact: 'pool' },
    },
    { names: ['日最高温', 'daily_maximum'], unit: '°C', each: 'day', source: { of: 'day', fact: 'maximum' } },
    { names: ['日均温', 'daily_mean'], unit: '°C', each: 'day', source: { of: 'day', fact: 'mean' } },
    ...(rule.constants ?? []).map(
      ({ name, unit: of, value }): RuleVariable => ({
        names: [name],
        unit: of,
        each: 'period',
        source: { of: 'constant', value: fromDecimal(value) },
      }),
    ),
  ];
}

/** 总面积, `total_area`, of 本户用量 总用量: over all that take part. */
const totalName = (name: string): string => {
  const of = name.replace(/^(本户|own_)/, '');
  return /^[a-z]/i.test(of) ? `total_${of}` : `总${of}`;
};
