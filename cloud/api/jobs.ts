/** `/api/v1/jobs`: work that also runs by the clock, started by hand. */
import { NightlyCheckRequest, NightlyCheckResult } from '../../protocols/api.ts';
import type { Api, ApiContext } from './context.ts';

export function jobRoutes(api: Api, { jobs }: ApiContext): void {
  api.post(
    '/api/v1/jobs/nightly-check',
    {
      config: { access: 'admin' },
      schema: { body: NightlyCheckRequest, response: { 200: NightlyCheckResult } },
    },
    async ({ body }) => ({ day: body.day, raised: await jobs.nightlyCheck(body.day) }),
  );
}
