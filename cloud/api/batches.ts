/** `POST /api/v1/gateways/{id}/batches`: readings of a gateway that cannot use MQTT. The answer is the receipt, after the commit. */
import { z } from 'zod';
import { Id } from '../../protocols/reading.ts';
import { Receipt } from '../../protocols/uplink.ts';
import { readBatch } from '../decode-batch.ts';
import { Refused } from '../errors.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';

const MOST_BYTES = 1024 * 1024;
const RETRY_SECONDS = '5';

export function batchRoutes(api: Api, { intake }: ApiContext): void {
  api.post(
    '/api/v1/gateways/:id/batches',
    {
      config: { access: 'gateway', zstd: true, unaudited: true },
      bodyLimit: MOST_BYTES,
      schema: { params: z.strictObject({ id: Id }), body: z.unknown(), response: { 200: Receipt } },
      onResponse: async (_, { statusCode }) => {
        if (statusCode >= 400 && statusCode < 500) intake.counters.malformed += 1;
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const principal = principalOf(request);
      if (principal.kind === 'gateway' && principal.gateway !== id)
        throw new Refused('forbidden', `this is the key of "${principal.gateway}"`);
      const batch = readBatch(request.body, id);
      if (!batch.ok) throw new Refused('not_a_batch', `${batch.code}: ${batch.detail}`);
      try {
        return await intake.take(id, batch);
      } catch {
        reply.header('retry-after', RETRY_SECONDS);
        throw new Refused('not_stored');
      }
    },
  );
}
