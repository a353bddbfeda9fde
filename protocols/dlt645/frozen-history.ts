/**
 * What a meter of DL/T 645 keeps of its registers: at settlement days, at midnights, and at the intervals of its load
 * records. Each copy is an item of its own, counted back from 1, the last one.
 */
import { z } from 'zod';
import { BcdFormat, bcdBytes, decodeBcd } from '../bcd.ts';
import type { FrozenRecord } from '../frozen-value.ts';
import { bcdTime, pairs, plainTime } from '../meter-time.ts';
import { Obis } from '../obis.ts';

const Item = z.string().regex(/^(?:[0-9A-F]{4}){1,2}$/, 'not a data identifier such as "00010001"');
/** The item of the last copy; those before it follow by one. */
const Register = z.strictObject({ obis: Obis, di: Item, ...BcdFormat.shape });

export const Dlt645History = z.strictObject({
  /** The class of load records that holds the registers, read from a given time on. */
  load: z
    .strictObject({
      di: Item,
      blockBytes: z.int().min(1).max(64),
      registers: z
        .array(z.strictObject({ obis: Obis, at: z.int().min(0).max(60), ...BcdFormat.shape }))
        .min(1),
    })
    .optional(),
  /** Midnights: `time` tells the instant, an answer of `registers` begins with the total. */
  daily: z
    .strictObject({ time: Item, count: z.int().min(1).max(254), registers: z.array(Register).min(1) })
    .optional(),
  /** Settlement days: `days` are the items that tell the day and hour of each month (DDhh, 9999 for none). */
  settlement: z
    .strictObject({
      days: z.array(Item).min(1),
      count: z.int().min(1).max(12),
      registers: z.array(Register).min(1),
    })
    .optional(),
});
export type Dlt645History = z.infer<typeof Dlt645History>;

/** The item of the copy `back` times ago, from 1. */
export function frozenItem(last: string, back: number): string {
  return (parseInt(last, 16) + back - 1).toString(16).toUpperCase().padStart(last.length, '0');
}

/** A day and hour of the month at which the meter settles. */
export interface SettlementDay {
  day: number;
  hour: number;
}

/** @param bytes hh DD; null when it is not set or cannot be */
export function parseSettlementDay(bytes: Uint8Array): SettlementDay | null {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (!/^\d{4}$/.test(digits)) return null;
  const [hour = 99, day = 99] = pairs(digits);
  return day >= 1 && day <= 28 && hour <= 23 ? { day, hour } : null;
}

/**
 * The last `count` settlements before `now`, the newest first: by the days that are set now, whatever was set before.
 * @param now by the meter's clock
 */
export function settlements(
  days: readonly SettlementDay[],
  now: Temporal.PlainDateTime,
  count: number,
): Temporal.PlainDateTime[] {
  const found: Temporal.PlainDateTime[] = [];
  if (days.length === 0) return found;
  for (
    let month = now.toPlainDate().toPlainYearMonth();
    found.length < count;
    month = month.subtract({ months: 1 })
  )
    for (const { day, hour } of days.toSorted((a, b) => b.day - a.day || b.hour - a.hour)) {
      const at = plainTime({ year: month.year, month: month.month, day, hour });
      if (at !== null && Temporal.PlainDateTime.compare(at, now) <= 0) found.push(at);
    }
  return found.slice(0, count);
}

/**
 * A register at a midnight: of an answer the total stands first, the rates behind it.
 * @param time the answer of its `time` item, mm hh DD MM YY
 * @returns null when there is no such copy
 */
export function decodeDaily(
  register: NonNullable<Dlt645History['daily']>['registers'][number],
  time: Uint8Array,
  data: Uint8Array,
): FrozenRecord | null {
  const at = time.length === 5 ? bcdTime(time) : null;
  const own = data.subarray(0, bcdBytes(register));
  if (at === null || own.length < bcdBytes(register)) return null;
  const raw = Uint8Array.of(...time, ...own);
  return { at, values: [{ obis: register.obis, decoded: decodeBcd(register, own), raw }] };
}
