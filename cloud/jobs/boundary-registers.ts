/**
 * The registers at the instants where ownership begins, changes or ends: what statements open and close with. A reading that
 * was taken there is shown as it came; where none was, the register is worked out from the last good one and the estimated
 * consumption since, and says so.
 */
import type { Park, ParkMeter } from '../../protocols/park.ts';
import type { BoundaryRegister, Rollover } from '../billing/register-spans.ts';
import { countAnchors } from '../metering/count-anchors.ts';
import { type Device, meterFacts } from '../metering/meter-facts.ts';
import { siteGrid } from '../metering/site-grid.ts';
import type { IntervalRow } from '../store/port/intervals.ts';
import type { ReadingRow } from '../store/port/readings.ts';
import type { Store } from '../store/store.ts';

export interface RegisterSource {
  store: Store;
  park: Park;
  intervalMinutes: number;
}

/** A reading so little after a boundary is the boundary's: as the intervals are derived. */
const TOLERANCE_MS = 120_000;
/** How far back a last good reading is looked for. */
const LOOK_BACK_MS = 40 * 86_400_000;

/**
 * @param boundaries ascending, Unix milliseconds; the first and the last enclose the period
 * @returns a register for every boundary at which it is known or can be worked out, and the rollovers between them
 */
export async function boundaryRegisters(
  source: RegisterSource,
  meter: ParkMeter,
  boundaries: readonly number[],
): Promise<{ registers: BoundaryRegister[]; rollovers: Rollover[] }> {
  const registers: BoundaryRegister[] = [];
  for (const atMs of boundaries) {
    const register = (await readAt(source, meter, atMs)) ?? (await keptOrWorkedOut(source, meter, atMs));
    if (register !== null) registers.push(register);
  }
  const { devices } = meterFacts(meter, source.park.exchanges);
  const fell = registers.some(({ value, atMs }, index) => {
    const before = registers[index - 1];
    return before !== undefined && falls(devices, before, { value, atMs });
  });
  return { registers, rollovers: fell ? await rolloversIn(source, meter, boundaries) : [] };
}

/** A boundary was read when an interval beside it is a difference of readings. */
async function readAt(
  { store, intervalMinutes }: RegisterSource,
  meter: ParkMeter,
  atMs: number,
): Promise<BoundaryRegister | null> {
  const stepMs = intervalMinutes * 60_000;
  const beside = await store.intervals({ meters: [meter.id], fromMs: atMs - stepMs, toMs: atMs + stepMs });
  if (!beside.some(({ quality }) => quality === 'actual')) return null;
  const row = await readingOn(store, meter, atMs);
  return row === null ? null : shownAs(row, meter, atMs);
}

const shownAs = (row: ReadingRow & { value: bigint }, meter: ParkMeter, atMs: number): BoundaryRegister => ({
  meter: meter.id,
  atMs,
  value: row.value,
  raw: row.raw,
  estimated: false,
  frozen: row.source === 'frozen',
});

/** In a gap only the meter itself kept the register: it is good when the consumption around it was estimated to meet it. */
async function keptOrWorkedOut(
  source: RegisterSource,
  meter: ParkMeter,
  atMs: number,
): Promise<BoundaryRegister | null> {
  const worked = await workedOut(source, meter, atMs);
  const row = worked === null ? null : await readingOn(source.store, meter, atMs);
  return row?.source === 'frozen' && row.value === worked?.value ? shownAs(row, meter, atMs) : worked;
}

async function readingOn(
  store: Store,
  { id, register }: ParkMeter,
  atMs: number,
): Promise<(ReadingRow & { value: bigint }) | null> {
  const rows = await store.readings({ meter: id, register, fromMs: atMs, toMs: atMs + TOLERANCE_MS + 1 });
  const row = rows.find(({ value }) => value !== null);
  return row === undefined || row.value === null ? null : { ...row, value: row.value };
}

/** Null where nothing good was read before, a quantity is missing in between, or the device was exchanged meanwhile. */
async function workedOut(
  { store, park }: RegisterSource,
  meter: ParkMeter,
  atMs: number,
): Promise<BoundaryRegister | null> {
  const rows = await store.intervals({ meters: [meter.id], fromMs: atMs - LOOK_BACK_MS, toMs: atMs });
  const lastRead = rows.findLastIndex(({ quality }) => quality === 'actual');
  const from = rows[lastRead];
  if (from === undefined) return null;
  const row = await readingOn(store, meter, from.endMs);
  const device = deviceOver(meterFacts(meter, park.exchanges).devices, from.endMs, atMs);
  const consumed = total(rows.slice(lastRead + 1));
  if (row === null || device === null || consumed === null) return null;
  const counted = (consumed * 1_000_000n + device.multiplier / 2n) / device.multiplier;
  return {
    meter: meter.id,
    atMs,
    value: (row.value + counted) % device.modulus,
    raw: null,
    estimated: true,
    frozen: false,
  };
}

const deviceOver = (devices: readonly Device[], fromMs: number, toMs: number): Device | null =>
  devices.find((device) => device.fromMs <= fromMs && toMs < device.toMs) ?? null;

function total(rows: readonly IntervalRow[]): bigint | null {
  let sum = 0n;
  for (const { quantity } of rows) {
    if (quantity === null) return null;
    sum += quantity;
  }
  return sum;
}

/** Whether a device's register is lower than it was: only a rollover explains that. */
function falls(
  devices: readonly Device[],
  before: { value: bigint; atMs: number },
  after: { value: bigint; atMs: number },
): boolean {
  return devices
    .filter(({ fromMs, toMs }) => fromMs <= after.atMs && before.atMs < toMs)
    .some(({ fromMs, toMs, initial, final }) => {
      const start = fromMs <= before.atMs ? before.value : (initial ?? 0n);
      const end = after.atMs < toMs ? after.value : (final ?? 0n);
      return end < start;
    });
}

async function rolloversIn(
  { store, park, intervalMinutes: minutes }: RegisterSource,
  meter: ParkMeter,
  boundaries: readonly number[],
): Promise<Rollover[]> {
  const [fromMs = 0] = boundaries;
  const toMs = (boundaries.at(-1) ?? 0) + TOLERANCE_MS;
  const rows = await store.readings({ meter: meter.id, register: meter.register, fromMs, toMs: toMs + 1 });
  const points = rows.flatMap(({ atMs, value }) => (value === null ? [] : [{ atMs, value }]));
  const grid = siteGrid({ timeZone: park.timeZone, minutes, fromMs, toMs });
  const { events } = countAnchors(points, meterFacts(meter, park.exchanges), grid, TOLERANCE_MS);
  return events.flatMap(({ kind, atMs }) => (kind === 'rollover' ? [{ meter: meter.id, atMs }] : []));
}
