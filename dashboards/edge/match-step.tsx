/** @jsxImportSource preact */
/** The register detective: which registers of the meter, read in which way, give the face. */
import { useState } from 'preact/hooks';
import type { DetectEvent } from '../../protocols/edge-api.ts';
import { Decodings } from './decodings.tsx';
import { TextField } from './fields.tsx';
import { useLiveSearch } from './live-search.ts';
import { ProblemNotice } from './notices.tsx';
import type { StepProps } from './prove.tsx';
import { useSession } from './session.ts';

export type Detected = Extract<DetectEvent, { type: 'done' }>;

/** Decimal, or hexadecimal with 0x; null for neither. */
const addressOf = (text: string): number | null =>
  /^(\d{1,5}|0x[0-9a-f]{1,4})$/i.test(text.trim()) ? Number(text.trim()) : null;
const isAddress = (text: string): boolean => text.trim() === '' || addressOf(text) !== null;

/** Without one the gateway looks where it is likely first, by the model that it lists at the unit. */
const rangeOf = (from: string, to: string): object => ({
  ...(from.trim() === '' ? {} : { from: addressOf(from) }),
  ...(to.trim() === '' ? {} : { to: addressOf(to) }),
});

export function MatchStep({ draft, change, next }: StepProps) {
  const { words } = useSession();
  const { bus, unit, face, from, to, ratio, match } = draft;
  const [at, setAt] = useState<Extract<DetectEvent, { type: 'progress' }> | null>(null);
  const [done, setDone] = useState<Detected | null>(null);
  const search = useLiveSearch();
  const why = isAddress(from) && isAddress(to) ? null : words.badAddress;

  const start = (event: SubmitEvent) => {
    event.preventDefault();
    if (why !== null) return;
    setDone(null);
    setAt(null);
    change({ match: null });
    const body = { face, unit, ...rangeOf(from, to), ratio: ratio.trim() === '' ? null : ratio.trim() };
    search.start<DetectEvent>(`/api/v1/buses/${bus}/detect-register`, body, (told) =>
      told.type === 'done' ? setDone(told) : setAt(told),
    );
  };
  const found = done?.found ?? (match === null ? [] : [match.decoding]);
  return (
    <>
      <form class="card" onSubmit={start}>
        <p>
          {words.matchHint} <b class="shows">{face}</b>
        </p>
        <TextField
          label={words.ratio}
          inputMode="decimal"
          value={ratio}
          onChange={(text) => change({ ratio: text, match: null })}
        />
        <details>
          <summary>{words.whereToLook}</summary>
          <div class="pair">
            <TextField label={words.from} value={from} onChange={(text) => change({ from: text })} />
            <TextField label={words.to} value={to} onChange={(text) => change({ to: text })} />
          </div>
          <p class="muted small">{words.rangeHint}</p>
        </details>
        {search.runs ? (
          <>
            <button type="button" class="button" onClick={search.stop}>
              {words.stop}
            </button>
            <p role="status" class="muted small">
              {at === null ? words.loading : words.searching(String(at.functionCode), String(at.address))}
            </p>
          </>
        ) : (
          <button type="submit" class={match === null ? 'button primary' : 'button'}>
            {words.search}
          </button>
        )}
        {why !== null && <p class="why">{why}</p>}
        {search.problem !== null && <ProblemNotice problem={search.problem} />}
      </form>
      {(done !== null || found.length > 0) && (
        <Decodings
          face={face}
          found={found}
          near={done?.near ?? []}
          fault={done?.fault ?? null}
          locked={match?.decoding ?? null}
          onLock={(decoding) => change({ match: { decoding, ct: done?.ct ?? match?.ct ?? null } })}
        />
      )}
      {match !== null && (
        <button type="button" class="button primary wide" onClick={next}>
          {words.next}
        </button>
      )}
    </>
  );
}
