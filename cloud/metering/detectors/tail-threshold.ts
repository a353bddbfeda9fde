/**
 * The threshold of a score that is crossed as often as a budget allows. Scores that were no alarms are kept; how they thin
 * out from their 90th to their 99th percentile is carried on beyond, so that a few wild ones do not move it.
 */
import { quantile } from './robust.ts';

const KEPT = 1344;
const TO_LEARN = 336;
const SOLVE_EVERY = 168;
const HOURS_PER_MONTH = 730;
/** Before enough is known, and the least and the most that a threshold may be. */
const FIRST = 10;
const LEAST = 4;
/** Tails are a little longer than exponential ones. */
const TAIL = 1.6;
const MOST = 40;

export class TailThreshold {
  private readonly rate: number;
  private readonly scores = new Float64Array(KEPT);
  private count = 0;
  private solved = FIRST;

  /** @param perMonth crossings that are accepted in a month of hours */
  constructor(perMonth: number) {
    this.rate = perMonth / HOURS_PER_MONTH;
  }

  limit(): number {
    return this.solved;
  }

  learn(score: number): void {
    this.scores[this.count % KEPT] = score;
    this.count += 1;
    if (this.count >= TO_LEARN && this.count % SOLVE_EVERY === 0) this.solve();
  }

  private solve(): void {
    const kept = this.scores.subarray(0, Math.min(this.count, KEPT));
    const high = quantile(kept, 0.9);
    const top = quantile(kept, 0.99);
    const tens = Math.log10(0.1 / this.rate);
    const solved = high + TAIL * (top - high) * tens;
    this.solved = Math.min(Math.max(solved, LEAST), MOST);
  }
}
