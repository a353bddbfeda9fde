/** `/api/v1/keys`: scoped API keys. The secret is shown once; what is stored cannot be turned back into it. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { digestOf, mintToken } from '../../process/secrets.ts';
import { ApiKey, MintedApiKey, NewApiKey, page } from '../../protocols/api.ts';
import { Refused } from '../errors.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';

const KeyId = z.string().regex(/^[0-9a-f]{8}$/, 'not the id of a key');

/** An answer that is kept for repeated requests must not hold the secret. */
const withoutSecret = (answer: string): string =>
  JSON.stringify({ ...(JSON.parse(answer) as MintedApiKey), secret: null });

export function keyRoutes(api: Api, { store, clock }: ApiContext): void {
  api.get(
    '/api/v1/keys',
    { config: { access: 'admin' }, schema: { response: { 200: page(ApiKey) } } },
    async () => ({
      items: (await store.apiKeys()).map((row) => ApiKey.parse(row)),
      next: null,
    }),
  );
  api.post(
    '/api/v1/keys',
    {
      config: { access: 'admin', replay: withoutSecret },
      schema: { body: NewApiKey, response: { 201: MintedApiKey } },
    },
    async ({ body }, reply) => {
      const secret = mintToken();
      const key = {
        id: randomBytes(4).toString('hex'),
        name: body.name,
        scopes: [...new Set(body.scopes)],
        createdAt: instantText(clock.nowMs()),
      };
      await store.addApiKey({ ...key, digest: digestOf(secret) });
      return reply.status(201).send({ ...key, revokedAt: null, secret: `mlk_${key.id}_${secret}` });
    },
  );
  api.delete(
    '/api/v1/keys/:id',
    {
      config: { access: 'admin' },
      schema: { params: z.strictObject({ id: KeyId }), response: { 204: z.null() } },
    },
    async ({ params }, reply) => {
      if (!(await store.revokeApiKey(params.id, instantText(clock.nowMs()))))
        throw new Refused('unknown_key');
      return reply.status(204).send(null);
    },
  );
}
