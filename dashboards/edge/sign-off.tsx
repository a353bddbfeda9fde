/** @jsxImportSource preact */
/** The match becomes evidence: a photo of the face, who looked, and where. Nothing is shown as kept before the gateway says so. */
import { useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import type {
  EdgeMeter,
  EvidenceRequest,
  FoundDecoding,
  KeptEvidence,
  KeptPhoto,
} from '../../protocols/edge-api.ts';
import { ask, ProblemError } from '../client.ts';
import { instantText } from '../format.ts';
import { TextField } from './fields.tsx';
import { ProblemNotice } from './notices.tsx';
import { problemOf, useSession } from './session.ts';

interface Props {
  meters: readonly EdgeMeter[];
  face: string;
  ratio: string | null;
  decoding: FoundDecoding;
  onAgain: () => void;
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

async function keepPhoto(file: File, language: 'zh-CN' | 'en'): Promise<KeptPhoto> {
  const response = await fetch('/api/v1/photos', {
    method: 'POST',
    headers: { 'content-type': file.type, 'accept-language': language },
    body: file,
  });
  if (response.ok) return (await response.json()) as KeptPhoto;
  throw new ProblemError((await response.json()) as Problem);
}

export function SignOff({ meters, face, ratio, decoding, onAgain }: Props) {
  const { words, language } = useSession();
  const [meter, setMeter] = useState(meters[0]?.meter ?? '');
  const [by, setBy] = useState('');
  const [where, setWhere] = useState('');
  const [hint, setHint] = useState<string | undefined>(undefined);
  const [photo, setPhoto] = useState<KeptPhoto | null>(null);
  const [sending, setSending] = useState<'photo' | 'evidence' | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [kept, setKept] = useState<KeptEvidence | null>(null);
  const row = meters.find((one) => one.meter === meter);
  const place = placeOf(where);

  const guarded = (what: 'photo' | 'evidence', work: Promise<void>) => {
    setSending(what);
    setProblem(null);
    work.catch((error: unknown) => setProblem(problemOf(error))).finally(() => setSending(null));
  };
  const locate = () =>
    navigator.geolocation?.getCurrentPosition(
      ({ coords }) =>
        setWhere(
          `${coords.latitude.toFixed(COORDINATE_DIGITS)}, ${coords.longitude.toFixed(COORDINATE_DIGITS)}`,
        ),
      () => setHint(words.noLocation),
    );
  const sign = (event: SubmitEvent) => {
    event.preventDefault();
    if (row === undefined || row.register === null || place === undefined) return;
    const body: EvidenceRequest = {
      meter,
      profile: row.profile,
      register: row.register,
      face,
      decoding: decodingOf(decoding, ratio),
      photo: photo?.sha256 ?? null,
      by: by.trim(),
      place,
    };
    guarded(
      'evidence',
      ask<KeptEvidence>('/api/v1/evidence', { language, method: 'POST', body }).then(setKept),
    );
  };
  if (kept !== null)
    return (
      <section class="card">
        <p class="notice good" role="status">
          ✓ {words.signed(instantText(kept.at))}
        </p>
        <p class="small">
          {words.digest} <code class="raw">{kept.digest}</code>
        </p>
        <button type="button" class="button" onClick={onAgain}>
          {words.again}
        </button>
      </section>
    );
  return (
    <form class="card" onSubmit={sign}>
      <h2>{words.signOff}</h2>
      <label>
        {words.meter}
        <select value={meter} onChange={({ currentTarget }) => setMeter(currentTarget.value)}>
          {meters.map((one) => (
            <option key={one.meter} value={one.meter}>
              {one.meter} · {one.model}
            </option>
          ))}
        </select>
      </label>
      <label>
        {words.photo}
        <span class="button">{words.takePhoto}</span>
        <input
          type="file"
          class="visually-hidden"
          accept="image/jpeg,image/png,image/webp"
          capture="environment"
          onChange={({ currentTarget }) => {
            const file = currentTarget.files?.[0];
            if (file !== undefined) guarded('photo', keepPhoto(file, language).then(setPhoto));
          }}
        />
        <span class="muted small">
          {sending === 'photo' ? words.hashing : words.photoHint}
          {photo !== null && (
            <>
              {' '}
              {words.digest} <code class="raw">{photo.sha256}</code>
            </>
          )}
        </span>
      </label>
      <TextField label={words.name} value={by} onChange={setBy} />
      <TextField
        label={words.coordinates}
        inputMode="text"
        value={where}
        onChange={setWhere}
        {...(hint === undefined ? {} : { hint })}
      />
      {window.isSecureContext && (
        <button type="button" class="button" onClick={locate}>
          {words.locate}
        </button>
      )}
      {problem !== null && <ProblemNotice problem={problem} />}
      <button
        type="submit"
        class="button primary"
        disabled={sending !== null || row === undefined || by.trim() === '' || place === undefined}
      >
        {sending === 'evidence' ? words.signing : words.sign}
      </button>
    </form>
  );
}
