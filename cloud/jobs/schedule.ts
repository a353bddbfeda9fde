/** When the jobs run: by the site's clock on the wall. */
import { schedule } from 'node-cron';
import { siteDay } from '../metering/site-grid.ts';

export interface NightlySchedule {
  /** Waits for no check under way; none begins any more. */
  stop(): Promise<void>;
  nextRun(): Date | null;
}

/** Half an hour after midnight the gateways have long sent the last boundary of the day. */
const AFTER_MIDNIGHT = '30 0 * * *';

/**
 * Calls `check` every night with the end of the site-local day that has ended; a check that takes too long is not overtaken.
 * @param onError what is to be told of a check that failed: the next night tries again
 */
export function scheduleNightly(options: {
  timeZone: string;
  nowMs: () => number;
  check: (dayEndMs: number) => Promise<unknown>;
  onError: (error: unknown) => void;
}): NightlySchedule {
  const { timeZone, nowMs, check, onError } = options;
  const task = schedule(AFTER_MIDNIGHT, () => check(siteDay(nowMs(), timeZone).startMs).catch(onError), {
    timezone: timeZone,
    name: 'nightly-check',
    noOverlap: true,
  });
  return {
    stop: async () => {
      await task.destroy();
    },
    nextRun: () => task.getNextRun(),
  };
}
