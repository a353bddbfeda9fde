/**
 * Proofs that were begun, kept on the phone: a page that is closed, or a gateway that is away, loses nothing of what was
 * typed. One for each place.
 */
import { useState } from 'preact/hooks';
import type { FoundDecoding } from '../../protocols/edge-api.ts';
import type { Place } from './route.ts';
import { keep, kept } from './storage.ts';

export interface Draft extends Place {
  /** As the list names it; '' for a meter that is found, but not listed. */
  meter: string;
  face: string;
  photo: { sha256: string; bytes: number } | null;
  /** Where to look; '' where it is likely. */
  from: string;
  to: string;
  /** Of the current transformers; '' for none. */
  ratio: string;
  /** The match, with the ratio that it was searched with. */
  match: { decoding: FoundDecoding; ct: string | null } | null;
  by: string;
  where: string;
}

const KEY = 'meterline-proofs';
const SIGNER_KEY = 'meterline-signer';

const emptyDraft = (place: Place, meter: string): Draft => ({
  ...place,
  meter,
  face: '',
  photo: null,
  from: '',
  to: '',
  ratio: '',
  match: null,
  by: kept<string>(SIGNER_KEY) ?? '',
  where: '',
});

const isAt = (place: Place) => (draft: Draft) => draft.bus === place.bus && draft.unit === place.unit;

export interface Drafts {
  all: readonly Draft[];
  /** The one that was begun there, or a new one. */
  at(place: Place, meter: string): Draft;
  change(draft: Draft, changes: Partial<Draft>): void;
  remove(place: Place): void;
}

export function useDrafts(): Drafts {
  const [all, setAll] = useState<readonly Draft[]>(() => kept<Draft[]>(KEY) ?? []);
  const set = (next: readonly Draft[]): void => {
    keep(KEY, next);
    setAll(next);
  };
  const without = (place: Place) => (kept<Draft[]>(KEY) ?? [...all]).filter((draft) => !isAt(place)(draft));
  return {
    all,
    at: (place, meter) => all.find(isAt(place)) ?? emptyDraft(place, meter),
    change(draft, changes) {
      if (changes.by !== undefined) keep(SIGNER_KEY, changes.by);
      set([{ ...draft, ...changes }, ...without(draft)]);
    },
    remove: (place) => set(without(place)),
  };
}
