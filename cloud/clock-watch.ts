/**
 * Sees when the machine's clock was behind and is put right, as on a board that starts before it finds its time server: what seemed to
 * come from the future meanwhile is then released, and only what did not by the right clock.
 */
import type { BaseLogger } from 'pino';
import type { Clock } from './clock.ts';
import type { Store } from './store/store.ts';

export interface ClockWatchOptions {
  store: Pick<Store, 'releaseAfterClockStep' | 'addAudit'>;
  clock: Clock;
  /** Milliseconds that no correction of the clock moves. */
  steadyMs: () => number;
  log: Pick<BaseLogger, 'warn'>;
}

/** A clock that is slewed moves less than this between two looks. */
const SMALLEST_STEP_MS = 60_000;

/** @returns looks at the clock; to be called every minute or so, with no call under way. How many readings were released */
export function watchClock({ store, clock, steadyMs, log }: ClockWatchOptions): () => Promise<number> {
  const look = () => ({ wallMs: clock.nowMs(), steadyMs: steadyMs() });
  const textOf = (ms: number): string => Temporal.Instant.fromEpochMilliseconds(ms).toString();
  // Since when this clock has run without a step.
  let start = look();
  return async () => {
    const now = look();
    const stepMs = now.wallMs - start.wallMs - (now.steadyMs - start.steadyMs);
    if (Math.abs(stepMs) < SMALLEST_STEP_MS) return 0;
    log.warn({ stepSeconds: stepMs / 1000 }, 'the clock of this machine was put right');
    const since = textOf(start.wallMs);
    const at = textOf(now.wallMs);
    const released = stepMs > 0 ? await store.releaseAfterClockStep({ since, stepMs, at }) : 0;
    start = now;
    if (released > 0)
      await store.addAudit({
        ...{ at, actor: 'clock', address: '' },
        action: `release from quarantine, ${Math.round(stepMs / 1000)} s put right`,
        outcome: `${released} stored`,
      });
    return released;
  };
}
