/** Sends a file as it is. */
import type { Problem } from '../../protocols/api.ts';
import { ProblemError, unreachable } from '../client.ts';
import type { Language } from '../language.ts';

export interface FileAnswer<T> {
  status: number;
  body: T;
}

/**
 * @param readable refusals that are answers of their own, by status
 * @throws ProblemError
 */
export async function sendFile<T>(
  path: string,
  file: Blob,
  { type, language, readable = [] }: { type: string; language: Language; readable?: readonly number[] },
): Promise<FileAnswer<T>> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': type, 'accept-language': language },
    body: file,
  }).catch(() => {
    throw new ProblemError(unreachable);
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok || (readable.includes(response.status) && body !== null && !isProblem(body)))
    return { status: response.status, body: body as T };
  throw new ProblemError(
    isProblem(body)
      ? body
      : { ...unreachable, status: response.status, code: 'internal', title: response.statusText },
  );
}

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' && body !== null && 'type' in body && 'title' in body;
