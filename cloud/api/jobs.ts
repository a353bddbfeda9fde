/** `/api/v1/jobs`: work that also runs by the clock, started by hand. */
import { NightlyCheckRequest, NightlyCheckResult } from '../../protocols/api.ts';
import { Refused } from '../errors.ts';
import type { Api, ApiContext } from './context.ts';

export function jobRoutes(api: Api, { jobs, park, clock }: ApiContext): void {
  api.post(
    '/api/v1/jobs/nightly-check',
    {
      config: { access: 'admin' },
      schema: { body: NightlyCheckRequest, response: { 200: NightlyCheckResult } },
    },
    async ({ body: { day } }) => {
      // What is still to come would be written as missing.
      if (day >= dateAt(clock.nowMs(), park.timeZone))
        throw new Refused('day_not_ended', `${day} has not ended in ${park.timeZone}`);
      return { day, raised: await jobs.nightlyCheck(day) };
    },
  );
}

/** The site-local date of an instant; ISO dates compare as text. */
const dateAt = (ms: number, timeZone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDate().toString();
