/** Partitions of readings: one for each UTC month, made when the first reading of it comes. There is none that takes the rest. */
import { HOUR_MS } from '../port/readings.ts';
import type { Database } from './open-database.ts';

const DAY_MS = 24 * HOUR_MS;

export interface Months {
  /** Makes what is missing, in transactions of its own: an insert that waits for its commit must not hold it up. */
  open(instantsMs: Iterable<number>): Promise<void>;
  /** Somebody took one away. */
  forget(): void;
}

export function openedMonths(db: Database): Months {
  const days = new Set<number>();
  return {
    async open(instantsMs) {
      for (const ms of instantsMs) {
        const day = Math.floor(ms / DAY_MS);
        if (days.has(day)) continue;
        await db.transaction((tx) => tx.rows('SELECT open_reading_month($1)', [day * 24]));
        days.add(day);
      }
    },
    forget: () => days.clear(),
  };
}
