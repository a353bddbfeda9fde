/** What a simulated meter of DL/T 645 keeps: its clock, its midnights, its settlement days and its load records. */
import { encodeBcd } from '../../protocols/bcd.ts';
import { frozenItem, settlements } from '../../protocols/dlt645/frozen-history.ts';
import { buildLoadRecord, parseLoadRecordQuery } from '../../protocols/dlt645/load-record.ts';
import { clockItems, meterClockBytes } from '../../protocols/dlt645/meter-clock.ts';
import { bcdBytesOf, bcdMinuteBytes } from '../../protocols/meter-time.ts';
import type { Dlt645Profile } from '../../protocols/profile.ts';

export interface Dlt645Memory {
  /** What the meter's own clock shows, local; setting it is all that a broadcast does. */
  clock: { now(): Temporal.PlainDateTime; set(to: Temporal.PlainDateTime): void };
  /** Millionths of a register's unit at a time of the meter's own clock; null before it was put in. */
  valueAt(obis: string, at: Temporal.PlainDateTime): bigint | null;
  settlementDays: readonly { day: number; hour: number }[];
  /** Distance of the load records; none when not given. */
  loadMinutes?: number;
}

/** Class 4: the totals of energy. */
const ENERGIES = 4;

/** The whole data of an item, or null for what the meter does not keep. */
export function keptItem(
  { version, history }: Dlt645Profile,
  memory: Dlt645Memory,
  item: string,
  given?: string,
): Uint8Array | null {
  const now = memory.clock.now();
  const shown = meterClockBytes(now);
  if (item === clockItems[version].date) return shown.date;
  if (item === clockItems[version].time) return shown.time;
  return (
    daily(history?.daily, memory, now, item) ??
    settled(history?.settlement, memory, now, item) ??
    load(history?.load, memory, now, item, given)
  );
}

type History = NonNullable<Dlt645Profile['history']>;

/** How many times ago `item` is, when its last copy is `last`. */
function timesAgo(item: string, last: string, count: number): number | null {
  for (let back = 1; back <= count; back++) if (frozenItem(last, back) === item) return back;
  return null;
}

function daily(
  kept: History['daily'],
  memory: Dlt645Memory,
  now: Temporal.PlainDateTime,
  item: string,
): Uint8Array | null {
  if (kept === undefined) return null;
  const midnight = (back: number) =>
    now.round({ smallestUnit: 'day', roundingMode: 'floor' }).subtract({ days: back - 1 });
  const stamp = timesAgo(item, kept.time, kept.count);
  if (stamp !== null) return bcdMinuteBytes(midnight(stamp));
  for (const register of kept.registers) {
    const back = timesAgo(item, register.di, kept.count);
    if (back !== null) return encodeBcd(register, memory.valueAt(register.obis, midnight(back)));
  }
  return null;
}

function settled(
  kept: History['settlement'],
  memory: Dlt645Memory,
  now: Temporal.PlainDateTime,
  item: string,
): Uint8Array | null {
  if (kept === undefined) return null;
  const index = kept.days.indexOf(item);
  if (index >= 0) {
    const day = memory.settlementDays[index];
    return day === undefined ? Uint8Array.of(0x99, 0x99) : bcdBytesOf([day.hour, day.day]);
  }
  for (const register of kept.registers) {
    const back = timesAgo(item, register.di, kept.count);
    const at = back === null ? undefined : settlements(memory.settlementDays, now, kept.count)[back - 1];
    if (at !== undefined) return encodeBcd(register, memory.valueAt(register.obis, at));
  }
  return null;
}

function load(
  kept: History['load'],
  memory: Dlt645Memory,
  now: Temporal.PlainDateTime,
  item: string,
  given?: string,
): Uint8Array | null {
  const { loadMinutes } = memory;
  const query = given === undefined ? null : parseLoadRecordQuery(given);
  if (kept === undefined || item !== kept.di || query === null || loadMinutes === undefined) return null;
  const records: number[] = [];
  const minutes = query.from.hour * 60 + query.from.minute;
  let at = query.from
    .with({ hour: 0, minute: 0 })
    .add({ minutes: Math.ceil(minutes / loadMinutes) * loadMinutes });
  for (let left = query.count; left > 0 && Temporal.PlainDateTime.compare(at, now) <= 0; left--) {
    const block = new Uint8Array(kept.blockBytes);
    for (const register of kept.registers)
      block.set(encodeBcd(register, memory.valueAt(register.obis, at)), register.at);
    records.push(...buildLoadRecord(at, new Map([[ENERGIES, block]])));
    at = at.add({ minutes: loadMinutes });
  }
  return Uint8Array.from(records);
}

/** A broadcast is taken once a day, and only within five minutes: DL/T 645-2007. */
export function takeBroadcast(
  { clock }: Dlt645Memory,
  told: Temporal.PlainDateTime,
  lastTaken: Temporal.PlainDate | null,
): Temporal.PlainDate | null {
  const now = clock.now();
  const apart = Math.abs(now.until(told).total('seconds'));
  if (apart > 300 || (lastTaken !== null && now.toPlainDate().equals(lastTaken))) return lastTaken;
  clock.set(told);
  return now.toPlainDate();
}
