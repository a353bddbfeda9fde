/** The audit trail: every write, and every refusal for want of rights, before its answer leaves. */
import type { FastifyRequest } from 'fastify';
import { isWrite } from '../../process/http-server.ts';
import { actorOf } from '../access.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';

/** Anybody can cause refusals: a flood of them may not fill the disk, nor hide those of another actor. */
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
  const refusals = new Map<string, number>();
  const withinBudget = (actor: string): boolean => {
    const now = Math.floor(wallClock.nowMs() / 60_000);
    if (now !== minute) refusals.clear();
    minute = now;
    const count = (refusals.get(actor) ?? 0) + 1;
    refusals.set(actor, count);
    return count <= refusalsPerMinute;
  };
  api.addHook('onSend', async (request, reply, payload) => {
    const status = reply.statusCode;
    const actor = actorOf(principalOf(request));
    const refused = audited.has(status);
    const write = isWrite(request.method) && status < 400 && request.routeOptions.config.unaudited !== true;
    if (write || (refused && withinBudget(actor)))
      await store.addAudit({
        at: instantText(clock.nowMs()),
        actor,
        address: request.ip,
        action: actionOf(request),
        outcome: request.refusal === null ? String(status) : `${status} ${request.refusal}`,
      });
    return payload;
  });
}
