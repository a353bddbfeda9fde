/** A search of the gateway along a bus that tells what it finds while it goes on, and that a person can stop. */
import { useRef, useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import { readEvents } from './event-lines.ts';
import { problemOf, useSession } from './session.ts';

export interface LiveSearch {
  runs: boolean;
  problem: Problem | null;
  start<E>(path: string, body: unknown, onEvent: (event: E) => void): void;
  stop(): void;
}

/** @param onEnd after the last line, however it ended */
export function useLiveSearch(onEnd: () => void = () => undefined): LiveSearch {
  const { language } = useSession();
  const [runs, setRuns] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const stopping = useRef<AbortController | null>(null);
  return {
    runs,
    problem,
    start<E>(path: string, body: unknown, onEvent: (event: E) => void) {
      const ending = new AbortController();
      stopping.current = ending;
      setProblem(null);
      setRuns(true);
      readEvents<E>(path, { language, method: 'POST', body }, onEvent, ending.signal)
        .catch((error: unknown) => {
          if (!ending.signal.aborted) setProblem(problemOf(error));
        })
        .finally(() => {
          setRuns(false);
          onEnd();
        });
    },
    stop: () => stopping.current?.abort(),
  };
}
