/**
 * What the bearer of a statement's link may see: that statement, and the curves of the lease's own meters within the
 * lease's own dates. Whatever else is asked for is answered as if it did not exist.
 */
import { z } from 'zod';
import { Confirmation, Curve, TenantView } from '../../protocols/api.ts';
import { Id } from '../../protocols/reading.ts';
import type { Statement } from '../../protocols/statement.ts';
import { Refused } from '../errors.ts';
import type { StatementDocument } from '../store/port/billing.ts';
import type { Api, ApiContext } from './context.ts';
import { billingUnit } from './meter-summaries.ts';
import { curveOf } from './meters.ts';
import { dayStartMs, instantText, spanOf, spanText } from './query.ts';
import { linkToken, statementOfToken } from './statement-links.ts';

const byToken = z.strictObject({ token: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'not a link of ours') });

/** The meters that only this lease is billed by; those of shared facilities are not its own. */
function ownMeters({ lines }: Statement): Set<string> {
  return new Set(lines.flatMap(({ basis }) => (basis.kind === 'own' ? basis.meters : [])));
}

/** The part of `[fromMs, toMs)` in which the lease ran. */
function withinLease({ head }: Statement, span: { fromMs: number; toMs: number }) {
  const fromMs = Math.max(span.fromMs, dayStartMs(head.from, head.timeZone));
  const toMs = Math.min(span.toMs, dayStartMs(head.to, head.timeZone));
  return toMs > fromMs ? { fromMs, toMs } : null;
}

export function tenantRoutes(api: Api, context: ApiContext): void {
  const { store, park, clock } = context;
  const open = async (token: string): Promise<StatementDocument> => {
    const statement = await statementOfToken(context, token);
    if (statement === null) throw new Refused('unknown_link');
    return statement;
  };
  /** Whoever holds the link of a statement may see what has become of it. */
  const replacement = async ({ correctedBy }: StatementDocument): Promise<string | null> => {
    if (correctedBy === null) return null;
    const generation = (await store.renewedLinks())[correctedBy] ?? 0;
    return `/s/${linkToken(context, correctedBy, generation)}`;
  };
  const view = async (statement: StatementDocument): Promise<TenantView> => ({
    replacedBy: await replacement(statement),
    issuer: (JSON.parse(statement.json) as Statement).head.issuer,
    statement: statement.id,
    digest: statement.digest,
    confirmedAt: statement.confirmedAt,
  });

  api.get(
    '/api/v1/tenant/:token',
    { config: { access: 'tenant' }, schema: { params: byToken, response: { 200: TenantView } } },
    async ({ params }) => view(await open(params.token)),
  );
  api.get(
    '/api/v1/tenant/:token/statement',
    { config: { access: 'tenant' }, schema: { params: byToken } },
    async ({ params }, reply) => reply.type('application/json').send((await open(params.token)).json),
  );
  api.get(
    '/api/v1/tenant/:token/curve',
    {
      config: { access: 'tenant', weakEtag: true },
      schema: {
        params: byToken,
        querystring: z.strictObject({ meter: Id, ...spanText }),
        response: { 200: Curve },
      },
    },
    async ({ params, query }): Promise<Curve> => {
      const statement = JSON.parse((await open(params.token)).json) as Statement;
      const meter = park.meters.find(({ id }) => id === query.meter);
      if (meter === undefined || !ownMeters(statement).has(meter.id)) throw new Refused('unknown_meter');
      const asked = spanOf(query);
      const span = withinLease(statement, asked);
      if (span !== null) return curveOf(context, meter, span);
      const nowhere = instantText(asked.fromMs);
      return { meter: meter.id, unit: billingUnit(meter), from: nowhere, to: nowhere, intervals: [] };
    },
  );
  api.post(
    '/api/v1/tenant/:token/confirm',
    {
      config: { access: 'tenant' },
      schema: { params: byToken, body: Confirmation, response: { 200: TenantView } },
    },
    async ({ params, body }) => {
      const statement = await open(params.token);
      const at = instantText(clock.nowMs());
      const confirmed = await store.confirmStatement({ id: statement.id, digest: body.digest, at });
      if (!confirmed.ok) throw new Refused(confirmed.code);
      return { ...(await view(statement)), confirmedAt: confirmed.confirmedAt };
    },
  );
}
