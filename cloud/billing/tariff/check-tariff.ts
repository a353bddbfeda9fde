/** The proof that a tariff prices every quantity at every instant exactly once, before it is published. */

import type {
  TariffComponent,
  TariffDocument,
  TariffRounding,
  TariffTier,
} from '../../../protocols/tariff.ts';
import { compare, fromDecimal, isNegative, isZero, type Rational, ZERO } from '../rational.ts';
import { checkCalendar, touPeriods } from '../tou-calendar.ts';

/** Calendars are proved over two years where a tariff has no end: every weekday, season and leap day comes in them. */
const PROVED_YEARS = 2;

/** @returns one sentence per problem, each naming its component; empty is the proof */
export function checkTariff(tariff: TariffDocument): string[] {
  const { from, to, components, calendar } = tariff;
  if (to !== null && to <= from) return [`"to" ${to} is not after "from" ${from}`];
  const ids = components.map(({ id }) => id);
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id}: the id stands twice`),
    ...components.flatMap((component, index) => checkComponent(component, ids.slice(0, index))),
    ...(calendar === null ? [] : checkCalendar(calendar, from, to ?? later(from))),
    ...checkPeriods(tariff),
  ];
}

const later = (from: string): string => `${Temporal.PlainDate.from(from).add({ years: PROVED_YEARS })}`;

/** Energy of each TOU period has a price, and each price has its TOU period. */
function checkPeriods({ calendar, components }: TariffDocument): string[] {
  const known = calendar === null ? [] : touPeriods(calendar);
  const priced = components.flatMap((one) => (one.kind === 'energy' ? [one.touPeriod] : []));
  const named = components.flatMap((one) =>
    (one.kind === 'energy' || one.kind === 'demand') && one.touPeriod !== null
      ? [{ id: one.id, period: one.touPeriod }]
      : [],
  );
  return [
    ...named
      .filter(({ period }) => !known.includes(period))
      .map(({ id, period }) => `${id}: period "${period}" is not in the calendar`),
    ...(priced.length === 0 || priced.includes(null)
      ? []
      : known
          .filter((period) => !priced.includes(period))
          .map((period) => `no component prices the period "${period}"`)),
  ];
}

function checkComponent(component: TariffComponent, before: readonly string[]): string[] {
  const { id, taxRate, rounding, taxRounding } = component;
  const rate = fromDecimal(taxRate);
  const common = [
    ...checkRounding(rounding, id),
    ...(taxRounding === undefined ? [] : checkRounding(taxRounding, `${id}: tax`)),
    ...(isNegative(rate) || rate.n > rate.d ? [`${id}: taxRate ${taxRate} is not from 0 to 1`] : []),
    ...('of' in component && Array.isArray(component.of)
      ? component.of
          .filter((other) => !before.includes(other))
          .map((other) => `${id}: "${other}" is no component before it`)
      : []),
  ];
  return [...common, ...checkFigures(component).map((problem) => `${id}: ${problem}`)];
}

const checkRounding = ({ step }: TariffRounding, where: string): string[] =>
  fromDecimal(step).n > 0n ? [] : [`${where}: a rounding step of ${step}`];

function checkFigures(component: TariffComponent): string[] {
  switch (component.kind) {
    case 'energy':
      return [
        ...checkTiers(component.tiers),
        ...(component.partRounding === undefined ? [] : checkRounding(component.partRounding, 'tiers')),
      ];
    case 'demand':
      return [
        ...checkTiers(component.tiers),
        ...(component.excess === undefined
          ? []
          : [
              ...notNegative(component.excess.from, 'excess.from'),
              ...notNegative(component.excess.times, 'excess.times'),
            ]),
        ...(component.atLeast === undefined ? [] : notNegative(component.atLeast.share, 'atLeast.share')),
      ];
    case 'fixed':
    case 'minimum':
      return notNegative(component.amount, 'amount');
    case 'band_fee':
      return [
        ...checkBounds(component.bands),
        ...component.bands.flatMap(({ fee }, index) => notNegative(fee, `bands.${index}: fee`)),
      ];
    case 'percent':
      return notNegative(component.percent, 'percent');
    case 'power_factor':
      return checkTable(component);
    case 'rounding':
      return [];
  }
}

const notNegative = (text: string, where: string): string[] =>
  isNegative(fromDecimal(text)) ? [`${where} ${text} is below 0`] : [];

const checkTiers = (tiers: readonly TariffTier[]): string[] => [
  ...checkBounds(tiers),
  ...tiers.flatMap(({ unit, flat = '0' }, index) => [
    ...notNegative(unit, `tier ${index + 1}: unit`),
    ...notNegative(flat, `tier ${index + 1}: flat`),
  ]),
];

/** Bands rise from 0, each from where the one before ends, and the last and only the last is without end. */
function checkBounds(bands: readonly { from?: string | undefined; upTo: string | null }[]): string[] {
  let below: Rational = ZERO;
  return bands.flatMap(({ from, upTo }, index) => {
    const problems: string[] = [];
    if (from !== undefined) {
      const order = compare(fromDecimal(from), below);
      if (order > 0) problems.push(`a gap below tier ${index + 1}: nothing prices up to ${from}`);
      if (order < 0) problems.push(`tier ${index + 1} from ${from} overlaps the one before`);
    }
    const last = index === bands.length - 1;
    if (upTo === null)
      return last ? problems : [...problems, `tier ${index + 1} is without end, but not the last`];
    const bound = fromDecimal(upTo);
    if (compare(bound, below) <= 0) problems.push(`the bound of tier ${index + 1} does not rise`);
    if (last) problems.push(`the last tier has a bound: nothing prices what lies above ${upTo}`);
    below = bound;
    return problems;
  });
}

function checkTable({ table, below }: Extract<TariffComponent, { kind: 'power_factor' }>): string[] {
  const rows = table.map(({ atLeast }) => fromDecimal(atLeast));
  const problems = rows.flatMap((row, index) => {
    const before = rows[index - 1];
    return before !== undefined && compare(row, before) >= 0
      ? [`row ${index + 1} of the table does not fall`]
      : [];
  });
  const last = rows.at(-1) ?? ZERO;
  if (below === undefined && !isZero(last))
    problems.push(`nothing is said of a power factor below ${table.at(-1)?.atLeast}`);
  if (below !== undefined && fromDecimal(below.step).n <= 0n) problems.push(`below: a step of ${below.step}`);
  return problems;
}
