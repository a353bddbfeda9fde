/** `/api/v1/quarantine`: what could not be stored as it came, why, and what an operator decides about it. */
import { z } from 'zod';
import { page, QuarantineCounts, QuarantineEntry, QuarantineState } from '../../protocols/api.ts';
import { Id } from '../../protocols/reading.ts';
import { actorOf } from '../access.ts';
import { type ErrorCode, Refused } from '../errors.ts';
import { StoreError } from '../store/store-error.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText, limitText } from './query.ts';

/** A message may be 64 KiB long: a list shows the beginning. */
const SHOWN = 4096;
const EntryId = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'not the id of an entry')
  .transform((text) => Number.parseInt(text, 10));
const params = z.strictObject({ id: EntryId });
const Released = z.strictObject({ outcome: z.enum(['stored', 'duplicate']) });
const Dismissal = z.strictObject({ reason: z.string().trim().min(1).max(500) });

export function quarantineRoutes(api: Api, context: ApiContext): void {
  lists(api, context);
  decisions(api, context);
}

function lists(api: Api, { store }: ApiContext): void {
  const querystring = z.strictObject({
    state: QuarantineState.optional(),
    gateway: Id.optional(),
    code: z.string().max(40).optional(),
    cursor: EntryId.optional(),
    limit: limitText(200, 50),
  });
  api.get(
    '/api/v1/quarantine',
    {
      config: { access: 'meters:read' },
      schema: { querystring, response: { 200: page(QuarantineEntry) } },
    },
    async ({ query: { cursor: before, limit, ...filter } }) => {
      const rows = await store.quarantineEntries({ ...filter, before, limit: limit + 1 });
      const items = rows.slice(0, limit).map(({ payload, ...entry }) => ({
        ...entry,
        payload: payload.slice(0, SHOWN),
      }));
      return { items, next: rows.length > limit ? String(items.at(-1)?.id) : null };
    },
  );
  api.get(
    '/api/v1/quarantine/counts',
    { config: { access: 'meters:read' }, schema: { response: { 200: QuarantineCounts } } },
    async () => ({ held: await store.quarantineCount(), dropped: await store.quarantineDropped() }),
  );
}

function decisions(api: Api, { store, clock }: ApiContext): void {
  api.post(
    '/api/v1/quarantine/:id/release',
    { config: { access: 'admin' }, schema: { params, response: { 200: Released } } },
    async (request) => {
      const { id } = request.params;
      const decision = { id, at: instantText(clock.nowMs()), by: actorOf(principalOf(request)) };
      try {
        const release = await store.releaseQuarantined(decision);
        if (release.ok) return { outcome: release.outcome };
        const closed: Partial<Record<typeof release.code, ErrorCode>> = {
          unknown_entry: 'unknown_entry',
          already_closed: 'already_closed',
        };
        throw new Refused(closed[release.code] ?? 'not_releasable', `${release.code}: ${release.detail}`);
      } catch (error) {
        if (error instanceof StoreError && error.ofMessage)
          throw new Refused('not_releasable', `poison: ${error.message}`);
        throw error;
      }
    },
  );
  api.post(
    '/api/v1/quarantine/:id/dismiss',
    {
      config: { access: 'admin' },
      schema: { params, body: Dismissal, response: { 200: z.strictObject({}) } },
    },
    async (request) => {
      const { params, body } = request;
      const at = instantText(clock.nowMs());
      const by = actorOf(principalOf(request));
      if (await store.dismissQuarantined({ id: params.id, at, by, reason: body.reason })) return {};
      const [known] = await store.quarantineEntries({ before: params.id + 1, limit: 1 });
      throw new Refused(known?.id === params.id ? 'already_closed' : 'unknown_entry');
    },
  );
}
