/** A statement as PDF, for staff and for its tenant. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Id } from '../../protocols/reading.ts';
import type { Statement } from '../../protocols/statement.ts';
import { Refused } from '../errors.ts';
import { MissingGlyphError } from '../pdf/sheet.ts';
import { statementPdf } from '../pdf/statement-pdf.ts';
import type { StatementDocument } from '../store/port/billing.ts';
import type { Api, ApiContext } from './context.ts';
import { linkToken, statementOfToken } from './statement-links.ts';

export function statementPdfRoutes(api: Api, context: ApiContext): void {
  const { store, publicUrl } = context;
  const send = async (reply: FastifyReply, { id, json, digest }: StatementDocument) => {
    const generation = (await store.renewedLinks())[id] ?? 0;
    const url = publicUrl === null ? null : `${publicUrl}/s/${linkToken(context, id, generation)}`;
    try {
      const pdf = await statementPdf({ statement: JSON.parse(json) as Statement, digest, url });
      return reply
        .type('application/pdf')
        .header('content-disposition', `inline; filename="${id}.pdf"`)
        .send(pdf);
    } catch (error) {
      if (error instanceof MissingGlyphError) throw new Refused('missing_glyph', error.message);
      throw error;
    }
  };
  api.get(
    '/api/v1/statements/:id/pdf',
    // It shows the tenant's link, with which one may confirm in the tenant's name.
    { config: { access: 'admin' }, schema: { params: z.strictObject({ id: Id }) } },
    async ({ params }, reply) => {
      const statement = await store.statement(params.id);
      if (statement === null) throw new Refused('unknown_statement');
      return send(reply, statement);
    },
  );
  api.get(
    '/api/v1/tenant/:token/statement.pdf',
    {
      config: { access: 'tenant' },
      schema: {
        params: z.strictObject({ token: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'not a link of ours') }),
      },
    },
    async ({ params }, reply) => {
      const statement = await statementOfToken(context, params.token);
      if (statement === null) throw new Refused('unknown_link');
      return send(reply, statement);
    },
  );
}
