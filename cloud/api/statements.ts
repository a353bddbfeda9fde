/** `/api/v1/statements`: the list with the tenants' links, and each statement's file exactly as it was signed. */
import { z } from 'zod';
import { digestOf } from '../../process/secrets.ts';
import { PeriodText, page, StatementSummary } from '../../protocols/api.ts';
import { Id } from '../../protocols/reading.ts';
import { allows } from '../access.ts';
import { Refused } from '../errors.ts';
import type { StatementRow } from '../store/port/billing.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { linkToken } from './statement-links.ts';

const byId = z.strictObject({ id: Id });

const summary = ({ publicUrl }: ApiContext, row: StatementRow, token: string | null): StatementSummary => ({
  id: row.id,
  lease: row.lease,
  tenant: row.tenant,
  period: row.period,
  from: row.from,
  to: row.to,
  gross: row.gross,
  currency: 'CNY',
  confirmedAt: row.confirmedAt,
  correctedBy: row.correctedBy,
  link: token === null ? null : `${publicUrl ?? ''}/s/${token}`,
});

export function statementRoutes(api: Api, context: ApiContext): void {
  const { store } = context;
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
      const renewed = await store.renewedLinks();
      const tokenOf = ({ id }: StatementRow) => (staff ? linkToken(context, id, renewed[id] ?? 0) : null);
      return { items: rows.map((row) => summary(context, row, tokenOf(row))), next: null };
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
  api.post(
    '/api/v1/statements/:id/link',
    { config: { access: 'admin' }, schema: { params: byId, response: { 201: StatementSummary } } },
    async ({ params }, reply) => {
      const statement = await store.statement(params.id);
      if (statement === null) throw new Refused('unknown_statement');
      const generation = ((await store.renewedLinks())[statement.id] ?? 0) + 1;
      const token = linkToken(context, statement.id, generation);
      if (!(await store.renewLink(statement.id, generation, digestOf(token)))) throw new Refused('busy');
      return reply.status(201).send(summary(context, statement, token));
    },
  );
}
