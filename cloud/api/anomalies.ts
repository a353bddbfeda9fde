/** `/api/v1/anomalies`: what the detectors raised, the newest first, each with the figures that led to it. */
import { z } from 'zod';
import { Anomaly, page } from '../../protocols/api.ts';
import type { Api, ApiContext } from './context.ts';

export function anomalyRoutes(api: Api, { store }: ApiContext): void {
  api.get(
    '/api/v1/anomalies',
    {
      config: { access: 'anomalies:read' },
      schema: {
        querystring: z.strictObject({ open: z.enum(['true', 'false']).default('false') }),
        response: { 200: page(Anomaly) },
      },
    },
    async ({ query }) => ({ items: await store.anomalies({ openOnly: query.open === 'true' }), next: null }),
  );
}
