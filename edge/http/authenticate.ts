/**
 * Who may ask: whoever knows the password, by a session's cookie or as a bearer; without one this machine alone. A page
 * of another site gets nothing done, whatever the browser sends along.
 */
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isWrite } from '../../process/http-server.ts';
import { digestOf, loginThrottle, mintToken, sameSecret } from '../../process/secrets.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { EdgeRefused } from './problems.ts';

const COOKIE = 'meterline_edge';
const SESSION_MS = 12 * 3_600_000;
/** The oldest goes first. */
const MOST_SESSIONS = 100;

/** Whether a browser says that a page of another origin made the request. Null: it is no browser, or it does not say. */
function crossSite({ headers }: FastifyRequest): boolean | null {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin';
  if (headers.origin === undefined) return null;
  return URL.parse(headers.origin)?.host !== headers.host;
}

/** A name that some server of the internet may have turned to this machine; an address or `localhost` is none. */
function isForeignName(host: string | undefined): boolean {
  const name = URL.parse(`http://${host ?? ''}`)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  return name !== 'localhost' && isIP(name) === 0;
}

function cookieOf(request: FastifyRequest): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === COOKIE && value !== undefined) return value;
  }
  return null;
}

/** Sessions and the guesses at the password: in memory, gone with the process. */
class Door {
  readonly #sessions = new Map<string, number>();
  readonly #throttle = loginThrottle();
  readonly #verify: (password: string) => Promise<boolean>;
  /** Of the password, once it was right: a bearer then costs no slow hash. */
  #passwordDigest: string | null = null;

  constructor(verify: (password: string) => Promise<boolean>) {
    this.#verify = verify;
  }

  /**
   * From an address that is shut out no password is looked at, not the right one either: else who guesses would be told
   * it. A session opened before goes on, whatever is guessed beside it.
   * @throws EdgeRefused `too_many_attempts` @returns whether it is the password
   */
  async tries(password: string, address: string, nowMs: number): Promise<boolean> {
    // Counted before it is looked at: else a right guess would pass where wrong ones are no longer heard.
    const { admitted, retryAfterSeconds } = this.#throttle.admit(address, nowMs);
    if (!admitted) throw new EdgeRefused('too_many_attempts', `try again in ${retryAfterSeconds} s`);
    if (!this.#isKnown(password) && !(await this.#verify(password))) return false;
    // The wrong ones stay counted: else a bearer that asks every few seconds would let its neighbour guess on and on.
    this.#throttle.takeBack(address);
    this.#passwordDigest = digestOf(password);
    return true;
  }

  #isKnown(password: string): boolean {
    return this.#passwordDigest !== null && sameSecret(digestOf(password), this.#passwordDigest);
  }

  openSession(nowMs: number): string {
    const token = mintToken();
    for (const [digest, endMs] of this.#sessions)
      if (endMs <= nowMs || this.#sessions.size >= MOST_SESSIONS) this.#sessions.delete(digest);
    this.#sessions.set(digestOf(token), nowMs + SESSION_MS);
    return token;
  }

  hasSession(token: string, nowMs: number): boolean {
    return (this.#sessions.get(digestOf(token)) ?? 0) > nowMs;
  }

  endSession(token: string): void {
    this.#sessions.delete(digestOf(token));
  }
}

export function authenticate(api: EdgeApi, { verifyPassword }: EdgeApiContext): void {
  const door = verifyPassword === null ? null : new Door(verifyPassword);
  api.addHook('onRequest', async (request) => {
    const { reach } = request.routeOptions.config;
    const cookie = cookieOf(request);
    if (isWrite(request.method)) {
      const cross = crossSite(request);
      // A cookie comes along from wherever the request does: then silence about the origin is not enough.
      if (cross === true || (cross === null && cookie !== null)) throw new EdgeRefused('cross_site');
    }
    // Without a password the address is all that protects: it must have been asked for by its own name.
    if (door === null && isForeignName(request.headers.host)) throw new EdgeRefused('foreign_host');
    if (door === null || reach === 'open' || (request.is404 && !request.url.startsWith('/api/'))) return;
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const [, secret] = /^Bearer (.+)$/.exec(authorization) ?? [];
      if (secret !== undefined && (await door.tries(secret, request.ip, Date.now()))) return;
      throw new EdgeRefused('unauthenticated', 'not the password of this gateway');
    }
    if (cookie === null || !door.hasSession(cookie, Date.now())) throw new EdgeRefused('unauthenticated');
  });
  sessionRoutes(api, door);
}

function sessionRoutes(api: EdgeApi, door: Door | null): void {
  const cookie = (token: string, seconds: number): string =>
    `${COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;
  const nothing = { response: { 204: z.null() } };

  api.get('/api/v1/session', { config: { reach: 'signed_in' }, schema: nothing }, async (_, reply) =>
    reply.status(204).send(null),
  );
  api.post(
    '/api/v1/session',
    {
      config: { reach: 'open' },
      schema: { ...nothing, body: z.strictObject({ password: z.string().min(1).max(200) }) },
    },
    async (request, reply) => {
      const nowMs = Date.now();
      if (door === null) return reply.status(204).send(null);
      if (!(await door.tries(request.body.password, request.ip, nowMs)))
        throw new EdgeRefused('wrong_password');
      return reply
        .status(204)
        .header('set-cookie', cookie(door.openSession(nowMs), SESSION_MS / 1000))
        .send(null);
    },
  );
  api.delete(
    '/api/v1/session',
    { config: { reach: 'signed_in' }, schema: nothing },
    async (request, reply) => {
      door?.endSession(cookieOf(request) ?? '');
      return reply.status(204).header('set-cookie', cookie('', 0)).send(null);
    },
  );
}
