/** `/api/v1/credits`: what a lease owes less. One asks, another approves; it is posted with the next run or correction. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { page } from '../../protocols/api.ts';
import { Credit, CreditDecision, NewCredit } from '../../protocols/billing-api.ts';
import { formatMinor, minor } from '../../protocols/units.ts';
import { actorOf } from '../access.ts';
import { Refused } from '../errors.ts';
import type { CreditRow } from '../store/port/cases.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';

const byId = z.strictObject({ id: z.string().regex(/^(d-)?[0-9a-f]{12}$/, 'not the id of a credit') });

const shown = ({ grossMinor, ...row }: CreditRow): Credit => ({ ...row, gross: formatMinor(grossMinor) });

export function creditRoutes(api: Api, { store, clock }: ApiContext): void {
  const one = async (id: string): Promise<CreditRow> => {
    const row = (await store.credits()).find((credit) => credit.id === id);
    if (row === undefined) throw new Refused('unknown_credit');
    return row;
  };
  api.get(
    '/api/v1/credits',
    { config: { access: 'charges:read' }, schema: { response: { 200: page(Credit) } } },
    async () => ({ items: (await store.credits()).map(shown), next: null }),
  );
  api.post(
    '/api/v1/credits',
    { config: { access: 'billing:run' }, schema: { body: NewCredit, response: { 201: Credit } } },
    async (request, reply) => {
      const { charge: key, gross, reason } = request.body;
      const charge = await store.charge(key);
      if (charge === null || charge.lease === null) throw new Refused('unknown_charge');
      const left = (await store.credits())
        .filter((credit) => credit.charge === key && credit.state !== 'refused')
        .reduce((sum, { grossMinor }) => sum - grossMinor, minor(charge.gross) as bigint);
      if (minor(gross) <= 0n || minor(gross) > left)
        throw new Refused('credit_refused', `of the charge ${formatMinor(left)} is not credited yet`);
      const id = randomBytes(6).toString('hex');
      await store.requestCredit({
        ...{ id, charge: key, dispute: null, grossMinor: minor(gross), reason },
        ...{ requestedBy: actorOf(principalOf(request)), requestedAt: instantText(clock.nowMs()) },
      });
      return reply.status(201).send(shown(await one(id)));
    },
  );
  api.post(
    '/api/v1/credits/:id/decision',
    {
      config: { access: 'billing:run' },
      schema: { params: byId, body: CreditDecision, response: { 200: Credit } },
    },
    async (request) => {
      const credit = await one(request.params.id);
      const actor = actorOf(principalOf(request));
      const { approved } = request.body;
      if (approved && credit.requestedBy === actor) throw new Refused('own_approval');
      const at = instantText(clock.nowMs());
      if (!(await store.decideCredit({ credit: credit.id, approved, actor, at })))
        throw new Refused('already_decided');
      return shown(await one(credit.id));
    },
  );
}
