/**
 * The threshold of a score that is crossed as often as a budget allows. Scores that were no alarms are kept; how they thin
 * out above their 90th percentile is carried on as a power law, so that a few wild ones do not move it.
 */
import { quantile } from './robust.ts';

const KEPT = 1344;
const TO_LEARN = 336;
const SOLVE_EVERY = 168;
const HOURS_PER_MONTH = 730;
/** Before enough is known, and the least and the most that a threshold may be. */
const FIRST = 10;
const LEAST = 4;
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
    const exponent = Math.log(Math.max(top / Math.max(high, 1e-9), 1.2)) / Math.LN10;
    const solved = high * (0.1 / this.rate) ** exponent;
    this.solved = Math.min(Math.max(solved, LEAST), MOST);
  }
}
