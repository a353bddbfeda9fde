/** Collects what the readings and gap markers of one transaction make stale, each once. In memory; whoever stores them writes the marks too. */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS;

export interface StaleMarks {
  /** By meter: the newest instant of each register that was stored, and the UTC days. */
  meters: Map<string, { last: Map<string, number>; days: Set<number> }>;
  /** Whole hours since 1970. */
  hours: Set<number>;
  reading(meter: string, register: string, ms: number): void;
  gap(meter: string, fromMs: number, toMs: number): void;
}

export function staleMarks(): StaleMarks {
  const meters: StaleMarks['meters'] = new Map();
  const hours = new Set<number>();
  const of = (meter: string) => {
    const known = meters.get(meter);
    if (known !== undefined) return known;
    const fresh = { last: new Map<string, number>(), days: new Set<number>() };
    meters.set(meter, fresh);
    return fresh;
  };
  return {
    meters,
    hours,
    /** A reading at midnight also closes the last interval of the day before. */
    reading(meter, register, ms) {
      const { last, days } = of(meter);
      if (ms > (last.get(register) ?? Number.NEGATIVE_INFINITY)) last.set(register, ms);
      days.add(dayOf(ms));
      days.add(dayOf(ms - 1));
      hours.add(Math.floor(ms / HOUR_MS));
    },
    gap(meter, fromMs, toMs) {
      of(meter).days.add(dayOf(fromMs)).add(dayOf(toMs));
    },
  };
}
