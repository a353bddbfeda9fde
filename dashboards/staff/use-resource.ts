/** A resource of the API, kept fresh. While it loads anew, or cannot, what was there before stays and says how old it is. */
import { useCallback, useEffect, useState } from 'react';
import type { Problem } from '../../protocols/api.ts';
import { ask, ProblemError } from '../client.ts';
import { useSession } from './session.ts';

export interface Resource<T> {
  data: T | null;
  /** When `data` was loaded; RFC 3339. */
  loadedAt: string | null;
  problem: Problem | null;
  loading: boolean;
  reload(): void;
}

interface Held<T> {
  path: string;
  data: T | null;
  loadedAt: string | null;
  problem: Problem | null;
}

/** @param refreshSeconds how often it is asked again while the page is looked at; absent: only on `reload` */
export function useResource<T>(path: string, refreshSeconds?: number): Resource<T> {
  const { language, signedOut } = useSession();
  const [held, setHeld] = useState<Held<T>>({ path, data: null, loadedAt: null, problem: null });
  const [loading, setLoading] = useState(true);
  const [turn, setTurn] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another turn asks again
  useEffect(() => {
    let current = true;
    setLoading(true);
    ask<T>(path, { language }).then(
      (data) => {
        if (!current) return;
        setHeld({ path, data, loadedAt: new Date().toISOString(), problem: null });
        setLoading(false);
      },
      (error: unknown) => {
        if (!current || !(error instanceof ProblemError)) return;
        if (error.problem.status === 401) signedOut();
        setHeld((before) => ({ ...before, path, problem: error.problem }));
        setLoading(false);
      },
    );
    return () => {
      current = false;
    };
  }, [path, language, signedOut, turn]);

  const reload = useCallback(() => setTurn((one) => one + 1), []);
  useEffect(() => {
    if (refreshSeconds === undefined) return;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, refreshSeconds * 1000);
    return () => clearInterval(timer);
  }, [refreshSeconds, reload]);
  return { data: held.data, loadedAt: held.loadedAt, problem: held.problem, loading, reload };
}
