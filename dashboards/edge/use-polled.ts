/** A resource that is asked for again and again while the page is seen. */
import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import { ask } from '../client.ts';
import { problemOf, useSession } from './session.ts';

const EVERY_MS = 5_000;

export function usePolled<T>(path: string): { data: T | null; problem: Problem | null; reload: () => void } {
  const { language, onSignedOut } = useSession();
  const [data, setData] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [round, setRound] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another round asks again
  useEffect(() => {
    let over = false;
    ask<T>(path, { language }).then(
      (loaded) => {
        if (over) return;
        setData(loaded);
        setProblem(null);
      },
      (error: unknown) => {
        if (over) return;
        const found = problemOf(error);
        if (found.status === 401) onSignedOut();
        setProblem(found);
      },
    );
    const timer = setTimeout(() => setRound(round + 1), EVERY_MS);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [path, language, round]);
  return { data, problem, reload: () => setRound(round + 1) };
}
