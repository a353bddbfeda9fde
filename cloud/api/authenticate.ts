/** Finds out who asks, from an API key, a session's cookie or a statement's link, and refuses what is not theirs. */
import type { FastifyRequest } from 'fastify';
import { isWrite } from '../../process/http-server.ts';
import { digestOf, sameSecret } from '../../process/secrets.ts';
import { GatewayScope, Scope } from '../../protocols/api.ts';
import { allows, type Principal } from '../access.ts';
import { Refused } from '../errors.ts';
import type { Api, ApiContext } from './context.ts';
import { statementOfToken } from './statement-links.ts';

export const SESSION_COOKIE = 'meterline_session';
const keyPattern = /^mlk_([0-9a-f]{8})_([A-Za-z0-9_-]{43})$/;
const anonymous: Principal = { kind: 'anonymous' };

export const principalOf = (request: FastifyRequest): Principal => request.principal ?? anonymous;

/** The session's token in the request's cookies. */
export function sessionToken(request: FastifyRequest): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === SESSION_COOKIE && value !== undefined) return value;
  }
  return null;
}

async function bearer(context: ApiContext, token: string): Promise<Principal> {
  const { store, adminKey } = context;
  if (adminKey !== null && sameSecret(token, adminKey))
    return { kind: 'key', id: 'environment', scopes: ['admin'] };
  const [, id, secret] = keyPattern.exec(token) ?? [];
  if (id === undefined || secret === undefined) {
    const statement = await statementOfToken(context, token);
    return statement === null ? anonymous : { kind: 'tenant' };
  }
  const key = await store.apiKey(id);
  if (key === null || !sameSecret(digestOf(secret), key.digest)) return anonymous;
  const [scope = ''] = key.scopes;
  if (GatewayScope.safeParse(scope).success)
    return { kind: 'gateway', id, gateway: scope.slice(scope.indexOf(':') + 1) };
  return { kind: 'key', id, scopes: key.scopes.map((one) => Scope.parse(one)) };
}

async function identify(context: ApiContext, request: FastifyRequest): Promise<Principal> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const [scheme, token] = authorization.split(' ', 2);
    return scheme === 'Bearer' && token !== undefined ? bearer(context, token) : anonymous;
  }
  const token = sessionToken(request);
  if (token === null) return anonymous;
  const open = await context.store.hasSession(digestOf(token), context.wallClock.nowMs());
  return open ? { kind: 'operator' } : anonymous;
}

/** Whether a browser says that a page of another origin made the request. Null: it is no browser, or it does not say. */
function crossSite({ headers }: FastifyRequest): boolean | null {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  if (headers.origin === undefined) return null;
  return URL.parse(headers.origin)?.host !== headers.host;
}

/** Adds the check that runs before anything of a request is read but its head. */
export function authenticate(api: Api, context: ApiContext): void {
  api.decorateRequest('principal', null);
  api.addHook('onRequest', async (request) => {
    const principal = await identify(context, request);
    request.principal = principal;
    const required = request.routeOptions.config.access;
    if (isWrite(request.method)) {
      const cross = crossSite(request);
      // A cookie comes along from wherever the request does: then silence about the origin is not enough.
      if (cross === true || (cross === null && principal.kind === 'operator'))
        throw new Refused('cross_site');
    }
    if (request.is404 || required === undefined) return refuseUnknown(request, principal);
    if (allows(principal, required)) return;
    if (principal.kind === 'anonymous') throw new Refused('unauthenticated');
    throw new Refused('forbidden', `this needs ${required}`);
  });
}

/** An address that does not exist says so only to those who may look around. */
function refuseUnknown(request: FastifyRequest, principal: Principal): void {
  if (!request.url.startsWith('/api/')) return;
  if (principal.kind === 'anonymous') throw new Refused('unauthenticated');
  if (principal.kind === 'tenant') throw new Refused('forbidden');
}
