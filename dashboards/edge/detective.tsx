/** @jsxImportSource preact */
/** The register detective: type what the face shows, see which registers give it, lock the match, sign it with a photo. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import type { DetectEvent, EdgeMeter, EdgeStatus, FoundDecoding } from '../../protocols/edge-api.ts';
import { readEvents } from './event-lines.ts';
import { BusChoice, TextField } from './fields.tsx';
import { FaultNotice, ProblemNotice } from './notices.tsx';
import { problemOf, useSession } from './session.ts';
import { SignOff } from './sign-off.tsx';

/** A meter that another part of the page names; `meter` is '' where only its unit is known. */
export interface ToProve {
  bus: string;
  unit: number;
  meter: string;
}

interface Props {
  status: EdgeStatus;
  meters: readonly EdgeMeter[];
  toProve: ToProve | null;
}

type Done = Extract<DetectEvent, { type: 'done' }>;

/** Decimal, or hexadecimal with 0x; null for neither. */
const addressOf = (text: string): number | null =>
  /^(\d{1,5}|0x[0-9a-f]{1,4})$/i.test(text.trim()) ? Number(text.trim()) : null;

/** Without one the gateway looks where it is likely first, by the model that it lists at the unit. */
const rangeOf = (from: string, to: string): object => ({
  ...(from.trim() === '' ? {} : { from: addressOf(from) }),
  ...(to.trim() === '' ? {} : { to: addressOf(to) }),
});

export function Detective({ status, meters, toProve }: Props) {
  const { words, language } = useSession();
  const [bus, setBus] = useState(status.buses[0]?.bus ?? '');
  const [unit, setUnit] = useState('');
  const [face, setFace] = useState('');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [ratio, setRatio] = useState('');
  const [at, setAt] = useState<Extract<DetectEvent, { type: 'progress' }> | null>(null);
  const [done, setDone] = useState<Done | null>(null);
  const [locked, setLocked] = useState<FoundDecoding | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [searching, setSearching] = useState(false);
  const stopping = useRef<AbortController | null>(null);

  const forget = () => {
    setDone(null);
    setLocked(null);
    setProblem(null);
    setAt(null);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another meter begins anew
  useEffect(() => {
    if (toProve === null) return;
    setBus(toProve.bus);
    setUnit(String(toProve.unit));
    setFrom('');
    setTo('');
    forget();
  }, [toProve]);

  const search = (event: SubmitEvent) => {
    event.preventDefault();
    const ending = new AbortController();
    stopping.current = ending;
    forget();
    setSearching(true);
    const body = {
      face: face.trim(),
      unit: addressOf(unit),
      ...rangeOf(from, to),
      ratio: ratio.trim() === '' ? null : ratio.trim(),
    };
    readEvents<DetectEvent>(
      `/api/v1/buses/${bus}/detect-register`,
      { language, method: 'POST', body },
      (told) => (told.type === 'done' ? setDone(told) : setAt(told)),
      ending.signal,
    )
      .catch((error: unknown) => setProblem(problemOf(error)))
      .finally(() => setSearching(false));
  };
  return (
    <>
      <form class="card" onSubmit={search}>
        <BusChoice buses={status.buses} value={bus} onChange={setBus} />
        <TextField label={words.unitLabel} inputMode="numeric" value={unit} onChange={setUnit} />
        <TextField
          label={words.face}
          class="face"
          inputMode="decimal"
          hint={words.faceHint}
          value={face}
          onChange={setFace}
        />
        <div class="pair">
          <TextField label={words.from} hint={words.rangeHint} value={from} onChange={setFrom} />
          <TextField label={words.to} value={to} onChange={setTo} />
        </div>
        <TextField label={words.ratio} inputMode="decimal" value={ratio} onChange={setRatio} />
        {searching ? (
          <button type="button" class="button" onClick={() => stopping.current?.abort()}>
            {words.stop}
          </button>
        ) : (
          <button type="submit" class="button primary" disabled={face === '' || unit === ''}>
            {words.search}
          </button>
        )}
        {searching && (
          <p role="status" class="muted">
            {at === null ? words.loading : words.searching(String(at.functionCode), String(at.address))}
          </p>
        )}
        {problem !== null && <ProblemNotice problem={problem} />}
      </form>
      {done !== null && <Decodings done={done} locked={locked} onLock={setLocked} />}
      {done !== null && locked !== null && (
        <SignOff
          key={`${locked.functionCode} ${locked.address} ${locked.type} ${locked.order}`}
          meters={meters.filter((meter) => meter.bus === bus && meter.unit === done.unit)}
          face={done.face}
          ratio={done.ct}
          decoding={locked}
          onAgain={() => {
            forget();
            setFace('');
          }}
        />
      )}
    </>
  );
}

const SHOWN = 5;

interface DecodingsProps {
  done: Done;
  locked: FoundDecoding | null;
  onLock: (decoding: FoundDecoding) => void;
}

function Decodings({ done, locked, onLock }: DecodingsProps) {
  const { words } = useSession();
  const { found, near, face, fault } = done;
  const shown = locked === null ? found.slice(0, SHOWN) : [locked];
  return (
    <section class="card">
      {fault !== null && <FaultNotice fault={fault} />}
      {found.length > 0 ? (
        <h2>{words.decodings(String(found.length), face)}</h2>
      ) : (
        // What was not read cannot be said to give nothing.
        fault === null && <h2>{words.noDecoding(face)}</h2>
      )}
      {near.map(({ shows, address, offBy, functionCode, type, order, scale }) => (
        <p key={`${functionCode} ${address} ${type} ${order} ${scale}`} class="small">
          {(offBy.startsWith('-') ? words.nearBehind : words.nearAhead)(
            shows,
            hexAddress(address),
            offBy.replace('-', ''),
          )}
        </p>
      ))}
      <ol class="decodings">
        {shown.map((decoding) => (
          <li
            key={`${decoding.functionCode} ${decoding.address} ${decoding.type} ${decoding.order} ${decoding.scale}`}
          >
            <Decoding decoding={decoding} />
            <button
              type="button"
              class="button"
              aria-pressed={decoding === locked}
              onClick={() => onLock(decoding)}
            >
              {decoding === locked ? `✓ ${words.locked}` : words.lock}
            </button>
          </li>
        ))}
      </ol>
      {locked === null && found.length > SHOWN && (
        <p class="muted small">{words.more(String(found.length - SHOWN))}</p>
      )}
    </section>
  );
}

const HEX = 16;
const ADDRESS_DIGITS = 4;
const hexAddress = (address: number): string => `0x${address.toString(HEX).padStart(ADDRESS_DIGITS, '0')}`;

function Decoding({ decoding }: { decoding: FoundDecoding }) {
  const { words } = useSession();
  const { functionCode, address, type, order, scale, transformed, shows, raw, plausibility, known } =
    decoding;
  const place = `${hexAddress(address)} (${address})`;
  return (
    <div>
      <p>
        <strong class="shows">{shows}</strong>{' '}
        <span class="muted small">
          {words.plausible} {plausibility}/100
        </span>
      </p>
      <p class="mono small">
        FC {functionCode} · {place} · {type} {order} × {scale}
        {transformed === 'divided' && ` · ${words.transformedDivided}`}
        {transformed === 'multiplied' && ` · ${words.transformedMultiplied}`}
      </p>
      <p class="small">
        {words.raw} <span class="mono raw">{raw.replace(/(.{4})(?=.)/g, '$1 ')}</span>
      </p>
      {known.slice(0, 2).map(({ profile, obis, name }) => (
        <p key={`${profile} ${obis}`} class="muted small">
          {words.known} {profile}: {name} <span class="mono">{obis}</span>
        </p>
      ))}
    </div>
  );
}
