/** `/api/v1/charges`: how a billing service pulls. The cursor of the last page seen is all it needs to keep. */
import { z } from 'zod';
import { Charge } from '../../protocols/api.ts';
import type { ChargeRow } from '../store/port/billing.ts';
import type { Api, ApiContext } from './context.ts';
import { limitText } from './query.ts';

/**
 * `next` is where to go on: it stands still at the end of the list, so that asking again later gives what was posted
 * since. `more` says whether there is another page now.
 */
export const ChargePage = z.strictObject({ items: z.array(Charge), next: z.string(), more: z.boolean() });

const withoutPosition = ({ position: _, ...charge }: ChargeRow): Charge => charge;

export function chargeRoutes(api: Api, { store }: ApiContext): void {
  api.get(
    '/api/v1/charges',
    {
      config: { access: 'charges:read' },
      schema: {
        querystring: z.strictObject({
          since: z
            .string()
            .regex(/^(0|[1-9]\d{0,14})$/, 'not a cursor of ours')
            .default('0'),
          limit: limitText(1_000, 200),
        }),
        response: { 200: ChargePage },
      },
    },
    async ({ query: { since, limit } }) => {
      const rows = await store.charges({ since: Number(since), limit: limit + 1 });
      const items = rows.slice(0, limit);
      return {
        items: items.map(withoutPosition),
        next: String(items.at(-1)?.position ?? since),
        more: rows.length > limit,
      };
    },
  );
}
