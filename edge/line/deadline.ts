/**
 * The deadline of requests that follow each other. Nearly all are met: so no timer is set with each, but one goes off, finds
 * that its deadline is another by now, and is set for that. Deadlines that are near each other share one, however many
 * lines they are of.
 */

/** So much later than its instant a deadline passes at most. */
const TICK_MS = 4;

interface Tick {
  timer: NodeJS.Timeout;
  /** Those that were set for it; one that is no longer is passed over. */
  deadlines: Deadline[];
  /** How many of them still are. */
  waiting: number;
}
const ticks = new Map<number, Tick>();

const NEVER = Number.POSITIVE_INFINITY;

export class Deadline {
  readonly #passed: () => void;
  #at = NEVER;
  /** For which it is woken. */
  #tick = NEVER;

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
    this.#at = NEVER;
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.clear();
    this.#disarm();
  }

  /** What it was set for has come. */
  wake(tick: number): void {
    if (this.#tick !== tick) return;
    this.#tick = NEVER;
    if (this.#at === NEVER) return;
    const now = performance.now();
    if (this.#at > now) {
      this.#arm(now);
      return;
    }
    this.clear();
    this.#passed();
  }

  #arm(now: number): void {
    this.#disarm();
    this.#tick = Math.ceil(this.#at / TICK_MS);
    const known = ticks.get(this.#tick) ?? startTick(this.#tick, now);
    known.deadlines.push(this);
    known.waiting += 1;
  }

  #disarm(): void {
    const known = ticks.get(this.#tick);
    if (known !== undefined && --known.waiting === 0) {
      clearTimeout(known.timer);
      ticks.delete(this.#tick);
    }
    this.#tick = NEVER;
  }
}

function startTick(tick: number, now: number): Tick {
  const deadlines: Deadline[] = [];
  const goOff = (): void => {
    ticks.delete(tick);
    for (const deadline of deadlines) deadline.wake(tick);
  };
  const started = { timer: setTimeout(goOff, Math.ceil(tick * TICK_MS - now)), deadlines, waiting: 0 };
  ticks.set(tick, started);
  return started;
}
