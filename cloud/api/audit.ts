/** The audit trail: every write, and every refusal for want of rights, before its answer leaves. */
import type { FastifyRequest } from 'fastify';
import { actorOf } from '../access.ts';
import { isWrite, principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';

/** Anybody can cause refusals: a flood of them may not fill the disk, nor keep the store busy. */
const refusalsPerMinute = 60;
const audited = new Set([401, 403, 429]);

/** Method and address with its ids, but without a link's token. */
function actionOf(request: FastifyRequest): string {
  if (request.routeOptions.url === undefined) return `${request.method} (no such address)`;
  const params = request.params as Record<string, string>;
  const path = request.routeOptions.url.replace(/:(\w+)/g, (pattern, name: string) =>
    name === 'token' ? pattern : (params[name] ?? pattern),
  );
  return `${request.method} ${path}`.slice(0, 300);
}

export function audit(api: Api, { store, clock, wallClock }: ApiContext): void {
  let minute = 0;
  let refusals = 0;
  const withinBudget = (): boolean => {
    const now = Math.floor(wallClock.nowMs() / 60_000);
    if (now !== minute) [minute, refusals] = [now, 0];
    refusals += 1;
    return refusals <= refusalsPerMinute;
  };
  api.addHook('onSend', async (request, reply, payload) => {
    const status = reply.statusCode;
    const refused = audited.has(status);
    const write = isWrite(request.method) && status < 400;
    if (write || (refused && withinBudget()))
      await store.addAudit({
        at: instantText(clock.nowMs()),
        actor: actorOf(principalOf(request)),
        address: request.ip,
        action: actionOf(request),
        outcome: request.refusal === null ? String(status) : `${status} ${request.refusal}`,
      });
    return payload;
  });
}
