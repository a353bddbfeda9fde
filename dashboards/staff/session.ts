/** What every page of the staff app is given: the words, the language, and what to do when the session has ended. */
import { createContext, use } from 'react';
import { instantText } from '../format.ts';
import type { Language } from '../language.ts';
import type { StaffWords } from '../words/staff.ts';

export interface Session {
  words: StaffWords;
  language: Language;
  /** The site's IANA zone, once the site is known; until then the reader's own. */
  timeZone: string | undefined;
  signedOut(): void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = use(SessionContext);
  if (session === null) throw new TypeError('there is no session around this page');
  return session;
}

/** Writes instants in the site's zone. */
export function useInstantText(): (text: string) => string {
  const { timeZone } = useSession();
  return (text) => instantText(text, timeZone);
}
