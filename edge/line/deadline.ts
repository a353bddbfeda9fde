/**
 * The deadline of requests that follow each other. Nearly all are met: so no timer is set with each, but one goes off, finds
 * that its deadline is another by now, and is set for that. Deadlines that are near each other share one, however many
 * lines they are of.
 */

/** So much later than its instant a deadline passes at most. */
const TICK_MS = 4;

interface Tick {
  timer: NodeJS.Timeout;
  waiting: Set<() => void>;
}
const ticks = new Map<number, Tick>();

function wakeAt(tick: number, now: number, wake: () => void): void {
  const known = ticks.get(tick);
  if (known !== undefined) {
    known.waiting.add(wake);
    return;
  }
  const waiting = new Set([wake]);
  const goOff = (): void => {
    ticks.delete(tick);
    for (const one of waiting) one();
  };
  ticks.set(tick, { timer: setTimeout(goOff, Math.ceil(tick * TICK_MS - now)), waiting });
}

function letSleep(tick: number, wake: () => void): void {
  const known = ticks.get(tick);
  if (known?.waiting.delete(wake) !== true || known.waiting.size > 0) return;
  clearTimeout(known.timer);
  ticks.delete(tick);
}

export class Deadline {
  readonly #passed: () => void;
  #at = Number.POSITIVE_INFINITY;
  /** For which it is woken. */
  #tick = Number.POSITIVE_INFINITY;

  /** @param passed called when a deadline was neither replaced nor cleared in time */
  constructor(passed: () => void) {
    this.#passed = passed;
  }

  /** @param now `performance.now()` */
  set(now: number, milliseconds: number): void {
    this.#at = now + milliseconds;
    if (this.#at <= (this.#tick - 1) * TICK_MS) this.#arm(now);
  }

  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.clear();
    letSleep(this.#tick, this.#wake);
    this.#tick = Number.POSITIVE_INFINITY;
  }

  #arm(now: number): void {
    letSleep(this.#tick, this.#wake);
    this.#tick = Math.ceil(this.#at / TICK_MS);
    wakeAt(this.#tick, now, this.#wake);
  }

  readonly #wake = (): void => {
    this.#tick = Number.POSITIVE_INFINITY;
    if (this.#at === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (this.#at > now) {
      this.#arm(now);
      return;
    }
    this.clear();
    this.#passed();
  };
}
