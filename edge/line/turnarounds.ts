/** How long units take to answer: from the end of a request to the first byte of its answer, in milliseconds. */
import type { MeterUnit } from './exchange.ts';

/** Of the mean, how much the newest one counts. */
const NEWEST_SHARE = 0.25;
/** How fast the slowest one is forgotten, an answer. */
const SLOWEST_KEPT = 0.999;
/** The slowest of so many answers says something of those to come. */
const TELLING_ANSWERS = 5;

interface Turnaround {
  mean: number;
  slowest: number;
  answers: number;
}

export class Turnarounds {
  readonly #units = new Map<MeterUnit, Turnaround>();
  /** Who was looked up last, and is mostly looked up next. */
  #latestUnit: MeterUnit | null = null;
  #latest: Turnaround | undefined;

  note(unit: MeterUnit, newest: number): void {
    const known = this.#of(unit);
    if (known === undefined) {
      this.#latest = { mean: newest, slowest: newest, answers: 1 };
      this.#units.set(unit, this.#latest);
      return;
    }
    known.mean += NEWEST_SHARE * (newest - known.mean);
    known.slowest = Math.max(newest, known.slowest * SLOWEST_KEPT);
    known.answers += 1;
  }

  /** Null before the first. */
  mean(unit: MeterUnit): number | null {
    return this.#of(unit)?.mean ?? null;
  }

  /** The longest one lately; null while too few are known. */
  slowest(unit: MeterUnit): number | null {
    const known = this.#of(unit);
    return known === undefined || known.answers < TELLING_ANSWERS ? null : known.slowest;
  }

  #of(unit: MeterUnit): Turnaround | undefined {
    if (unit !== this.#latestUnit) {
      this.#latestUnit = unit;
      this.#latest = this.#units.get(unit);
    }
    return this.#latest;
  }
}
