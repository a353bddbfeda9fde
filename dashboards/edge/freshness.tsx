/** @jsxImportSource preact */
/** How fresh a meter is, as a letter and a colour. */
import type { EdgeFreshness } from '../../protocols/edge-api.ts';
import type { EdgeWords } from '../words/edge.ts';
import { useSession } from './session.ts';

export const freshnessText = (words: EdgeWords, freshness: EdgeFreshness): string =>
  ({ fresh: words.fresh, late: words.late, silent: words.silent, never: words.neverRead })[freshness];
export const freshnessLetter = (words: EdgeWords, freshness: EdgeFreshness): string =>
  ({ fresh: words.freshMark, late: words.lateMark, silent: words.silentMark, never: words.neverMark })[
    freshness
  ];
export const freshnessTone: Record<EdgeFreshness, string> = {
  fresh: 'good',
  late: 'warn',
  silent: 'bad',
  never: 'warn',
};

export function FreshnessMark({ freshness }: { freshness: EdgeFreshness }) {
  const { words } = useSession();
  return <span class={`mark ${freshnessTone[freshness]}`}>{freshnessText(words, freshness)}</span>;
}
