/** @jsxImportSource preact */
/** The match becomes evidence: who looked, and where. Nothing is shown as kept before the gateway says so. */
import { useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import type { EdgeMeter, EvidenceRequest, FoundDecoding } from '../../protocols/edge-api.ts';
import { registerName } from '../../protocols/register-names.ts';
import { SubmitButton, TextField } from './fields.tsx';
import { ProblemNotice } from './notices.tsx';
import type { StepProps } from './prove.tsx';
import { problemOf, useSession } from './session.ts';

interface Props extends StepProps {
  /** The meter as the gateway lists it; undefined: it does not. */
  row: EdgeMeter | undefined;
  onSigned: (body: EvidenceRequest) => Promise<void>;
}

const COORDINATE_DIGITS = 6;

/** `31.2304, 121.4737`; null when it is left empty, undefined when it is none. */
function placeOf(text: string): EvidenceRequest['place'] | undefined {
  if (text.trim() === '') return null;
  const [, latitude, longitude] =
    /^\s*(-?\d{1,2}(?:\.\d{1,8})?)\s*[,，\s]\s*(-?\d{1,3}(?:\.\d{1,8})?)\s*$/.exec(text) ?? [];
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
}

function decodingOf(
  { functionCode, address, raw, type, order, scale, transformed }: FoundDecoding,
  ratio: string | null,
): EvidenceRequest['decoding'] {
  return {
    functionCode,
    address,
    raw,
    type: type as EvidenceRequest['decoding']['type'],
    order: order as EvidenceRequest['decoding']['order'],
    scale,
    transformed: transformed === 'none' || ratio === null ? null : { by: transformed, ratio },
  };
}

export function SignStep({ draft, change, row, onSigned }: Props) {
  const { words, language } = useSession();
  const [hint, setHint] = useState<string | undefined>(undefined);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { face, photo, match, by, where } = draft;
  const place = placeOf(where);
  const why =
    row === undefined || row.register === null
      ? words.mustBeListed
      : by.trim() === ''
        ? words.needName
        : place === undefined
          ? words.badPlace
          : null;
  const locate = () =>
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        change({
          where: `${coords.latitude.toFixed(COORDINATE_DIGITS)}, ${coords.longitude.toFixed(COORDINATE_DIGITS)}`,
        }),
      () => setHint(words.noLocation),
    );
  const sign = (event: SubmitEvent) => {
    event.preventDefault();
    if (why !== null || row?.register == null || place === undefined || match === null) return;
    setSending(true);
    setProblem(null);
    onSigned({
      meter: row.meter,
      profile: row.profile,
      register: row.register,
      face,
      decoding: decodingOf(match.decoding, match.ct),
      photo: photo?.sha256 ?? null,
      by: by.trim(),
      place,
    })
      .catch((error: unknown) => setProblem(problemOf(error)))
      .finally(() => setSending(false));
  };
  return (
    <form class="card" onSubmit={sign}>
      <h2>{words.signOff}</h2>
      <dl class="facts">
        <div>
          <dt>{words.face}</dt>
          <dd class="shows">{face}</dd>
        </div>
        {row !== undefined && row.register !== null && (
          <div>
            <dt>{words.meter}</dt>
            <dd>
              {row.meter} · {registerName(row.register, row.register, language)}
            </dd>
          </div>
        )}
        <div>
          <dt>{words.photo}</dt>
          <dd>{photo === null ? words.noPhoto : <code class="raw">{photo.sha256}</code>}</dd>
        </div>
      </dl>
      <TextField label={words.name} value={by} onChange={(text) => change({ by: text })} />
      <TextField
        label={words.coordinates}
        value={where}
        onChange={(text) => change({ where: text })}
        {...(hint === undefined ? {} : { hint })}
      />
      {window.isSecureContext && (
        <button type="button" class="button" onClick={locate}>
          {words.locate}
        </button>
      )}
      {problem !== null && <ProblemNotice problem={problem} />}
      <SubmitButton why={why} busy={sending}>
        {sending ? words.signing : words.sign}
      </SubmitButton>
      <p class="muted small">{words.signedLater}</p>
    </form>
  );
}
