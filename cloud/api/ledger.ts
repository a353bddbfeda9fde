/** `/api/v1/ledger`: accounts, the reconciliation of bills, outbox and ledger, its alarms, and the rules by which charges find accounts. */
import { z } from 'zod';
import { page } from '../../protocols/api.ts';
import { BooksReport, LedgerAccount, LedgerAlarm } from '../../protocols/billing-api.ts';
import { formatMinor } from '../../protocols/units.ts';
import { actorOf } from '../access.ts';
import { rulesInForce } from '../jobs/close-period.ts';
import { reconcileBooks } from '../jobs/reconcile-books.ts';
import { PostingRules } from '../ledger/posting-rules.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';

export function ledgerRoutes(api: Api, { store, clock }: ApiContext): void {
  api.get(
    '/api/v1/ledger/accounts',
    { config: { access: 'charges:read' }, schema: { response: { 200: page(LedgerAccount) } } },
    async () => ({
      items: (await store.ledgerTotals()).map(({ account, amountMinor }) => ({
        account,
        balance: formatMinor(BigInt(amountMinor)),
      })),
      next: null,
    }),
  );
  api.get(
    '/api/v1/ledger/reconciliation',
    { config: { access: 'charges:read' }, schema: { response: { 200: BooksReport } } },
    () => reconcileBooks(store),
  );
  api.get(
    '/api/v1/ledger/alarms',
    { config: { access: 'charges:read' }, schema: { response: { 200: page(LedgerAlarm) } } },
    async () => ({ items: await store.ledgerAlarms(200), next: null }),
  );
  api.get(
    '/api/v1/ledger/posting-rules',
    { config: { access: 'charges:read' }, schema: { response: { 200: PostingRules } } },
    () => rulesInForce(store),
  );
  api.put(
    '/api/v1/ledger/posting-rules',
    {
      config: { access: 'admin' },
      schema: { body: PostingRules, response: { 200: z.strictObject({ version: z.int() }) } },
    },
    async (request) => {
      const actor = actorOf(principalOf(request));
      await store.putPostingRules({
        json: JSON.stringify(request.body),
        at: instantText(clock.nowMs()),
        actor,
      });
      return { version: (await store.postingRules())?.version ?? 0 };
    },
  );
}
