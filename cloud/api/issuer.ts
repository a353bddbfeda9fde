/** The keys and digests that anybody verifies statements with: they show nobody's figures, and are open to all. */
import { ChainDigests, IssuerKeys } from '../../protocols/billing-api.ts';
import { issuerKeys } from '../issuer-keys.ts';
import type { Api, ApiContext } from './context.ts';

export function issuerRoutes(api: Api, { store, park, rotateKey }: ApiContext): void {
  for (const url of ['/.well-known/meterline-issuer.json', '/api/v1/issuer-keys'])
    api.get(url, { config: { access: 'open' }, schema: { response: { 200: IssuerKeys } } }, () =>
      issuerKeys(store, park),
    );
  api.get(
    '/api/v1/statement-chain',
    { config: { access: 'open' }, schema: { response: { 200: ChainDigests } } },
    async () => ({ digests: (await store.statementChain()).map(({ digest }) => digest) }),
  );
  api.post(
    '/api/v1/issuer-keys',
    { config: { access: 'admin' }, schema: { response: { 201: IssuerKeys } } },
    async (_, reply) => {
      await rotateKey();
      return reply.status(201).send(await issuerKeys(store, park));
    },
  );
}
