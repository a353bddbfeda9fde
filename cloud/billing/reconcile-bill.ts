/**
 * The supplier's bill against what was metered and what was charged, component by component. Money must agree to the minor unit; a
 * quantity may differ, and what the difference looks like is said.
 */
import type { SourceBill, SourceBillLine } from '../../protocols/park.ts';
import { formatMicro, formatMinor, micro, minor } from '../../protocols/units.ts';

/** What a component was charged with, by everybody together. Amounts in minor units, quantity in millionths. */
export interface ChargedComponent {
  readonly component: string;
  readonly tenants: bigint;
  readonly landlord: bigint;
  readonly quantity: bigint;
}

/**
 * `none`: within half a percent, the class of a supplier's meter; `timing`: less than a day's consumption, as when the two are read at
 * other hours; `ct_ratio`: one is a small whole multiple of the other; `unexplained`: none of these.
 */
export type QuantityDifference = 'none' | 'timing' | 'ct_ratio' | 'unexplained';

export interface ComponentComparison {
  component: string;
  name: string;
  billed: string;
  tenants: string;
  landlord: string;
  /** Billed less charged; zero, unless the bill was changed after the run: then its class is `price`. */
  difference: string;
  billedQuantity: string | null;
  /** What our meter counted at the supplier's point; null where the component has no quantity. */
  meteredQuantity: string | null;
  /** Of the charges: what is missing to the meter's count is loss between it and the end meters. */
  chargedQuantity: string;
  quantityDifference: QuantityDifference;
  classes: ('price' | 'loss' | 'timing' | 'ct_ratio' | 'unexplained')[];
  /** Without tax, per unit of what was charged; what tenants pay more or less than the supplier asks is the loss. */
  meanPrice: { supplier: string | null; charged: string | null };
}

const MULTIPLES = [2n, 3n, 4n, 5n, 10n, 15n, 20n, 30n, 40n, 50n, 60n, 80n, 100n, 120n, 160n];

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** Half a percent of the greater of the two. */
const near = (a: bigint, b: bigint): boolean =>
  absolute(a - b) * 200n <= (absolute(a) > absolute(b) ? absolute(a) : absolute(b));

export function classify(billed: bigint, metered: bigint, days: number): QuantityDifference {
  if (near(billed, metered)) return 'none';
  const [small, great] = billed < metered ? [billed, metered] : [metered, billed];
  if (small > 0n && MULTIPLES.some((factor) => near(great, small * factor))) return 'ct_ratio';
  return absolute(billed - metered) * BigInt(days) <= metered ? 'timing' : 'unexplained';
}

/** @param metered by TOU period, and under null the whole; of the supplier's meter over the period */
export function reconcileBill(
  bill: SourceBill,
  charged: readonly ChargedComponent[],
  metered: ReadonlyMap<string | null, bigint>,
  days: number,
): ComponentComparison[] {
  return bill.lines.map((line) => compare(line, charged, metered, days));
}

function compare(
  line: SourceBillLine,
  charged: readonly ChargedComponent[],
  metered: ReadonlyMap<string | null, bigint>,
  days: number,
): ComponentComparison {
  const own = charged.find(({ component }) => component === line.component);
  const { tenants = 0n, landlord = 0n, quantity = 0n } = own ?? {};
  const billed = minor(line.net) + minor(line.tax);
  const difference = billed - tenants - landlord;
  const counted = metered.get(line.touPeriod) ?? null;
  const billedQuantity = line.quantity === null ? null : micro(line.quantity);
  const quantityDifference =
    billedQuantity === null || counted === null ? 'none' : classify(billedQuantity, counted, days);
  return {
    component: line.component,
    name: line.name,
    billed: formatMinor(billed),
    tenants: formatMinor(tenants),
    landlord: formatMinor(landlord),
    difference: formatMinor(difference),
    billedQuantity: line.quantity,
    meteredQuantity: counted === null ? null : formatMicro(counted),
    chargedQuantity: formatMicro(quantity),
    quantityDifference,
    classes: [
      ...(difference === 0n ? [] : (['price'] as const)),
      ...(counted !== null && billedQuantity !== null && counted > quantity ? (['loss'] as const) : []),
      ...(quantityDifference === 'none' ? [] : [quantityDifference]),
    ],
    meanPrice: {
      supplier: billedQuantity === null ? null : priceOf(minor(line.net), billedQuantity),
      charged: line.quantity === null ? null : priceOf(minor(line.net), quantity),
    },
  };
}

/** To a millionth of the currency's unit, half up. */
function priceOf(net: bigint, quantity: bigint): string | null {
  if (quantity <= 0n) return null;
  return formatMicro((2n * net * 10_000_000_000n + quantity) / (2n * quantity));
}
