/** How often a unit that does not answer is tried: one probe a step, and the steps grow from 5 s to 300 s. Pure. */

export interface Backoff {
  /** Failures in a row. */
  failures: number;
  /** The unit is left alone until then (Unix milliseconds). */
  untilMs: number;
}

const FIRST_STEP_MS = 5_000;
/** Steep, since most of what a dead meter costs its bus it costs in its first minute. */
const GROWTH = 4;
const LAST_STEP_MS = 300_000;

export const NO_BACKOFF: Backoff = { failures: 0, untilMs: 0 };

/** The state after one more failure at `nowMs`. */
export function backOff({ failures }: Backoff, nowMs: number): Backoff {
  const stepMs = Math.min(FIRST_STEP_MS * GROWTH ** Math.min(failures, 8), LAST_STEP_MS);
  return { failures: failures + 1, untilMs: nowMs + stepMs };
}

/**
 * `poll`: as usual; `probe`: one request, to see whether it answers again; `wait`: not yet. A step that would end later
 * than any can is none: the clock was set back.
 */
export function nextAttempt({ failures, untilMs }: Backoff, nowMs: number): 'poll' | 'probe' | 'wait' {
  if (failures === 0) return 'poll';
  return nowMs >= untilMs || untilMs - nowMs > LAST_STEP_MS ? 'probe' : 'wait';
}

/**
 * The least time in which a unit is given up for silent, whatever was measured of it: one that answers has a busy machine
 * or converter forgiven, whose late answer would only disturb the next unit.
 */
const LEAST_PATIENCE_MS = 300;
const LEAST_PROBE_PATIENCE_MS = 100;
/** So many times its slowest answer, and this more, a unit is waited for. */
const SLOWEST_TIMES = 1.5;
const MARGIN_MS = 50;
/** After so many failures in a row it is waited for as long as the line allows: it may have become slow. */
const IMPATIENT_FAILURES = 2;

/**
 * How long to wait for the first byte of an answer, in milliseconds; null: as long as the line allows.
 * @param slowestMs the slowest turnaround of the unit lately; null while not enough is known
 */
export function patienceMs({ failures }: Backoff, slowestMs: number | null): number | null {
  if (slowestMs === null || failures > IMPATIENT_FAILURES) return null;
  const leastMs = failures === 0 ? LEAST_PATIENCE_MS : LEAST_PROBE_PATIENCE_MS;
  return Math.max(leastMs, SLOWEST_TIMES * slowestMs + MARGIN_MS);
}
