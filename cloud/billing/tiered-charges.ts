/**
 * Tiered charges: a lease's own and shared quantity of a utility is priced in one go over graduated tiers, whose bounds are
 * scaled by the days it held. What the tenants do not bear of the supplier's bill is the landlord's, as a line of its own.
 */
import type { SourceBill, SourceBillLine, Tariff } from '../../protocols/park.ts';
import type { RoundingMode } from '../../protocols/rounding-mode.ts';
import { formatMinor, MINOR_SCALE, micro, minor } from '../../protocols/units.ts';
import type { Charge } from './charge.ts';
import { largestRemainder } from './largest-remainder.ts';
import { exactQuantity, type Leaf, leafId, printedQuantities, REMAINDER } from './leaf.ts';
import { divide, fromDecimal, multiply, type Rational, rational, sum } from './rational.ts';
import { roundUnits } from './rounding.ts';
import { tieredAmount } from './tiers.ts';

export type TieredTariff = Extract<Tariff, { kind: 'tiered' }>;

/** How a lease's tiered charge is rounded to the minor unit: net and tax each once, from the exact amount. */
export const TIERED_ROUNDING: RoundingMode = 'half_up';

/** What of a tariff prices lines, as it stands on a statement too. */
export type TierPricing = Pick<TieredTariff, 'tiers' | 'taxRate' | 'mode' | 'rounding'>;

const MICRO = rational(1_000_000n);

export interface TieredLine {
  id: string;
  /** Exact, in kWh or m3. */
  quantity: Rational;
}
export type PricedLines =
  | { ok: true; amounts: Map<string, { net: bigint; tax: bigint }> }
  | { ok: false; code: 'tariff_refused'; detail: string };

/** Prices the lines together and splits net and tax over them by largest remainder; with nothing used, the first line pays. */
export function priceTieredLines(
  { tiers, taxRate, mode = 'graduated', rounding = TIERED_ROUNDING }: TierPricing,
  boundMultiplier: Rational,
  lines: readonly TieredLine[],
): PricedLines {
  const priced = tieredAmount(
    mode,
    tiers.map(({ upTo, unit, flat }) => ({
      upTo: upTo === null ? null : fromDecimal(upTo),
      unit: fromDecimal(unit),
      flat: fromDecimal(flat),
    })),
    sum(lines.map(({ quantity }) => quantity)),
    boundMultiplier,
  );
  if (!priced.ok) return { ok: false, code: 'tariff_refused', detail: priced.detail };
  const net = split(roundUnits(priced.amount, MINOR_SCALE, rounding), lines);
  const tax = split(roundUnits(multiply(priced.amount, fromDecimal(taxRate)), MINOR_SCALE, rounding), lines);
  const amounts = lines.map(({ id }) => [id, { net: net.get(id) ?? 0n, tax: tax.get(id) ?? 0n }] as const);
  return { ok: true, amounts: new Map(amounts) };
}

function split(total: bigint, lines: readonly TieredLine[]): Map<string, bigint> {
  const shares = largestRemainder(
    total,
    lines.map(({ id, quantity }) => ({ id, weight: quantity })),
  );
  if (shares.ok) return shares.shares;
  const [first] = lines.map(({ id }) => id).sort();
  return new Map(first === undefined ? [] : [[first, total]]);
}

export type TieredCharges =
  | { ok: true; charges: Charge[] }
  | { ok: false; code: 'markup' | 'tariff_refused'; detail: string };

/**
 * @param line the supplier's line that the tariff recovers
 * @param heldOf the part of the period in which a lease ran, days over days
 */
export function tieredCharges(
  tariff: TieredTariff,
  { line, bill }: { line: SourceBillLine; bill: SourceBill },
  leaves: readonly Leaf[],
  heldOf: (lease: string) => Rational,
): TieredCharges {
  const { component } = tariff;
  const { touPeriod } = line;
  const printed = printedQuantities(leaves, touPeriod);
  const charges: Charge[] = [];
  for (const [holder, held] of byLease(leaves)) {
    const lines = held.map((leaf) => ({
      id: leaf.pool,
      quantity: divide(exactQuantity(leaf, touPeriod), MICRO),
    }));
    const priced = priceTieredLines(tariff, heldOf(holder), lines);
    if (!priced.ok) return { ...priced, detail: `${holder}: ${priced.detail}` };
    for (const [pool, amount] of priced.amounts)
      charges.push({
        holder,
        pool,
        component,
        quantity: printed.get(leafId({ holder, pool })) ?? 0n,
        ...amount,
      });
  }
  const rest = remainder(line, bill, charges);
  if (rest.net < 0n || rest.tax < 0n)
    return {
      ok: false,
      code: 'markup',
      detail: `${component}: ${bill.id} bills ${line.net} net and ${line.tax} tax; that leaves the landlord ${formatMinor(rest.net)} and ${formatMinor(rest.tax)}`,
    };
  return { ok: true, charges: [...charges, rest] };
}

function byLease(leaves: readonly Leaf[]): Map<string, Leaf[]> {
  const leases = new Map<string, Leaf[]>();
  for (const leaf of leaves)
    if (leaf.holder !== null) leases.set(leaf.holder, [...(leases.get(leaf.holder) ?? []), leaf]);
  return leases;
}

/** The landlord's line: all of the supplier's line that the charges leave over. */
export function remainder(line: SourceBillLine, bill: SourceBill, charges: readonly Charge[]): Charge {
  const left = (whole: bigint, of: (charge: Charge) => bigint): bigint =>
    charges.reduce((rest, charge) => rest - of(charge), whole);
  return {
    holder: null,
    pool: REMAINDER,
    component: line.component,
    quantity: left(micro(line.quantity ?? bill.quantity), ({ quantity }) => quantity),
    net: left(minor(line.net), ({ net }) => net),
    tax: left(minor(line.tax), ({ tax }) => tax),
  };
}
