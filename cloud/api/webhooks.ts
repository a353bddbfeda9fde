/** `/api/v1/webhooks`: where external ledgers are told of what is posted, with the log of it; `/api/v1/events`: the same, to pull. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { page } from '../../protocols/api.ts';
import {
  DeliveryAttempt,
  LedgerEvent,
  MintedWebhook,
  NewWebhook,
  Webhook,
} from '../../protocols/billing-api.ts';
import { Refused } from '../errors.ts';
import type { DeliveryCounts, EventRow, Webhook as WebhookRow } from '../store/port/outbox.ts';
import { mintWebhookSecret } from '../webhooks/sign-event.ts';
import { targetAddress } from '../webhooks/target-address.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText, limitText } from './query.ts';

const byId = z.strictObject({ id: z.string().regex(/^[0-9a-f]{8}$/, 'not the id of a webhook') });
const Position = z.string().regex(/^(0|[1-9]\d{0,14})$/, 'not a cursor of ours');
/** An answer that is kept for repeated requests must not hold the secret. */
const withoutSecret = (answer: string): string =>
  JSON.stringify({ ...(JSON.parse(answer) as MintedWebhook), secret: null });

const shown = ({ secret: _, ...row }: WebhookRow, counts: readonly DeliveryCounts[]): Webhook => {
  const own = counts.find(({ webhook }) => webhook === row.id);
  return { ...row, pending: own?.pending ?? 0, delivered: own?.delivered ?? 0, dead: own?.dead ?? 0 };
};
const event = ({ position: _, data, ...row }: EventRow): z.infer<typeof LedgerEvent> => ({
  ...row,
  data: JSON.parse(data) as Record<string, unknown>,
});

export function webhookRoutes(api: Api, context: ApiContext): void {
  const { store, clock, allowPrivateWebhooks: allowPrivate } = context;
  api.get(
    '/api/v1/webhooks',
    { config: { access: 'admin' }, schema: { response: { 200: page(Webhook) } } },
    async () => {
      const counts = await store.deliveryCounts();
      return { items: (await store.webhooks()).map((row) => shown(row, counts)), next: null };
    },
  );
  api.post(
    '/api/v1/webhooks',
    {
      config: { access: 'admin', replay: withoutSecret },
      schema: { body: NewWebhook, response: { 201: MintedWebhook } },
    },
    async ({ body }, reply) => {
      const target = await targetAddress(body.url, { allowPrivate });
      if (!target.ok) throw new Refused('webhook_refused', target.detail);
      const secret = mintWebhookSecret();
      const row = { ...body, id: randomBytes(4).toString('hex'), createdAt: instantText(clock.nowMs()) };
      await store.addWebhook({ ...row, secret });
      return reply.status(201).send({ ...shown({ ...row, secret, endedAt: null }, []), secret });
    },
  );
  api.delete(
    '/api/v1/webhooks/:id',
    { config: { access: 'admin' }, schema: { params: byId, response: { 204: z.null() } } },
    async ({ params }, reply) => {
      if (!(await store.endWebhook(params.id, instantText(clock.nowMs()))))
        throw new Refused('unknown_webhook');
      return reply.status(204).send(null);
    },
  );
  deliveryRoutes(api, context);
  api.get(
    '/api/v1/events',
    {
      config: { access: 'charges:read' },
      schema: {
        querystring: z.strictObject({ since: Position.default('0'), limit: limitText(1_000, 200) }),
        response: {
          200: z.strictObject({ items: z.array(LedgerEvent), next: z.string(), more: z.boolean() }),
        },
      },
    },
    async ({ query: { since, limit } }) => {
      const rows = await store.outboxEvents({ since: Number(since), limit: limit + 1 });
      const items = rows.slice(0, limit);
      return {
        items: items.map(event),
        next: String(items.at(-1)?.position ?? since),
        more: rows.length > limit,
      };
    },
  );
}

function deliveryRoutes(api: Api, { store }: ApiContext): void {
  const known = async (id: string): Promise<void> => {
    if ((await store.webhook(id)) === null) throw new Refused('unknown_webhook');
  };
  api.get(
    '/api/v1/webhooks/:id/deliveries',
    {
      config: { access: 'admin' },
      schema: {
        params: byId,
        querystring: z.strictObject({ cursor: Position.optional(), limit: limitText(1_000, 100) }),
        response: { 200: page(DeliveryAttempt) },
      },
    },
    async ({ params, query: { cursor, limit } }) => {
      await known(params.id);
      const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor);
      const items = await store.deliveryAttempts({ webhook: params.id, before, limit });
      return { items, next: items.length < limit ? null : String(items.at(-1)?.number) };
    },
  );
  api.get(
    '/api/v1/webhooks/:id/dead-letters',
    { config: { access: 'admin' }, schema: { params: byId, response: { 200: page(LedgerEvent) } } },
    async ({ params }) => {
      await known(params.id);
      return { items: (await store.deadEvents(params.id, 1_000)).map(event), next: null };
    },
  );
  api.post(
    '/api/v1/webhooks/:id/replay',
    {
      config: { access: 'admin' },
      schema: {
        params: byId,
        body: z.union([
          z.strictObject({ deadLetters: z.literal(true) }),
          z.strictObject({ since: Position, through: Position.optional() }),
        ]),
        response: { 200: z.strictObject({ handed: z.int() }) },
      },
    },
    async ({ params, body }) => {
      await known(params.id);
      if ('deadLetters' in body) return { handed: await store.reviveDeliveries(params.id) };
      const through = body.through === undefined ? Number.MAX_SAFE_INTEGER : Number(body.through);
      return {
        handed: await store.replayEvents({ webhook: params.id, since: Number(body.since), through }),
      };
    },
  );
}
