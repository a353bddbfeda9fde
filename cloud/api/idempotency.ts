/**
 * Idempotency-Key on POST: a request that comes again under its key is not worked on again but given the first answer.
 * The key belongs to its actor and path; with another body it is refused, and so is a twin that is still under way.
 */
import type { FastifyRequest } from 'fastify';
import { digestOf } from '../../process/secrets.ts';
import { actorOf } from '../access.ts';
import { Refused } from '../errors.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';

interface Keyed {
  actor: string;
  path: string;
  key: string;
}

function keyed(request: FastifyRequest): Keyed | null {
  const key = request.headers['idempotency-key'];
  const principal = principalOf(request);
  if (request.method !== 'POST' || key === undefined) return null;
  // Signing in and confirming are open to whoever holds the secret: there, keys of strangers could meet.
  if (principal.kind === 'anonymous' || principal.kind === 'tenant') return null;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(key))
    throw new Refused('invalid_request', 'Idempotency-Key: 1 to 128 printable characters');
  return { actor: actorOf(principal), path: request.url, key };
}

export function honourIdempotencyKeys(api: Api, { store, wallClock }: ApiContext): void {
  const underWay = new Map<string, string>();
  /** The requests that are to be remembered when they are answered. */
  const mine = new WeakMap<FastifyRequest, { keyed: Keyed; bodyDigest: string; name: string }>();

  // After validation: the body is then in the order of its schema, whatever order it was sent in.
  api.addHook('preHandler', async (request, reply) => {
    const wanted = keyed(request);
    if (wanted === null) return;
    const bodyDigest = digestOf(JSON.stringify(request.body ?? null));
    const name = JSON.stringify(wanted);
    const running = underWay.get(name);
    const first =
      running === undefined ? await store.answeredRequest(wanted.actor, wanted.path, wanted.key) : null;
    if ((running ?? first?.bodyDigest ?? bodyDigest) !== bodyDigest)
      throw new Refused('idempotency_conflict');
    // Asked again: another request may have come in between while the store was asked.
    if (underWay.has(name)) throw new Refused('request_in_progress');
    if (first !== null) {
      const type = first.status < 400 ? 'application/json' : 'application/problem+json';
      return reply.status(first.status).type(type).header('idempotency-replayed', 'true').send(first.answer);
    }
    underWay.set(name, bodyDigest);
    mine.set(request, { keyed: wanted, bodyDigest, name });
  });

  api.addHook('onSend', async (request, reply, payload) => {
    const own = mine.get(request);
    if (own === undefined) return payload;
    try {
      // A fault of ours, and what may be otherwise in a moment, is worth another try under the same key.
      if (typeof payload === 'string' && reply.statusCode < 500 && reply.statusCode !== 409)
        await store.keepAnswer(
          own.keyed,
          {
            bodyDigest: own.bodyDigest,
            status: reply.statusCode,
            answer: request.routeOptions.config.replay?.(payload) ?? payload,
          },
          wallClock.nowMs(),
        );
    } finally {
      mine.delete(request);
      underWay.delete(own.name);
    }
    return payload;
  });
}
