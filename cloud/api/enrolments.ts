/** `/api/v1/enrolments`: codes with which gateways get their certificates, and the renewal of these. */
import { z } from 'zod';
import { loginThrottle } from '../../process/secrets.ts';
import { EnrolmentClaim, EnrolmentGrant, EnrolmentRenewal } from '../../protocols/enrolment.ts';
import { Id, InstantText } from '../../protocols/reading.ts';
import {
  claimCode,
  createCode,
  type Enrolment,
  type EnrolmentResult,
  renew,
} from '../certificates/enrolment.ts';
import { Refused } from '../errors.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';

const Code = z.strictObject({ gateway: Id, code: z.string().nullable(), expiresAt: InstantText });

/** An answer that is kept for repeated requests must not hold the code. */
const withoutCode = (answer: string): string =>
  JSON.stringify({ ...(JSON.parse(answer) as z.infer<typeof Code>), code: null });

export function enrolmentRoutes(api: Api, { enrolment, wallClock }: ApiContext): void {
  const throttle = loginThrottle();
  const offered = (): Enrolment => {
    if (enrolment === null) throw new Refused('no_enrolment');
    return enrolment;
  };
  /** Guesses are counted by address, before anything is looked at. */
  const admitted = async (address: string, work: (nowMs: number) => Promise<EnrolmentResult>) => {
    const nowMs = wallClock.nowMs();
    const own = offered();
    if (!throttle.admit(address, nowMs).admitted) throw new Refused('too_many_attempts');
    const result = await work(nowMs);
    if (!result.ok) throw new Refused(result.code, result.detail);
    throttle.succeeded(address);
    return { ...result.enrolled, broker: own.broker };
  };

  api.post(
    '/api/v1/enrolments',
    {
      config: { access: 'admin', replay: withoutCode },
      schema: { body: z.strictObject({ gateway: Id }), response: { 201: Code } },
    },
    async ({ body: { gateway } }, reply) => {
      const { code, expiresAtMs } = createCode(offered().authority, gateway, wallClock.nowMs());
      return reply.status(201).send({ gateway, code, expiresAt: instantText(expiresAtMs) });
    },
  );
  api.post(
    '/api/v1/enrolments/claim',
    { config: { access: 'open' }, schema: { body: EnrolmentClaim, response: { 200: EnrolmentGrant } } },
    ({ body, ip }) => admitted(ip, (nowMs) => claimCode(offered(), body, nowMs)),
  );
  api.post(
    '/api/v1/enrolments/renew',
    { config: { access: 'open' }, schema: { body: EnrolmentRenewal, response: { 200: EnrolmentGrant } } },
    ({ body, ip }) => admitted(ip, (nowMs) => renew(offered(), body, nowMs)),
  );
}
