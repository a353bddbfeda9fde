/** @jsxImportSource preact */
/** The ways to read the meter that give its face, and the one that a person takes. */
import type { FoundDecoding, LiveFault } from '../../protocols/edge-api.ts';
import { registerName } from '../../protocols/register-names.ts';
import { FaultNotice } from './notices.tsx';
import { useSession } from './session.ts';

const SHOWN = 5;

interface Props {
  face: string;
  found: readonly FoundDecoding[];
  /** Only when nothing was found: what comes nearest. */
  near: readonly FoundDecoding[];
  fault: LiveFault | null;
  locked: FoundDecoding | null;
  onLock: (decoding: FoundDecoding) => void;
}

/** One reading of the registers, told from the others. */
const keyOf = ({ functionCode, address, type, order, scale, transformed }: FoundDecoding): string =>
  [functionCode, address, type, order, scale, transformed].join(' ');

export function Decodings({ face, found, near, fault, locked, onLock }: Props) {
  const { words } = useSession();
  const lockedKey = locked === null ? null : keyOf(locked);
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
      {near.map((one) => (
        <p key={keyOf(one)} class="small">
          {(one.offBy.startsWith('-') ? words.nearBehind : words.nearAhead)(
            one.shows,
            hexAddress(one.address),
            one.offBy.replace('-', ''),
          )}
        </p>
      ))}
      <ol class="decodings">
        {shown.map((decoding) => (
          <li key={keyOf(decoding)}>
            <Decoding decoding={decoding} />
            <button
              type="button"
              class="button"
              aria-pressed={keyOf(decoding) === lockedKey}
              onClick={() => onLock(decoding)}
            >
              {keyOf(decoding) === lockedKey ? `✓ ${words.locked}` : words.lock}
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
  const { words, language } = useSession();
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
          {words.known} {profile}: {registerName(obis, name, language)} <span class="mono code">{obis}</span>
        </p>
      ))}
    </div>
  );
}
