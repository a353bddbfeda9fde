/** Waits for silence on a line, exact to a fraction of a millisecond, without calling silent what was only not heard. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Timers are no finer: what is left of a wait after that is waited for turn by turn. */
const TIMER_MS = 1;
/** No longer at once: what is waited for may change, and a line that is closed says so soon. */
const LONGEST_WAIT_MS = 50;
/** So many turns must find it silent: the first may have looked for bytes before this began, and a port reads a turn later. */
const SILENT_TURNS = 2;
/** A wait that took so much longer says that the process stood still: it has yet to hear what came meanwhile. */
const STALL_MS = 10;
/** So often at most it listens for as long again before one request: a busy process still polls. */
const STALLS = 3;

/** A silence that was heard so recently need not be heard again. */
export const HEARD_MS = 1;

export interface Silence {
  /** Until when it must be silent, as is known by now (`performance.now()`): each byte that comes may change it. */
  until(): number;
  /** When to give up waiting (`performance.now()`). */
  giveUpAt: number;
  /** Whether nobody waits any more. */
  isOver(): boolean;
}

/** @returns false when it was given up */
export async function hearSilence({ until, giveUpAt, isOver }: Silence): Promise<boolean> {
  let stalls = 0;
  let stalledUntil = 0;
  for (let silentTurns = 0; !isOver(); ) {
    const now = performance.now();
    const left = Math.max(until(), stalledUntil) - now;
    if (left <= 0 && silentTurns >= SILENT_TURNS) return true;
    if (now > giveUpAt) return false;
    // Bytes that came while this process was busy are read before the line is called silent.
    silentTurns = left <= 0 ? silentTurns + 1 : 0;
    const waitMs = left < 2 * TIMER_MS ? 0 : Math.min(Math.floor(left - TIMER_MS), LONGEST_WAIT_MS);
    await (waitMs === 0 ? nextTurn() : sleep(waitMs));
    const overslept = performance.now() - now - waitMs;
    if (overslept > STALL_MS && stalls++ < STALLS) stalledUntil = performance.now() + STALL_MS;
  }
  return true;
}
