/**
 * How the gateway's clock stands against the cloud's, from batches and their receipts: a receipt tells when the cloud wrote
 * it, and that lies between the sending of the batch and the receipt's arrival. So the network's delay makes the answer
 * vaguer, never wrong. Pure: it is told the times.
 */

/** Gateway minus cloud: the gateway's clock is ahead when positive. */
export interface CloudOffset {
  offsetMs: number;
  /** Half the time between batch and receipt. */
  uncertaintyMs: number;
  /** Unix milliseconds, by the gateway's clock. */
  atMs: number;
}

/** So many batches are on their way at most; of older ones the receipt is no longer waited for. */
const MOST_SENT = 64;
/** So long a good measurement stands before a worse one takes its place: a quartz strays by less than it in the meantime. */
const KEPT_MS = 3_600_000;

export class CloudClock {
  /** Monotonic times of batches by `from to`; null for one that was sent twice: nobody knows which one is receipted. */
  readonly #sent = new Map<string, number | null>();
  #best: CloudOffset | null = null;

  get offset(): CloudOffset | null {
    return this.#best;
  }

  /** @param atMs monotonic */
  sent(from: number, to: number, atMs: number): void {
    const key = `${from} ${to}`;
    this.#sent.set(key, this.#sent.has(key) ? null : atMs);
    for (const oldest of this.#sent.keys()) {
      if (this.#sent.size <= MOST_SENT) break;
      this.#sent.delete(oldest);
    }
  }

  /**
   * @param cloudMs when the cloud wrote the receipt, by its clock; `atMs` monotonic, `nowMs` the gateway's clock
   * @returns what this receipt tells; null: nothing
   */
  received(
    { from, to }: { from: number; to: number },
    cloudMs: number,
    { atMs, nowMs }: { atMs: number; nowMs: number },
  ): CloudOffset | null {
    const sentMs = this.#sent.get(`${from} ${to}`);
    this.#sent.delete(`${from} ${to}`);
    if (sentMs === undefined || sentMs === null) return null;
    const uncertaintyMs = (atMs - sentMs) / 2;
    const found = {
      offsetMs: Math.round(nowMs - uncertaintyMs - cloudMs),
      uncertaintyMs: Math.ceil(uncertaintyMs),
      atMs: nowMs,
    };
    const isOld = this.#best === null || Math.abs(nowMs - this.#best.atMs) >= KEPT_MS;
    if (isOld || contradicts(found, this.#best) || found.uncertaintyMs <= (this.#best?.uncertaintyMs ?? 0))
      this.#best = found;
    return found;
  }
}

/** A clock that was set meanwhile: both cannot be right. */
const contradicts = (one: CloudOffset, other: CloudOffset | null): boolean =>
  other !== null && Math.abs(one.offsetMs - other.offsetMs) > one.uncertaintyMs + other.uncertaintyMs + 1000;
