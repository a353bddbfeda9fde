/** A command to the API: one at a time, under one Idempotency-Key until it is answered, its refusal kept to be shown. */
import { useRef, useState } from 'react';
import type { Problem } from '../../protocols/api.ts';
import { ask, ProblemError } from '../client.ts';
import { useSession } from './session.ts';

interface CommandOptions {
  method?: 'POST' | 'DELETE';
  headers?: Record<string, string>;
}

export interface Command {
  busy: boolean;
  problem: Problem | null;
  /** @returns the answer, or null where it was refused: then `problem` says why */
  send<T>(path: string, body: unknown, options?: CommandOptions): Promise<T | null>;
  clear(): void;
}

export function useCommand(): Command {
  const { language, signedOut } = useSession();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  /** Of the request that has no answer yet: sent again, it is the same one. */
  const open = useRef<{ request: string; key: string } | null>(null);

  const send = async <T>(path: string, body: unknown, options: CommandOptions = {}): Promise<T | null> => {
    const { method = 'POST', headers = {} } = options;
    const request = JSON.stringify([method, path, body]);
    if (open.current?.request !== request) open.current = { request, key: crypto.randomUUID() };
    setBusy(true);
    setProblem(null);
    try {
      const keyed = { ...headers, 'idempotency-key': open.current.key };
      const answer = await ask<T>(path, {
        language,
        method,
        ...(method === 'POST' && { body }),
        headers: keyed,
      });
      open.current = null;
      return answer;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      if (error.problem.status !== 0) open.current = null;
      if (error.problem.status === 401 && headers.authorization === undefined) signedOut();
      setProblem(error.problem);
      return null;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, send, clear: () => setProblem(null) };
}
