/** `/api/v1/session`: the operator signs in with the password and gets a cookie that scripts cannot read. */
import { z } from 'zod';
import { digestOf, loginThrottle, mintToken, verifyPassword } from '../../process/secrets.ts';
import { SignIn } from '../../protocols/api.ts';
import { Refused } from '../errors.ts';
import { SESSION_COOKIE, sessionToken } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';

const sessionHours = 12;

export function sessionRoutes(api: Api, { store, wallClock, secureCookies }: ApiContext): void {
  const throttle = loginThrottle();
  const cookie = (token: string, seconds: number): string => {
    const secure = secureCookies ? '; Secure' : '';
    return `${SESSION_COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`;
  };

  api.get(
    '/api/v1/session',
    { config: { access: 'signed_in' }, schema: { response: { 204: z.null() } } },
    async (_, reply) => reply.status(204).send(null),
  );
  api.post(
    '/api/v1/session',
    { config: { access: 'open' }, schema: { body: SignIn, response: { 204: z.null() } } },
    async (request, reply) => {
      const nowMs = wallClock.nowMs();
      const { admitted, retryAfterSeconds } = throttle.admit(request.ip, nowMs);
      if (!admitted) {
        reply.header('retry-after', retryAfterSeconds);
        throw new Refused('too_many_attempts');
      }
      const hash = await store.operatorPasswordHash();
      if (hash === null || !(await verifyPassword(request.body.password, hash)))
        throw new Refused('wrong_password');
      throttle.succeeded(request.ip);
      const token = mintToken();
      await store.openSession(digestOf(token), nowMs + sessionHours * 3_600_000, nowMs);
      return reply
        .status(204)
        .header('set-cookie', cookie(token, sessionHours * 3600))
        .send(null);
    },
  );
  api.delete(
    '/api/v1/session',
    { config: { access: 'signed_in' }, schema: { response: { 204: z.null() } } },
    async (request, reply) => {
      const token = sessionToken(request);
      if (token !== null) await store.endSession(digestOf(token));
      return reply.status(204).header('set-cookie', cookie('', 0)).send(null);
    },
  );
}
