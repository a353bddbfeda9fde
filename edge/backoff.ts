/** How often a unit that does not answer is tried: a step that doubles from 2 s to 300 s, one probe per step. Pure. */

export interface Backoff {
  /** Failures in a row. */
  failures: number;
  /** The unit is left alone until then (Unix milliseconds). */
  untilMs: number;
}

const FIRST_STEP_MS = 2_000;
const LAST_STEP_MS = 300_000;

export const NO_BACKOFF: Backoff = { failures: 0, untilMs: 0 };

/** The state after one more failure at `nowMs`. */
export function backOff({ failures }: Backoff, nowMs: number): Backoff {
  const stepMs = Math.min(FIRST_STEP_MS * 2 ** Math.min(failures, 16), LAST_STEP_MS);
  return { failures: failures + 1, untilMs: nowMs + stepMs };
}

/** `poll`: as usual; `probe`: one request, to see whether it answers again; `wait`: not yet. */
export function nextAttempt({ failures, untilMs }: Backoff, nowMs: number): 'poll' | 'probe' | 'wait' {
  if (failures === 0) return 'poll';
  return nowMs >= untilMs ? 'probe' : 'wait';
}
