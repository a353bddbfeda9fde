/** Heals a gap: of what the meter froze, what lies in the gap and between the registers read around it becomes a reading. */
import { micro } from '../../protocols/units.ts';
import type { NewReading } from '../buffer/outbox-items.ts';
import type { RegisterValue } from '../drivers/meter-driver.ts';
import type { Gap } from './open-gaps.ts';

export interface Healing {
  readings: NewReading[];
  /** Values that cannot be: less than was read before the gap, more than was read after it, or a series that falls. */
  refused: RegisterValue[];
}

/**
 * @param values as the meter froze them, each at its instant; those without a value are left out, since an absence of what
 *   nobody asked for at the time tells nothing
 */
export function heal(gap: Gap, values: readonly RegisterValue[]): Healing {
  const healing: Healing = { readings: [], refused: [] };
  const seen = new Set<string>();
  const kept: RegisterValue[] = [];
  for (const value of values.toSorted((a, b) => a.readAtMs - b.readAtMs)) {
    const { register, readAtMs } = value;
    const around = gap.registers.find(({ obis }) => obis === register.obis);
    const key = `${register.obis} ${readAtMs}`;
    if (around === undefined || value.value === null || seen.has(key)) continue;
    if (readAtMs <= gap.fromMs || readAtMs >= gap.toMs) continue;
    seen.add(key);
    if (lies(micro(value.value), around)) kept.push(value);
    else healing.refused.push(value);
  }
  for (const { obis, before, after } of gap.registers) {
    const series = kept.filter(({ register }) => register.obis === obis);
    // Which of them is wrong nobody can tell: then none is taken. A counter that wrapped falls once.
    const mayFall = before !== null && after !== null && micro(after) < micro(before) ? 1 : 0;
    if (falls(series) > mayFall) healing.refused.push(...series);
    else healing.readings.push(...series.map((value) => frozenReading(gap.meter, value)));
  }
  return healing;
}

/** How often a value is below the one before it. */
const falls = (series: readonly RegisterValue[]): number =>
  series.filter(({ value }, i) => {
    const before = series[i - 1]?.value ?? null;
    return before !== null && value !== null && micro(value) < micro(before);
  }).length;

/** A counter that wrapped in the gap is below what it was before: then one side has to do. */
function lies(value: bigint, { before, after }: Gap['registers'][number]): boolean {
  const low = before === null ? null : micro(before);
  const high = after === null ? null : micro(after);
  const isAbove = low === null || value >= low;
  const isBelow = high === null || value <= high;
  return low !== null && high !== null && high < low ? isAbove || isBelow : isAbove && isBelow;
}

function frozenReading(meter: string, { register, value, raw, readAtMs }: RegisterValue): NewReading {
  return {
    meter,
    register: register.obis,
    readAt: Temporal.Instant.fromEpochMilliseconds(readAtMs).toString(),
    value,
    unit: register.unit,
    raw,
    source: 'frozen',
  };
}

/**
 * The gap between what was accepted last of a meter and what was just read of it, when a boundary of the grid went by
 * without a reading; null when none did.
 * @param values as read just now, not accepted yet
 */
export function gapBefore(
  meter: string,
  values: readonly RegisterValue[],
  intervalMs: number,
  lastAccepted: (meter: string, register: string) => { atMs: number; value: string | null } | null,
): Gap | null {
  const missed = values.flatMap(({ register, value, readAtMs }) => {
    const last = register.billing && value !== null ? lastAccepted(meter, register.obis) : null;
    // Without a value before it nothing says what can be: such a gap stays one.
    if (last === null || last.value === null) return [];
    const dueMs = Math.floor(readAtMs / intervalMs) * intervalMs - intervalMs;
    return last.atMs < dueMs ? [{ obis: register.obis, last, readAtMs, after: value }] : [];
  });
  const [first] = missed;
  if (first === undefined) return null;
  return {
    meter,
    fromMs: Math.min(...missed.map(({ last }) => last.atMs)),
    toMs: Math.max(...missed.map(({ readAtMs }) => readAtMs)),
    registers: missed.map(({ obis, last, after }) => ({ obis, before: last.value, after })),
    tries: 0,
  };
}
