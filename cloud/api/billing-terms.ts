/** `/api/v1/billing-terms`: what the park bills by, all versions, as the park document has it. Read-only: a change is a new document. */
import { BillingTermsView } from '../../protocols/billing-api.ts';
import type { Api, ApiContext } from './context.ts';

export function billingTermsRoutes(api: Api, { park }: ApiContext): void {
  api.get(
    '/api/v1/billing-terms',
    { config: { access: 'charges:read' }, schema: { response: { 200: BillingTermsView } } },
    async () => ({
      timeZone: park.timeZone,
      tariffs: park.tariffs,
      rules: park.rules ?? [],
      pools: park.pools,
      sourceBills: park.sourceBills,
      signatures: park.leases.flatMap(({ id: lease, tenant, signed = [] }) =>
        signed.map(({ rule, version, on }) => ({ rule, version, lease, tenant, on })),
      ),
    }),
  );
}
