/** Requests that wait for a line. Pure. */
import type { MeterUnit } from './exchange.ts';

/** `live`: a person waits for the answer; it goes before all polls that wait. */
export type Priority = 'live' | 'poll';

/** What a line is busy with, and what waits for it. */
export interface Waiting {
  /** The unit that is being asked. */
  inFlight: MeterUnit | null;
  live: number;
  poll: number;
}

/**
 * So many live requests go before a poll that waits: a meter is mostly read in no more, and the polls keep a fifth of the
 * turns however many people watch or scan.
 */
const LIVE_IN_A_ROW = 4;

/** First come, first served among those of one priority, but for those that are not ready. */
export class LineQueue<T extends { priority: Priority }> {
  readonly #live: T[] = [];
  readonly #poll: T[] = [];
  #liveInARow = 0;

  get isEmpty(): boolean {
    return this.#live.length === 0 && this.#poll.length === 0;
  }

  counts(): { live: number; poll: number } {
    return { live: this.#live.length, poll: this.#poll.length };
  }

  add(entry: T): void {
    (entry.priority === 'live' ? this.#live : this.#poll).push(entry);
  }

  /** Takes out whose turn it is; null when nobody is ready. */
  next(isReady: (entry: T) => boolean): T | null {
    const pollsTurn = this.#liveInARow >= LIVE_IN_A_ROW;
    const poll = pollsTurn ? takeFirst(this.#poll, isReady) : null;
    const entry = poll ?? takeFirst(this.#live, isReady) ?? takeFirst(this.#poll, isReady);
    this.#liveInARow = entry?.priority === 'live' ? this.#liveInARow + 1 : 0;
    return entry;
  }

  /** Takes out all. */
  drain(): T[] {
    return [...this.#live.splice(0), ...this.#poll.splice(0)];
  }

  [Symbol.iterator](): Iterator<T> {
    return [...this.#live, ...this.#poll].values();
  }
}

function takeFirst<T>(entries: T[], isReady: (entry: T) => boolean): T | null {
  const first = entries[0];
  if (first === undefined) return null;
  // Mostly it is the first one.
  if (isReady(first)) return entries.shift() ?? null;
  const at = entries.findIndex(isReady);
  return at < 0 ? null : (entries.splice(at, 1)[0] ?? null);
}
