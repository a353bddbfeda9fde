/** How much one gateway may send, and how often it may be where it has no business. Kept by name, across its connections. */

export interface AllowanceLimits {
  /** Beyond these it is read more slowly: nothing is lost, its own socket fills. Bursts of two seconds pass at once. */
  messagesPerSecond: number;
  bytesPerSecond: number;
  /** Beyond this it is disconnected, and refused until a part of the day has gone by. */
  bytesPerDay: number;
  /** Foreign publishes and refused subscriptions before it is disconnected; one is forgotten every minute. */
  strikes: number;
}

export const usualAllowance: AllowanceLimits = {
  messagesPerSecond: 500,
  bytesPerSecond: 8 * 1024 * 1024,
  bytesPerDay: 4 * 1024 * 1024 * 1024,
  strikes: 5,
};

const BURST_SECONDS = 2;
const DAY_SECONDS = 86_400;
const MINUTE_SECONDS = 60;
/** Who owes more time than this is disconnected: it sends a multiple of what it may. */
const LONGEST_PAUSE_MS = 10_000;
/** The quota opens again when this part of it is back: not for single messages. */
const REOPEN_PART = 0.01;

/** Fills by the second up to its size. It can be overdrawn: the debt is time. */
class Bucket {
  readonly #size: number;
  readonly #perSecond: number;
  #level: number;
  #atMs: number;

  constructor(size: number, perSecond: number, nowMs: number) {
    this.#size = size;
    this.#perSecond = perSecond;
    this.#level = size;
    this.#atMs = nowMs;
  }

  level(nowMs: number): number {
    this.#level = Math.min(this.#size, this.#level + ((nowMs - this.#atMs) / 1000) * this.#perSecond);
    this.#atMs = nowMs;
    return this.#level;
  }

  /** @returns ms until the debt is paid */
  take(amount: number, nowMs: number): number {
    this.#level = this.level(nowMs) - amount;
    return Math.max(0, (-this.#level / this.#perSecond) * 1000);
  }
}

export class ClientAllowance {
  readonly #messages: Bucket;
  readonly #bytes: Bucket;
  readonly #quota: Bucket;
  readonly #strikes: Bucket;
  readonly #reopenAt: number;

  /** @param nowMs of a clock that never goes back, as in all that follows */
  constructor(limits: AllowanceLimits, nowMs: number) {
    const { messagesPerSecond, bytesPerSecond, bytesPerDay, strikes } = limits;
    this.#messages = new Bucket(messagesPerSecond * BURST_SECONDS, messagesPerSecond, nowMs);
    this.#bytes = new Bucket(bytesPerSecond * BURST_SECONDS, bytesPerSecond, nowMs);
    this.#quota = new Bucket(bytesPerDay, bytesPerDay / DAY_SECONDS, nowMs);
    this.#strikes = new Bucket(strikes, 1 / MINUTE_SECONDS, nowMs);
    this.#reopenAt = bytesPerDay * REOPEN_PART;
  }

  /** May it connect? */
  open(nowMs: number): boolean {
    return this.#quota.level(nowMs) >= this.#reopenAt;
  }

  /** Counts what it sent. @returns ms to read nothing of it, or null: it has had too much */
  take(bytes: number, packets: number, nowMs: number): number | null {
    const pauseMs = Math.max(this.#bytes.take(bytes, nowMs), this.#messages.take(packets, nowMs));
    return this.#quota.take(bytes, nowMs) > 0 || pauseMs > LONGEST_PAUSE_MS ? null : pauseMs;
  }

  /** Counts a strike. @returns how many more there may be; negative: this one is one too many */
  strike(nowMs: number): number {
    if (this.#strikes.level(nowMs) < 1) return -1;
    this.#strikes.take(1, nowMs);
    return Math.floor(this.#strikes.level(nowMs));
  }
}
