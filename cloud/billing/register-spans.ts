/** The register spans of a statement: from what reading to what reading a meter's consumption runs. */
import type { Park, ParkMeter } from '../../protocols/park.ts';
import type { RegisterSpan } from '../../protocols/statement.ts';
import { formatMicro } from '../../protocols/units.ts';
import { dateStartMs, instantText } from './billing-period.ts';
import { UNIT_OF } from './charge.ts';
import { accumulate } from './leaf.ts';
import { consumptionOf, registerSlack } from './register-arithmetic.ts';
import type { DailyUsage } from './summarize-usage.ts';

/** A meter's register where ownership begins, changes or ends. */
export interface BoundaryRegister {
  readonly meter: string;
  readonly atMs: number;
  /** As on the face, millionths. */
  readonly value: bigint;
  /** The registers as they came off the wire; null where the meter pushes or no reading was taken. */
  readonly raw: string | null;
  /** No reading was taken at this instant: the value is worked out from estimated consumption. */
  readonly estimated: boolean;
  /** The meter kept the register itself and gave it after an outage. */
  readonly frozen?: boolean;
}

/** The register passed its top in `(afterMs, atMs]`. Exchanges stand in the park document. */
export interface Rollover {
  readonly meter: string;
  readonly atMs: number;
}

export interface RegisterRecord {
  readonly registers: readonly BoundaryRegister[];
  readonly rollovers: readonly Rollover[];
}

export type SpanResult =
  | { ok: true; span: RegisterSpan }
  | { ok: false; code: 'missing_quantity' | 'proof_failed'; detail: string };

/**
 * Finds and proves the span of a meter.
 * @param usage the meter's rows of the dates `[from, to)` and only those
 */
export type SpanOf = (
  meter: ParkMeter,
  dates: { from: string; to: string },
  usage: readonly DailyUsage[],
) => SpanResult;

/** The spans of a park; each is worked out once, however many statements show it. */
export function registerSpans(park: Park, { registers, rollovers }: RegisterRecord): SpanOf {
  const nameOf = (meter: string, ms: number): string => `${meter} ${ms}`;
  const known = new Map(registers.map((one) => [nameOf(one.meter, one.atMs), one]));
  const spans = new Map<string, SpanResult>();
  return (meter, { from, to }, usage) => {
    const name = `${meter.id} ${from} ${to}`;
    const found = spans.get(name);
    if (found !== undefined) return found;
    const at = (ms: number) => known.get(nameOf(meter.id, ms));
    const result = registerSpan(park, meter, { from, to }, usage, { at, rollovers });
    spans.set(name, result);
    return result;
  };
}

function registerSpan(
  park: Park,
  meter: ParkMeter,
  { from, to }: { from: string; to: string },
  usage: readonly DailyUsage[],
  { at, rollovers }: { at: (ms: number) => BoundaryRegister | undefined; rollovers: readonly Rollover[] },
): SpanResult {
  const startMs = dateStartMs(from, park.timeZone);
  const endMs = dateStartMs(to, park.timeZone);
  const opening = at(startMs);
  const closing = at(endMs);
  if (opening === undefined || closing === undefined)
    return {
      ok: false,
      code: 'missing_quantity',
      detail: `${meter.id}: no register at ${instantText(opening === undefined ? startMs : endMs)}`,
    };
  const device = deviceAt(park, meter, startMs);
  const span: RegisterSpan = {
    meter: meter.id,
    name: meter.name,
    serial: device.serial,
    register: meter.register,
    unit: UNIT_OF[meter.utility],
    multiplier: device.multiplier,
    from: instantText(startMs),
    to: instantText(endMs),
    opening: formatMicro(opening.value),
    closing: formatMicro(closing.value),
    openingRaw: opening.raw,
    closingRaw: closing.raw,
    quantity: formatMicro(usage.reduce((sum, { quantity }) => sum + quantity, 0n)),
    periods: quantitiesByPeriod(usage),
    estimated: formatMicro(usage.reduce((sum, { estimated }) => sum + estimated, 0n)),
    events: eventsOf(park, meter, { startMs, endMs, opening, closing }, rollovers),
  };
  return proveSpan(span, usage);
}

/** The registers must state what the intervals add up to: two ways to one quantity. */
function proveSpan(span: RegisterSpan, usage: readonly DailyUsage[]): SpanResult {
  const metered = usage.reduce((sum, { quantity }) => sum + quantity, 0n);
  const stated = consumptionOf(span);
  const off = metered > stated ? metered - stated : stated - metered;
  if (off <= registerSlack(span)) return { ok: true, span };
  const detail = `${span.meter}: its registers state ${formatMicro(stated)} from ${span.from} to ${span.to}, its intervals ${formatMicro(metered)}`;
  return { ok: false, code: 'proof_failed', detail };
}

function quantitiesByPeriod(usage: readonly DailyUsage[]): RegisterSpan['periods'] {
  const quantities = new Map<string | null, bigint>();
  for (const { touPeriod, quantity } of usage) accumulate(quantities, touPeriod, quantity);
  return [...quantities]
    .flatMap(([touPeriod, quantity]) =>
      touPeriod === null ? [] : [{ touPeriod, quantity: formatMicro(quantity) }],
    )
    .sort((a, b) => (a.touPeriod < b.touPeriod ? -1 : 1));
}

/** The exchanges of a meter, in time order. */
const exchangesOf = (park: Park, meter: string) =>
  park.exchanges
    .filter((exchange) => exchange.meter === meter)
    .map((exchange) => ({ ...exchange, atMs: Temporal.Instant.from(exchange.at).epochMilliseconds }))
    .sort((a, b) => a.atMs - b.atMs);

interface Device {
  serial: string;
  multiplier: string;
  digits: number;
}

/** The device that counts from the instant on. */
function deviceAt(park: Park, meter: ParkMeter, ms: number): Device {
  const last = exchangesOf(park, meter.id).findLast(({ atMs }) => atMs <= ms);
  return last === undefined
    ? meter
    : { serial: last.newSerial, multiplier: last.newMultiplier, digits: last.newDigits };
}

function eventsOf(
  park: Park,
  meter: ParkMeter,
  span: { startMs: number; endMs: number; opening: BoundaryRegister; closing: BoundaryRegister },
  rollovers: readonly Rollover[],
): RegisterSpan['events'] {
  const { startMs, endMs, opening, closing } = span;
  const dated: { atMs: number; event: RegisterSpan['events'][number] }[] = [];
  for (const { atMs, estimated, frozen } of [opening, closing]) {
    if (estimated) dated.push({ atMs, event: { kind: 'estimated', at: instantText(atMs) } });
    if (frozen) dated.push({ atMs, event: { kind: 'frozen', at: instantText(atMs) } });
  }
  for (const { atMs, ...exchange } of exchangesOf(park, meter.id)) {
    const { finalOld, initialNew, newSerial, newMultiplier } = exchange;
    if (startMs < atMs && atMs <= endMs)
      dated.push({
        atMs,
        event: { kind: 'exchange', at: instantText(atMs), finalOld, initialNew, newSerial, newMultiplier },
      });
  }
  for (const { meter: id, atMs } of rollovers)
    if (id === meter.id && startMs < atMs && atMs <= endMs) {
      const { digits } = deviceAt(park, meter, atMs - 1);
      dated.push({
        atMs,
        event: { kind: 'rollover', at: instantText(atMs), modulus: `${10n ** BigInt(digits)}` },
      });
    }
  return dated.sort((a, b) => a.atMs - b.atMs).map(({ event }) => event);
}
