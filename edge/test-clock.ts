/** For tests: a clock that the test moves. */
import type { Clock } from './clock.ts';

/** Time that stands still until the test moves it; `idle` resolves when everybody waits. */
export class HandClock implements Clock {
  now: number;
  readonly #waits: { ms: number; resolve: () => void }[] = [];
  #onIdle: (() => void) | null = null;

  constructor(now: number) {
    this.now = now;
  }

  nowMs = (): number => this.now;

  until(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.now >= ms) return Promise.resolve();
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
      this.#waits.push({ ms, resolve });
      this.#onIdle?.();
    });
  }

  async idle(): Promise<void> {
    while (this.#waits.length === 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
  }

  /** Moves on by `ms`, or back as a clock that is set back, and lets all work be done. */
  async advance(ms: number): Promise<void> {
    await this.idle();
    this.now += ms;
    for (const wait of this.#waits.splice(0)) wait.resolve();
    await this.idle();
  }
}
