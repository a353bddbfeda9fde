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
  /** Who waits alone, as mostly; all others stand in the rows. */
  #lone: T | null = null;
  readonly #live: T[] = [];
  readonly #poll: T[] = [];
  #inRows = 0;
  #liveInARow = 0;

  get isEmpty(): boolean {
    return this.#lone === null && this.#inRows === 0;
  }

  counts(): { live: number; poll: number } {
    this.#lineUp();
    return { live: this.#live.length, poll: this.#poll.length };
  }

  add(entry: T): void {
    if (this.isEmpty) {
      this.#lone = entry;
      return;
    }
    this.#lineUp();
    this.#push(entry);
  }

  /** Takes out whose turn it is; null when nobody is ready. */
  next(isReady: (entry: T) => boolean): T | null {
    const entry = this.#lone === null ? this.#nextInRows(isReady) : this.#takeLone(isReady);
    this.#liveInARow = entry?.priority === 'live' ? this.#liveInARow + 1 : 0;
    return entry;
  }

  /** Takes out all. */
  drain(): T[] {
    this.#lineUp();
    this.#inRows = 0;
    return [...this.#live.splice(0), ...this.#poll.splice(0)];
  }

  #takeLone(isReady: (entry: T) => boolean): T | null {
    const lone = this.#lone;
    if (lone === null || !isReady(lone)) return null;
    this.#lone = null;
    return lone;
  }

  #nextInRows(isReady: (entry: T) => boolean): T | null {
    const pollsTurn = this.#liveInARow >= LIVE_IN_A_ROW;
    const poll = pollsTurn ? takeFirst(this.#poll, isReady) : null;
    const entry = poll ?? takeFirst(this.#live, isReady) ?? takeFirst(this.#poll, isReady);
    if (entry !== null) this.#inRows -= 1;
    return entry;
  }

  #lineUp(): void {
    if (this.#lone === null) return;
    this.#push(this.#lone);
    this.#lone = null;
  }

  #push(entry: T): void {
    (entry.priority === 'live' ? this.#live : this.#poll).push(entry);
    this.#inRows += 1;
  }

  [Symbol.iterator](): Iterator<T> {
    this.#lineUp();
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
