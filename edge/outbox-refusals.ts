/** What the outbox had no room for: one span per register, kept until a gap marker tells of it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { GapMarker, Reading } from '../protocols/reading.ts';

/** Readings of one register that were never accepted. */
export interface Refusal {
  meter: string;
  register: string;
  fromMs: number;
  toMs: number;
  count: number;
}

const instantText = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();

/**
 * The spans live in memory, since a full disk takes no note, and go to their table with the next commit that succeeds.
 */
export class Refusals {
  readonly #forgetAll: StatementSync;
  readonly #note: StatementSync;
  #spans = new Map<string, Refusal>();
  #unsaved = false;

  constructor(db: DatabaseSync) {
    this.#forgetAll = db.prepare('DELETE FROM refused');
    this.#note = db.prepare('INSERT INTO refused VALUES (?, ?, ?, ?, ?)');
    const rows = db
      .prepare('SELECT meter, register, from_ms AS fromMs, to_ms AS toMs, count FROM refused')
      .all() as unknown as Refusal[];
    for (const row of rows) this.#spans.set(`${row.meter} ${row.register}`, row);
  }

  add({ meter, register, readAt }: Pick<Reading, 'meter' | 'register' | 'readAt'>): void {
    const atMs = Temporal.Instant.from(readAt).epochMilliseconds;
    const key = `${meter} ${register}`;
    const { fromMs, toMs, count } = this.#spans.get(key) ?? { fromMs: atMs, toMs: atMs, count: 0 };
    this.#spans.set(key, {
      meter,
      register,
      fromMs: Math.min(fromMs, atMs),
      toMs: Math.max(toMs, atMs),
      count: count + 1,
    });
    this.#unsaved = true;
  }

  /** Hands each span as a marker to `place`, which returns false when there is still no room for it. */
  tell(place: (marker: Omit<GapMarker, 'sequence'>, fromMs: number) => boolean): void {
    for (const [key, { meter, register, fromMs, toMs, count }] of this.#spans) {
      const span = { from: instantText(fromMs), to: instantText(toMs) };
      if (!place({ kind: 'gap', meter, register, ...span, count, reason: 'buffer_full' }, fromMs)) return;
      this.#spans.delete(key);
      this.#unsaved = true;
    }
  }

  /** Inside a transaction: makes the table what the memory is. */
  store(): void {
    if (!this.#unsaved) return;
    this.#forgetAll.run();
    for (const { meter, register, fromMs, toMs, count } of this.#spans.values())
      this.#note.run(meter, register, fromMs, toMs, count);
    this.#unsaved = false;
  }

  /** What a transaction that fails must go back to. */
  snapshot(): () => void {
    const spans = new Map(this.#spans);
    return () => {
      this.#spans = spans;
      this.#unsaved = true;
    };
  }
}
