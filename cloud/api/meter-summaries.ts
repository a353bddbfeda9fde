/** The meter list: master data, how fresh the last reading is, and what the day has used so far. */
import type { Freshness, MeterSummary } from '../../protocols/api.ts';
import type { Park, ParkMeter, Serves } from '../../protocols/park.ts';
import { formatMicro } from '../../protocols/units.ts';
import type { ReadingRow } from '../store/port/readings.ts';
import type { Store } from '../store/store.ts';
import { dayAround, instantText, msOf } from './query.ts';

const SILENT_AFTER_MS = 86_400_000;

export function freshnessOf(lastMs: number | null, nowMs: number, intervalMinutes: number): Freshness {
  if (lastMs === null) return 'never';
  const age = nowMs - lastMs;
  if (age > SILENT_AFTER_MS) return 'silent';
  return age > 2 * intervalMinutes * 60_000 ? 'late' : 'fresh';
}

/** `unit:A-101`, `pool:cooling`, `branch`, `landlord`. */
function servesText(serves: Serves): string {
  if (serves.kind === 'unit') return `unit:${serves.unit}`;
  if (serves.kind === 'pool') return `pool:${serves.pool}`;
  return serves.kind;
}

/** Serial and multiplier of the device that is in the meter's place at the instant. */
function deviceAt(park: Park, meter: ParkMeter, nowMs: number): { serial: string; multiplier: string } {
  const exchange = park.exchanges
    .filter((one) => one.meter === meter.id && msOf(one.at) <= nowMs)
    .sort((a, b) => msOf(a.at) - msOf(b.at))
    .at(-1);
  return exchange === undefined
    ? { serial: meter.serial, multiplier: meter.multiplier }
    : { serial: exchange.newSerial, multiplier: exchange.newMultiplier };
}

/** The last reading of each meter's billing register. */
export function lastByMeter(park: Park, readings: ReadingRow[]): Map<string, ReadingRow> {
  const billed = new Map(park.meters.map(({ id, register }) => [id, register]));
  return new Map(
    readings.filter((row) => billed.get(row.meter) === row.register).map((row) => [row.meter, row]),
  );
}

/** Consumption of the site-local day of each meter's last reading; null where no interval of it is known. */
async function dayQuantities(
  store: Store,
  park: Park,
  last: Map<string, ReadingRow>,
): Promise<Map<string, bigint>> {
  const days = new Map<number, { endMs: number; meters: string[] }>();
  for (const { meter, atMs } of last.values()) {
    // A reading on midnight closes the day before.
    const { startMs, endMs } = dayAround(atMs - 1, park.timeZone);
    const day = days.get(startMs) ?? { endMs, meters: [] };
    days.set(startMs, { endMs, meters: [...day.meters, meter] });
  }
  const quantities = new Map<string, bigint>();
  for (const [fromMs, { endMs, meters }] of days)
    for (const { meter, quantity, known } of await store.intervalTotals({ meters, fromMs, toMs: endMs }))
      if (known > 0) quantities.set(meter, quantity);
  return quantities;
}

export async function meterSummaries(
  { store, park, intervalMinutes }: { store: Store; park: Park; intervalMinutes: number },
  nowMs: number,
): Promise<MeterSummary[]> {
  const last = lastByMeter(park, await store.lastReadings());
  const quantities = await dayQuantities(store, park, last);
  return park.meters.map((meter) => {
    const reading = last.get(meter.id);
    const quantity = quantities.get(meter.id) ?? null;
    return {
      id: meter.id,
      name: meter.name,
      ...deviceAt(park, meter, nowMs),
      utility: meter.utility,
      register: meter.register,
      unit: billingUnit(meter),
      building: meter.building,
      floor: meter.floor,
      room: meter.room,
      parent: meter.parent,
      serves: servesText(meter.serves),
      freshness: freshnessOf(reading?.atMs ?? null, nowMs, intervalMinutes),
      lastReadAt: reading === undefined ? null : instantText(reading.atMs),
      lastValue: reading === undefined || reading.value === null ? null : formatMicro(reading.value),
      dayQuantity: quantity === null ? null : formatMicro(quantity),
    };
  });
}

export const billingUnit = ({ utility }: Pick<ParkMeter, 'utility'>): 'kWh' | 'm3' =>
  utility === 'electricity' ? 'kWh' : 'm3';
