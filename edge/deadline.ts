/**
 * One timer for the deadlines of requests that follow each other. Nearly all are met: so the timer is not set with each, but
 * goes off, finds that its deadline is another by now, and is set for that.
 */
export class Deadline {
  readonly #passed: () => void;
  #at = Number.POSITIVE_INFINITY;
  #timerAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param passed called when a deadline was neither replaced nor cleared in time */
  constructor(passed: () => void) {
    this.#passed = passed;
  }

  /** @param now `performance.now()` */
  set(now: number, milliseconds: number): void {
    this.#at = now + milliseconds;
    if (this.#at < this.#timerAt) this.#arm(now);
  }

  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.clear();
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #arm(now: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = this.#at;
    this.#timer = setTimeout(() => this.#wentOff(), Math.ceil(this.#at - now));
  }

  #wentOff(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (this.#at === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (this.#at > now) {
      this.#arm(now);
      return;
    }
    this.clear();
    this.#passed();
  }
}
