/** The suppliers' bills of a month, from what the inlet meters truly counted. Exact to the fen. */
import { parseDecimal } from '../../protocols/decimal.ts';
import type { SourceBill, SourceBillLine, TouCalendar } from '../../protocols/park.ts';
import { formatMicro, formatMinor } from '../../protocols/units.ts';
import {
  demandPrice,
  electricityTax,
  energyPrices,
  fundsPrice,
  touCalendar,
  touPeriod,
  waterPrices,
} from './tariffs.ts';
import type { MeterTruth, Truth } from './truth.ts';

/** Prices and rates carry at most 6 decimals. */
const PRICE_SCALE = 6;
const ONE = 10n ** BigInt(PRICE_SCALE);
/** Quantity (10^-6) x price (10^-6) in fen. */
const TO_FEN = 10n ** 10n;

const halfUp = (value: bigint, divisor: bigint): bigint => (2n * value + divisor) / (2n * divisor);
const price = (text: string): bigint => parseDecimal(text, PRICE_SCALE);

function line(
  component: string,
  name: string,
  touName: string | null,
  { quantity, unitPrice, taxRate, priced = quantity ?? 0n }: LineTerms,
): SourceBillLine {
  const net = halfUp(priced * price(unitPrice), TO_FEN);
  return {
    component,
    name,
    touPeriod: touName,
    quantity: quantity === null ? null : formatMicro(quantity),
    net: formatMinor(net),
    tax: formatMinor(halfUp(net * price(taxRate), ONE)),
  };
}
interface LineTerms {
  /** Millionths; null where the line prices something else than the quantity of the utility. */
  quantity: bigint | null;
  /** What the unit price is multiplied with. */
  priced?: bigint;
  unitPrice: string;
  taxRate: string;
}

/** @param period the month, `2026-09`, that the truth's grid covers */
export function electricityBill(truth: Truth, period: string, timeZone: string): SourceBill {
  const inlet = truth.of('E-0');
  const { byPeriod, highest } = classify(truth, inlet, touCalendar(timeZone));
  const total = [...byPeriod.values()].reduce((sum, one) => sum + one, 0n);
  const taxRate = electricityTax;
  // kW of the highest quarter of an hour.
  const demand = highest * 4n;
  return {
    id: `grid-${period}`,
    utility: 'electricity',
    meter: inlet.meter,
    supplier: '临港供电公司(示例)',
    period,
    quantity: formatMicro(total),
    lines: [
      ...energyPrices.map(({ touPeriod: name, ...one }) =>
        line(`energy-${name}`, one.name, name, {
          quantity: byPeriod.get(name) ?? 0n,
          unitPrice: one.price,
          taxRate,
        }),
      ),
      line('demand', `基本电费(最大需量 ${formatMicro(demand)} kW)`, null, {
        quantity: null,
        priced: demand,
        unitPrice: demandPrice,
        taxRate,
      }),
      line('funds', '政府性基金及附加', null, { quantity: total, unitPrice: fundsPrice, taxRate }),
    ],
  };
}

export function waterBill(truth: Truth, period: string): SourceBill {
  const inlet = truth.of('W-0');
  const { fromMs, toMs } = truth.grid;
  const quantity = BigInt(truth.consumedMicro(inlet, fromMs, toMs));
  return {
    id: `water-${period}`,
    utility: 'water',
    meter: inlet.meter,
    supplier: '临港自来水公司(示例)',
    period,
    quantity: formatMicro(quantity),
    lines: waterPrices.map(({ component, name, price: unitPrice, taxRate }) =>
      line(component, name, null, { quantity, unitPrice, taxRate }),
    ),
  };
}

/** The inlet's consumption by TOU period, and its highest interval; both in millionths. */
function classify(truth: Truth, inlet: MeterTruth, calendar: TouCalendar) {
  const byPeriod = new Map<string, bigint>();
  let highest = 0n;
  for (const atMs of truth.boundaries().slice(0, -1)) {
    const used = BigInt(truth.consumedMicro(inlet, atMs, atMs + truth.grid.intervalMs));
    const local = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(calendar.timeZone);
    const date = local.toPlainDate().toString().slice(5);
    const name = touPeriod(calendar, date, local.hour * 60 + local.minute);
    byPeriod.set(name, (byPeriod.get(name) ?? 0n) + used);
    if (used > highest) highest = used;
  }
  return { byPeriod, highest };
}
