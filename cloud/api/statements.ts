/** `/api/v1/statements`: the list with the tenants' links, and each statement's file exactly as it was signed. */
import { z } from 'zod';
import { PeriodText, page, StatementSummary } from '../../protocols/api.ts';
import { Id } from '../../protocols/reading.ts';
import { allows, mintToken } from '../access.ts';
import { Refused } from '../errors.ts';
import type { StatementRow } from '../store/sqlite/billing.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';

/** A tenant may come back to a statement for two years. */
const linkLifeMs = 2 * 365 * 86_400_000;
const byId = z.strictObject({ id: Id });

const summary = (row: StatementRow, token: string | undefined): StatementSummary => ({
  id: row.id,
  lease: row.lease,
  tenant: row.tenant,
  period: row.period,
  from: row.from,
  to: row.to,
  gross: row.gross,
  currency: 'CNY',
  confirmedAt: row.confirmedAt,
  link: token === undefined ? null : `/s/${token}`,
});

export function statementRoutes(api: Api, { store, wallClock }: ApiContext): void {
  api.get(
    '/api/v1/statements',
    {
      config: { access: 'statements:read' },
      schema: {
        querystring: z.strictObject({ period: PeriodText.optional(), lease: Id.optional() }),
        response: { 200: page(StatementSummary) },
      },
    },
    async (request) => {
      const { period = null, lease = null } = request.query;
      const rows = await store.statements({ period, lease });
      // Whoever holds a link may confirm in the tenant's name: it is not for every key that may read.
      const staff = allows(principalOf(request), 'admin');
      const nowMs = wallClock.nowMs();
      const wanted = rows.map(({ id }) => ({ statement: id, freshToken: mintToken() }));
      const links = staff ? await store.statementLinks(wanted, nowMs, nowMs + linkLifeMs) : {};
      return { items: rows.map((row) => summary(row, links[row.id])), next: null };
    },
  );
  api.get(
    '/api/v1/statements/:id',
    { config: { access: 'statements:read', weakEtag: true }, schema: { params: byId } },
    async ({ params }, reply) => {
      const statement = await store.statement(params.id);
      if (statement === null) throw new Refused('unknown_statement');
      return reply
        .type('application/json')
        .header('content-disposition', `attachment; filename="${statement.id}.json"`)
        .send(statement.json);
    },
  );
  api.delete(
    '/api/v1/statements/:id/link',
    { config: { access: 'admin' }, schema: { params: byId, response: { 204: z.null() } } },
    async ({ params }, reply) => {
      if (!(await store.revokeStatementLink(params.id))) throw new Refused('unknown_link');
      return reply.status(204).send(null);
    },
  );
}
