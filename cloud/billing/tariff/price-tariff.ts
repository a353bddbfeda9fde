/**
 * A bill by a tariff: its components in order, each exact until it is rounded as it says. The cores (tiers, power factor,
 * rounding) are those that the cases with known answers prove.
 */
import type {
  TariffComponent,
  TariffDocument,
  TariffRounding,
  TariffUsage,
} from '../../../protocols/tariff.ts';
import { dayCount } from '../billing-period.ts';
import { powerFactor } from '../power-factor.ts';
import {
  compare,
  divide,
  fromDecimal,
  isNegative,
  multiply,
  ONE,
  type Rational,
  rational,
  subtract,
  sum,
  ZERO,
} from '../rational.ts';
import { round } from '../rounding.ts';
import { tieredAmount } from '../tiers.ts';

export interface BillLine {
  component: string;
  name: string;
  /** What was priced: kWh, m3, kW, kVA, days; null where the component prices other lines. */
  quantity: Rational | null;
  /** What each tier reached took, and its amount as far as it is rounded; empty where there are no tiers. */
  parts: { quantity: Rational; amount: Rational }[];
  net: Rational;
  tax: Rational;
}
export type PricedBill =
  | { ok: true; lines: BillLine[]; net: Rational; tax: Rational; total: Rational }
  | { ok: false; code: 'tariff_refused'; detail: string };

/** What a component gives before rounding, or what it lacks. */
type Worked = { quantity: Rational | null; parts: BillLine['parts']; amount: Rational } | string;

/** @param tariff one that was checked */
export function priceTariff(tariff: TariffDocument, usage: TariffUsage): PricedBill {
  const problem = checkUsage(tariff, usage);
  if (problem !== null) return refuse(problem);
  const pricing = new Pricing(usage);
  for (const component of tariff.components) {
    const worked = pricing.work(component);
    if (typeof worked === 'string') return refuse(`${component.id}: ${worked}`);
    pricing.put(component, worked);
  }
  const { lines } = pricing;
  const net = sum(lines.map((line) => line.net));
  const tax = sum(lines.map((line) => line.tax));
  return { ok: true, lines, net, tax, total: sum([net, tax]) };
}

const refuse = (detail: string): PricedBill => ({ ok: false, code: 'tariff_refused', detail });

/** Says what in the usage the tariff does not know, or null. */
function checkUsage({ calendar }: TariffDocument, { quantities, from, to }: TariffUsage): string | null {
  if (to <= from) return `"to" ${to} is not after "from" ${from}`;
  const below = quantities.find(({ quantity }) => isNegative(fromDecimal(quantity)));
  if (below !== undefined) return `a quantity of ${below.quantity} is below 0`;
  const periods = quantities.map(({ touPeriod }) => touPeriod ?? '');
  const twice = periods.find((period, index) => periods.indexOf(period) !== index);
  if (twice !== undefined) return `the period "${twice}" stands twice`;
  return calendar !== null && periods.includes('')
    ? 'a quantity has no TOU period, but the tariff has'
    : null;
}

const roundAs = (value: Rational, { mode, step }: TariffRounding): Rational =>
  round(value, { mode, step: fromDecimal(step) });

class Pricing {
  readonly lines: BillLine[] = [];
  readonly #usage: TariffUsage;

  constructor(usage: TariffUsage) {
    this.#usage = usage;
  }

  put(component: TariffComponent, { quantity, parts, amount }: Exclude<Worked, string>): void {
    const { id, name, kind, rounding, taxRate, taxRounding = rounding } = component;
    // The difference to a rounded sum is what it is.
    const net = kind === 'rounding' ? amount : roundAs(amount, rounding);
    const tax = roundAs(multiply(net, fromDecimal(taxRate)), taxRounding);
    this.lines.push({ component: id, name, quantity, parts, net, tax });
  }

  work(component: TariffComponent): Worked {
    switch (component.kind) {
      case 'energy':
        return this.#energy(component);
      case 'demand':
        return this.#demand(component);
      case 'fixed': {
        const times = { bill: ONE, month: this.#months(), day: this.#days(), household: this.#households() }[
          component.per
        ];
        return { quantity: times, parts: [], amount: multiply(fromDecimal(component.amount), times) };
      }
      case 'band_fee':
        return this.#bandFee(component);
      case 'percent':
        return only(divide(multiply(this.#netOf(component.of), fromDecimal(component.percent)), HUNDRED));
      case 'power_factor':
        return this.#powerFactor(component);
      case 'minimum': {
        const short = subtract(fromDecimal(component.amount), this.#netOf(component.of));
        return only(isNegative(short) ? ZERO : short);
      }
      case 'rounding': {
        const whole = sum(
          this.lines
            .filter((line) => component.of.includes(line.component))
            .flatMap(({ net, tax }) => [net, tax]),
        );
        return only(subtract(roundAs(whole, component.rounding), whole));
      }
    }
  }

  #energy(component: Extract<TariffComponent, { kind: 'energy' }>): Worked {
    const { mode, cumulative = false, partRounding } = component;
    const quantity = this.#quantity(component.touPeriod);
    const scale = this.#scale(component.scale);
    if (typeof scale === 'string') return scale;
    const before = cumulative ? fromDecimal(this.#usage.usedThisYear ?? '0') : ZERO;
    const priced = this.#tiers(component, sum([before, quantity]), scale);
    const earlier = this.#tiers(component, before, scale);
    if (!priced.ok) return priced.detail;
    if (!earlier.ok) return earlier.detail;
    if (cumulative) {
      if (mode === 'volume') return 'tiers of all units cannot be counted over the year';
      return { quantity, parts: [], amount: subtract(priced.amount, earlier.amount) };
    }
    const parts = priced.parts.map((part) => ({
      quantity: part.quantity,
      amount: partRounding === undefined ? part.amount : roundAs(part.amount, partRounding),
    }));
    return { quantity, parts, amount: sum(parts.map(({ amount }) => amount)) };
  }

  #demand({
    of,
    touPeriod,
    excess,
    atLeast,
    ...component
  }: Extract<TariffComponent, { kind: 'demand' }>): Worked {
    const actual = this.#actual(touPeriod);
    const { contractKw, capacityKva } = this.#usage;
    const known = { actual, contract: decimal(contractKw), capacity: decimal(capacityKva) };
    let charged = known[of];
    if (charged === null) return `the bill names no ${of === 'actual' ? 'demand' : of}`;
    if (excess !== undefined) {
      if (known.contract === null || actual === null) return 'excess needs contract and demand';
      const above = subtract(actual, multiply(fromDecimal(excess.from), known.contract));
      if (above.n > 0n) charged = sum([charged, multiply(above, fromDecimal(excess.times))]);
    }
    if (atLeast !== undefined) {
      const base = known[atLeast.of];
      if (base === null) return `the bill names no ${atLeast.of}`;
      const least = multiply(base, fromDecimal(atLeast.share));
      if (compare(charged, least) < 0) charged = least;
    }
    const priced = this.#tiers(component, charged, ONE);
    return priced.ok ? { quantity: charged, parts: priced.parts, amount: priced.amount } : priced.detail;
  }

  #bandFee({ bands, scale: by }: Extract<TariffComponent, { kind: 'band_fee' }>): Worked {
    const scale = this.#scale(by);
    if (typeof scale === 'string') return scale;
    const quantity = this.#quantity(null);
    const band = bands.find(
      ({ upTo }) => upTo === null || compare(quantity, multiply(fromDecimal(upTo), scale)) <= 0,
    );
    return band === undefined
      ? 'the quantity lies above the last band'
      : { quantity, parts: [], amount: fromDecimal(band.fee) };
  }

  #powerFactor({ of, decimals, table, below }: Extract<TariffComponent, { kind: 'power_factor' }>): Worked {
    const { reactive } = this.#usage;
    if (reactive === undefined) return 'the bill names no reactive energy';
    const factor = powerFactor(this.#quantity(null), fromDecimal(reactive), decimals);
    // Nothing was drawn: there is no factor, and nothing to adjust.
    if (factor === null) return only(ZERO);
    const base = this.#netOf(of);
    const row = table.find(({ atLeast }) => compare(factor, fromDecimal(atLeast)) >= 0);
    if (row !== undefined) return only(divide(multiply(base, fromDecimal(row.percent)), HUNDRED));
    const last = table.at(-1);
    if (last === undefined || below === undefined) return 'the table has no row for it';
    const steps = divide(subtract(fromDecimal(last.atLeast), factor), fromDecimal(below.step));
    const percent = sum([fromDecimal(last.percent), multiply(steps, fromDecimal(below.percent))]);
    return only(divide(multiply(base, percent), HUNDRED));
  }

  #tiers(
    { mode, tiers }: Pick<Extract<TariffComponent, { kind: 'energy' }>, 'mode' | 'tiers'>,
    quantity: Rational,
    scale: Rational,
  ) {
    const priced = tiers.map(({ upTo, unit, flat = '0' }) => ({
      upTo: upTo === null ? null : fromDecimal(upTo),
      unit: fromDecimal(unit),
      flat: fromDecimal(flat),
    }));
    return tieredAmount(mode, priced, quantity, scale);
  }

  #quantity(touPeriod: string | null): Rational {
    const { quantities } = this.#usage;
    return sum(
      quantities
        .filter((one) => touPeriod === null || one.touPeriod === touPeriod)
        .map(({ quantity }) => fromDecimal(quantity)),
    );
  }

  #actual(touPeriod: string | null): Rational | null {
    let highest: Rational | null = null;
    for (const one of this.#usage.demand ?? []) {
      if (touPeriod !== null && one.touPeriod !== touPeriod) continue;
      const kw = fromDecimal(one.kw);
      if (highest === null || compare(kw, highest) > 0) highest = kw;
    }
    return highest;
  }

  #netOf(ids: readonly string[]): Rational {
    return sum(this.lines.filter(({ component }) => ids.includes(component)).map(({ net }) => net));
  }

  /** What bounds are multiplied by, or what is missing for it. */
  #scale(by: Extract<TariffComponent, { kind: 'energy' }>['scale'] = []): Rational | string {
    let scale = ONE;
    for (const one of by) {
      const kw = this.#actual(null) ?? decimal(this.#usage.contractKw) ?? decimal(this.#usage.capacityKva);
      const factor = {
        months: this.#months(),
        days: this.#days(),
        'days/30': divide(this.#days(), rational(30n)),
        households: this.#households(),
        kw,
      }[one];
      if (factor === null) return 'blocks by kW need a demand, a contract or a capacity';
      if (factor.n <= 0n) return `its bounds are multiplied by ${one}, which is 0`;
      scale = multiply(scale, factor);
    }
    return scale;
  }

  readonly #months = (): Rational => fromDecimal(this.#usage.months ?? '1');
  readonly #households = (): Rational => fromDecimal(this.#usage.households ?? '1');
  readonly #days = (): Rational => rational(BigInt(dayCount(this.#usage)));
}

const HUNDRED = rational(100n);
const only = (amount: Rational): Worked => ({ quantity: null, parts: [], amount });
const decimal = (text: string | undefined): Rational | null =>
  text === undefined ? null : fromDecimal(text);
