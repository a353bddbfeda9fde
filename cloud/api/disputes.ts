/** `/api/v1/disputes`: lines of statements that tenants contest. The line is held until somebody decides; the rest of the statement is due. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { page } from '../../protocols/api.ts';
import { Dispute, DisputeDecision, NewDispute } from '../../protocols/billing-api.ts';
import type { Statement, StatementLine } from '../../protocols/statement.ts';
import { minor } from '../../protocols/units.ts';
import { actorOf } from '../access.ts';
import { Refused } from '../errors.ts';
import { eventId } from '../jobs/issue-run.ts';
import type { StatementDocument } from '../store/port/billing.ts';
import type { DisputeRow } from '../store/port/cases.ts';
import type { Store } from '../store/store.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';
import { statementOfToken } from './statement-links.ts';

const byId = z.strictObject({ id: z.string().regex(/^[0-9a-f]{12}$/, 'not the id of a dispute') });
const byToken = z.strictObject({ token: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'not a link of ours') });

const lineOf = ({ json }: Pick<StatementDocument, 'json'>, line: string): StatementLine | undefined =>
  (JSON.parse(json) as Statement).lines.find(({ id }) => id === line);

/** With the amount that is held. */
async function shown(store: Store, row: DisputeRow): Promise<Dispute> {
  const statement = await store.statement(row.statement);
  const line = statement === null ? undefined : lineOf(statement, row.line);
  return { ...row, gross: line?.gross ?? '0.00' };
}

/** External ledgers are told to hold the line, and when to let it go. */
async function tell(store: Store, state: 'held' | 'released', dispute: Dispute, time: string): Promise<void> {
  const type = `meterline.line.${state}`;
  const { id, statement, lease, period, line, gross, state: decided } = dispute;
  const data = JSON.stringify({ dispute: id, statement, lease, period, line, gross, state: decided });
  await store.tellEvents([{ id: eventId(type, id), type, subject: `${statement}#${line}`, time, data }]);
}

export function disputeRoutes(api: Api, context: ApiContext): void {
  const { store, clock } = context;
  const now = (): string => instantText(clock.nowMs());
  const open = async (token: string): Promise<StatementDocument> => {
    const statement = await statementOfToken(context, token);
    if (statement === null) throw new Refused('unknown_link');
    return statement;
  };
  const ofStatement = async (statement: string | null): Promise<Dispute[]> =>
    Promise.all((await store.disputes({ statement })).map((row) => shown(store, row)));

  api.get(
    '/api/v1/tenant/:token/disputes',
    { config: { access: 'tenant' }, schema: { params: byToken, response: { 200: page(Dispute) } } },
    async ({ params }) => ({ items: await ofStatement((await open(params.token)).id), next: null }),
  );
  api.post(
    '/api/v1/tenant/:token/disputes',
    {
      config: { access: 'tenant' },
      schema: { params: byToken, body: NewDispute, response: { 201: Dispute } },
    },
    async ({ params, body }, reply) => {
      const statement = await open(params.token);
      if (lineOf(statement, body.line) === undefined) throw new Refused('unknown_line');
      const id = randomBytes(6).toString('hex');
      const at = now();
      if (!(await store.openDispute({ id, statement: statement.id, openedAt: at, ...body })))
        throw new Refused('already_disputed');
      const row = await store.dispute(id);
      if (row === null) throw new Refused('internal');
      const dispute = await shown(store, row);
      await tell(store, 'held', dispute, at);
      return reply.status(201).send(dispute);
    },
  );
  api.get(
    '/api/v1/disputes',
    { config: { access: 'statements:read' }, schema: { response: { 200: page(Dispute) } } },
    async () => ({ items: await ofStatement(null), next: null }),
  );
  api.post(
    '/api/v1/disputes/:id/decision',
    {
      config: { access: 'billing:run' },
      schema: { params: byId, body: DisputeDecision, response: { 200: Dispute } },
    },
    async (request) => {
      const { params, body } = request;
      const row = await store.dispute(params.id);
      if (row === null) throw new Refused('unknown_dispute');
      const actor = actorOf(principalOf(request));
      const at = now();
      const charge = body.credit === undefined ? null : await chargeToCredit(store, row, body.credit);
      const state = charge === null ? 'rejected' : 'credited';
      if (!(await store.decideDispute({ dispute: row.id, state, reason: body.reason, actor, at })))
        throw new Refused('already_decided');
      if (charge !== null && body.credit !== undefined)
        await store.requestCredit({
          ...{ id: `d-${row.id}`, charge, dispute: row.id, grossMinor: minor(body.credit) },
          ...{ reason: body.reason, requestedBy: actor, requestedAt: at },
        });
      const dispute = await shown(store, { ...row, state, decision: { reason: body.reason, actor, at } });
      await tell(store, 'released', dispute, at);
      return dispute;
    },
  );
}

/** Key of the line's charge. @throws Refused where the line is charged no such amount */
async function chargeToCredit(store: Store, row: DisputeRow, credit: string): Promise<string> {
  const statement = await store.statement(row.statement);
  const line = statement === null ? undefined : lineOf(statement, row.line);
  if (statement === null || line === undefined) throw new Refused('unknown_line');
  const charges = await store.chargesForService(row.period);
  const charge = charges.findLast(
    (one) =>
      one.lease === row.lease &&
      one.utility === line.utility &&
      one.component === line.component &&
      one.pool === line.pool &&
      (one.kind === 'charge' || one.kind === 'rebill'),
  );
  if (charge === undefined) throw new Refused('unknown_charge');
  if (minor(credit) <= 0n || minor(credit) > minor(charge.gross))
    throw new Refused(
      'credit_refused',
      `the line is ${charge.gross}: a credit is more than zero and no more than that`,
    );
  return charge.key;
}
