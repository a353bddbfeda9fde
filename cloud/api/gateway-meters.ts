/** `/api/v1/gateways/{id}/meters`: which meters a gateway writes, and moving meters to it when a gateway is replaced. */
import { z } from 'zod';
import { Id } from '../../protocols/reading.ts';
import { actorOf } from '../access.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';

const params = z.strictObject({ id: Id });
const Meters = z.strictObject({ meters: z.array(Id) });
/** All meters of another gateway, or some by name. */
const Move = z.union([
  z.strictObject({ from: Id }),
  z.strictObject({ meters: z.array(Id).min(1).max(10_000) }),
]);
const Moved = z.strictObject({ moved: z.array(Id), released: z.int() });

export function gatewayMeterRoutes(api: Api, { store, clock }: ApiContext): void {
  api.get(
    '/api/v1/gateways/:id/meters',
    { config: { access: 'meters:read' }, schema: { params, response: { 200: Meters } } },
    async ({ params: { id } }) => ({ meters: await store.metersOfGateway(id) }),
  );
  api.post(
    '/api/v1/gateways/:id/meters',
    { config: { access: 'admin' }, schema: { params, body: Move, response: { 200: Moved } } },
    async (request) => {
      const { body, params } = request;
      const meters = 'from' in body ? await store.metersOfGateway(body.from) : body.meters;
      const at = instantText(clock.nowMs());
      return store.assignMeters({ meters, gateway: params.id, at, by: actorOf(principalOf(request)) });
    },
  );
}
