/** What a simulated Modbus meter froze at its midnights and at the ends of its months, in the blocks of its profile. */
import { blockAddress, type ModbusHistory } from '../../protocols/modbus/frozen-history.ts';
import { encodeRegister } from '../../protocols/modbus/registers.ts';
import type { SimulatedClock } from './bus-meters.ts';

/** Millionths of a register's unit at an instant; null for what the meter did not count then. */
export type ValueAt = (obis: string, atMs: number) => bigint | null;

/** The bytes of a range of registers; null where the range lies elsewhere. Transformers are one to one. */
export function frozenBytes(
  history: ModbusHistory,
  { address, count }: { address: number; count: number },
  { nowMs, timeZone, offsetMs = 0 }: SimulatedClock,
  valueAt: ValueAt,
): Uint8Array | null {
  if (timeZone === undefined) return null;
  if (count === 1 && history.multipliers.includes(address)) return Uint8Array.of(0, 1);
  for (const series of history.series) {
    const back = Math.floor((address - series.address) / series.stride) + 1;
    const into = address - blockAddress(series, back);
    if (back < 1 || back > series.count || into + count > series.stride) continue;
    const shown = Temporal.Instant.fromEpochMilliseconds(nowMs() + offsetMs).toZonedDateTimeISO(timeZone);
    const newest = series.every === 'day' ? shown.startOfDay() : shown.with({ day: 1 }).startOfDay();
    const at = newest.subtract(series.every === 'day' ? { days: back - 1 } : { months: back - 1 });
    const block = new Uint8Array(series.stride * 2).fill(0xff);
    const values = history.registers.map((register) => ({
      register,
      value: valueAt(register.obis, at.epochMilliseconds - offsetMs),
    }));
    if (values.every(({ value }) => value !== null)) block.set([at.year - 2000, at.month, at.day, at.hour]);
    for (const { register, value } of values) block.set(encodeRegister(register, value), register.word * 2);
    return block.slice(into * 2, (into + count) * 2);
  }
  return null;
}
