/** `/api/v1/billing-runs`: closes a period, and shows the runs with their proof of conservation. */
import { z } from 'zod';
import { BillingRun, BillingRunRequest, PeriodText, page } from '../../protocols/api.ts';
import { Refused } from '../errors.ts';
import type { Api, ApiContext } from './context.ts';

export function billingRunRoutes(api: Api, { store, jobs }: ApiContext): void {
  let closing = false;

  api.get(
    '/api/v1/billing-runs',
    { config: { access: 'charges:read' }, schema: { response: { 200: page(BillingRun) } } },
    async () => ({ items: (await store.billingRuns()).map(({ result }) => result), next: null }),
  );
  api.get(
    '/api/v1/billing-runs/:period',
    {
      config: { access: 'charges:read' },
      schema: { params: z.strictObject({ period: PeriodText }), response: { 200: BillingRun } },
    },
    async ({ params }) => {
      const run = await store.billingRun(params.period);
      if (run === null) throw new Refused('unknown_run');
      return run.result;
    },
  );
  api.post(
    '/api/v1/billing-runs',
    {
      config: { access: 'billing:run' },
      schema: { body: BillingRunRequest, response: { 200: BillingRun, 201: BillingRun } },
    },
    async ({ body }, reply) => {
      if (closing) throw new Refused('busy');
      closing = true;
      try {
        const closed = await jobs.closePeriod(body);
        if (!closed.ok) throw new Refused('billing_refused', `${closed.code}: ${closed.detail}`);
        return reply.status(closed.already ? 200 : 201).send(closed.run);
      } finally {
        closing = false;
      }
    },
  );
}
