/** Asks the service. What it refuses comes back as the problem document that it sent. */
import type { Problem } from '../protocols/api.ts';
import type { Language } from './language.ts';

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** No answer at all: shown like a problem, with a code of its own. */
export const unreachable: Problem = {
  type: 'about:blank',
  title: '',
  status: 0,
  code: 'unreachable',
  detail: '',
};

/** @throws ProblemError */
export async function request(
  path: string,
  { language, method = 'GET', body, headers = {} }: RequestOptions,
): Promise<Response> {
  const init: RequestInit = {
    method,
    headers: {
      accept: 'application/json',
      'accept-language': language,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const response = await fetch(path, init).catch(() => {
    throw new ProblemError(unreachable);
  });
  if (response.ok) return response;
  const problem: Problem = await response.json().catch(() => ({
    ...unreachable,
    status: response.status,
    code: 'internal',
    title: response.statusText,
  }));
  throw new ProblemError(problem);
}

export interface RequestOptions {
  language: Language;
  method?: 'GET' | 'POST' | 'DELETE';
  body?: unknown;
  headers?: Record<string, string>;
}

/** @throws ProblemError */
export async function ask<T>(path: string, options: RequestOptions): Promise<T> {
  const response = await request(path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
