/** What the polls of one bus came to, since the gateway started. */
import type { BusStatus } from '../../protocols/uplink.ts';
import type { MeterRead } from '../drivers/meter-driver.ts';

/** Of one meter: requests sent, repeats included, and those that gave no value. */
export interface MeterCounts {
  readonly requests: number;
  readonly failures: number;
}

export class BusTally {
  #requests = 0;
  #failures = 0;
  #retries = 0;
  readonly #failuresByCode = new Map<string, number>();
  #cycleMs = Number.NaN;
  #floorMs = 0;

  noteRead({ requests, failures, fault }: MeterRead): void {
    this.#requests += requests;
    this.#failures += failures;
    if (fault !== null) this.#add(fault.code, 1);
    this.#add('refused', failures - (fault === null ? 0 : 1));
  }

  /** A meter is asked again in the same round. */
  noteRetry(): void {
    this.#retries += 1;
  }

  /** A round of all that was due, and the least time that its answered requests can have taken. */
  noteCycle(milliseconds: number, floorMilliseconds: number): void {
    this.#cycleMs = milliseconds;
    this.#floorMs = floorMilliseconds;
  }

  status(): Pick<BusStatus, 'requests' | 'failures' | 'retries' | 'failuresByCode' | 'cycle'> {
    return {
      requests: this.#requests,
      failures: this.#failures,
      retries: this.#retries,
      failuresByCode: Object.fromEntries(this.#failuresByCode),
      cycle: this.#cycle(),
    };
  }

  #cycle(): BusStatus['cycle'] {
    if (Number.isNaN(this.#cycleMs)) return null;
    const utilisation = this.#cycleMs > 0 ? Math.min(this.#floorMs / this.#cycleMs, 1) : 1;
    return {
      milliseconds: Math.round(this.#cycleMs),
      floorMilliseconds: Math.round(this.#floorMs),
      utilisation: Math.round(utilisation * 1000) / 1000,
    };
  }

  #add(code: string, count: number): void {
    if (count > 0) this.#failuresByCode.set(code, (this.#failuresByCode.get(code) ?? 0) + count);
  }
}
