/**
 * The time of a machine whose clock somebody may set. Three tell it: the clock, the time that passed since it was last believed, and
 * the cloud's clock, which each receipt carries. A clock that jumps away from the other two is not followed; one that jumps to
 * where the cloud's is, is. Without a cloud that confirms what was believed before, the clock is all there is. Pure: it is told the times.
 */

export interface Ticks {
  /** Unix milliseconds, by the machine's clock. */
  wallMs: number;
  /** Milliseconds that no setting of the clock moves. */
  steadyMs: number;
}

/** From this on a difference is a jump; a clock that is slewed stays below it from one look to the next. */
const JUMP_MS = 500;
/** The cloud confirms what lies no further from its own clock. */
const CONFIRMED_WITHIN_MS = 60_000;

export class WitnessedTime {
  /** What was believed when. The clock is looked at all the time: these are two numbers, not an object each time. */
  #believedMs: number;
  #believedSteadyMs: number;
  #cloud: Ticks | null = null;
  #jumpMs = 0;

  constructor(ticks: Ticks) {
    this.#believedMs = ticks.wallMs;
    this.#believedSteadyMs = ticks.steadyMs;
  }

  /** How far the machine's clock is ahead of what is believed; 0 while it is followed. */
  get jumpMs(): number {
    return this.#jumpMs;
  }

  /** @param cloudMs what the cloud's clock showed at `steadyMs` */
  heardCloud(cloudMs: number, steadyMs: number): void {
    this.#cloud = { wallMs: cloudMs, steadyMs };
  }

  /** Unix milliseconds. */
  nowMs({ wallMs, steadyMs }: Ticks): number {
    const expectedMs = this.#believedMs + (steadyMs - this.#believedSteadyMs);
    if (Math.abs(wallMs - expectedMs) >= JUMP_MS && this.#isConfirmed(expectedMs, { wallMs, steadyMs })) {
      this.#jumpMs = wallMs - expectedMs;
      return expectedMs;
    }
    this.#jumpMs = 0;
    this.#believedMs = wallMs;
    this.#believedSteadyMs = steadyMs;
    return wallMs;
  }

  #isConfirmed(expectedMs: number, { wallMs, steadyMs }: Ticks): boolean {
    if (this.#cloud === null) return false;
    const cloudMs = this.#cloud.wallMs + (steadyMs - this.#cloud.steadyMs);
    const distanceMs = Math.abs(expectedMs - cloudMs);
    return distanceMs <= CONFIRMED_WITHIN_MS && distanceMs <= Math.abs(wallMs - cloudMs);
  }
}
