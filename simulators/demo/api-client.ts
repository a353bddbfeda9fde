/** A client of the cloud's HTTP API, as a billing service would write it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { Problem } from '../../protocols/api.ts';

/** The service refused; `code` is the problem's. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly code: string;
  constructor(request: string, problem: Problem) {
    super(`${request}: ${problem.code}: ${problem.detail}`);
    this.code = problem.code;
  }
}

export interface ApiClient {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** The body exactly as it is sent. */
  bytes(path: string): Promise<Uint8Array>;
  /** Safe to repeat: every call carries an idempotency key. */
  post<T>(path: string, body: object, schema: z.ZodType<T>): Promise<T>;
}

const patienceMs = 30_000;
const pauseMs = 200;

/** A service that is just being restarted is waited for. */
export function createApiClient(baseUrl: string, key: string): ApiClient {
  async function request(method: string, path: string, body?: object): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${key}` };
    if (body !== undefined) {
      headers['content-type'] = 'application/json';
      headers['idempotency-key'] = randomUUID();
    }
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        const payload = body === undefined ? {} : { body: JSON.stringify(body) };
        const response = await fetch(`${baseUrl}${path}`, { method, headers, ...payload });
        if (response.ok) return response;
        throw new ApiRefusal(`${method} ${path}`, Problem.parse(await response.json()));
      } catch (error) {
        // `fetch` rejects with a TypeError when there was no answer at all.
        if (!(error instanceof TypeError) || performance.now() > deadline) throw error;
        await sleep(pauseMs);
      }
    }
  }
  return {
    get: async (path, schema) => schema.parse(await (await request('GET', path)).json()),
    bytes: async (path) => new Uint8Array(await (await request('GET', path)).arrayBuffer()),
    post: async (path, body, schema) => schema.parse(await (await request('POST', path, body)).json()),
  };
}
