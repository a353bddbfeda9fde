/** When the jobs run: by the site's clock on the wall. */
import { schedule } from 'node-cron';
import { siteDay } from '../metering/site-grid.ts';
import type { Store } from '../store/store.ts';

export interface Schedule {
  /** Waits for no job under way; none begins any more. */
  stop(): Promise<void>;
  /** When the next nightly check is due. */
  nextNightlyCheck(): Date | null;
}

/** Half an hour after midnight the gateways have long sent the last boundary of the day. */
const AFTER_MIDNIGHT = '30 0 * * *';
/** Curves follow the readings within a minute. */
const EVERY_MINUTE = '* * * * *';

/**
 * Calls `derive` every minute, and `check` every night with the end of the site-local day that has ended. A job that takes too
 * long is not overtaken, and what another service of the same store is at is left to it.
 * @param onError what is to be told of a job that failed: the next time tries again
 */
export function scheduleJobs(options: {
  timeZone: string;
  nowMs: () => number;
  derive: () => Promise<unknown>;
  check: (dayEndMs: number) => Promise<unknown>;
  /** Small things, every minute. */
  tend?: () => Promise<unknown>;
  alone: Store['alone'];
  onError: (error: unknown, job: string) => void;
}): Schedule {
  const { timeZone, nowMs, derive, check, tend, alone, onError } = options;
  const plan = (name: string, expression: string, job: () => Promise<unknown>) =>
    schedule(expression, () => alone(`job ${name}`, job).catch((error: unknown) => onError(error, name)), {
      timezone: timeZone,
      name,
      noOverlap: true,
    });
  const tasks = [
    plan('nightly-check', AFTER_MIDNIGHT, () => check(siteDay(nowMs(), timeZone).startMs)),
    plan('derive', EVERY_MINUTE, derive),
    ...(tend === undefined ? [] : [plan('tend', EVERY_MINUTE, tend)]),
  ];
  return {
    stop: async () => {
      for (const task of tasks) await task.destroy();
    },
    nextNightlyCheck: () => tasks[0]?.getNextRun() ?? null,
  };
}
