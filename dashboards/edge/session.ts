/** What every part of the page is given. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import { ProblemError } from '../client.ts';
import type { Language } from '../language.ts';
import { type EdgeWords, edgeWords } from '../words/edge.ts';

export interface Session {
  words: EdgeWords;
  language: Language;
  /** The gateway asks for its password again. */
  onSignedOut: () => void;
}

export const SessionContext = createContext<Session>({
  words: edgeWords['zh-CN'],
  language: 'zh-CN',
  onSignedOut: () => undefined,
});
export const useSession = (): Session => useContext(SessionContext);

export const problemOf = (error: unknown): Problem =>
  error instanceof ProblemError
    ? error.problem
    : { type: 'about:blank', title: String(error), status: 0, code: 'internal', detail: '' };
