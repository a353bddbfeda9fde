/** @jsxImportSource preact */
/** Which meter is proved: those that were begun, those that are listed, or any place; and what became of what was signed. */
import { useState } from 'preact/hooks';
import type { EdgeMeter, EdgeStatus } from '../../protocols/edge-api.ts';
import { instantText } from '../format.ts';
import type { Draft, Drafts } from './draft.ts';
import type { EvidenceQueue } from './evidence-queue.ts';
import { BusChoice, SubmitButton, TextField } from './fields.tsx';
import { ProblemNotice } from './notices.tsx';
import { goTo, hashOf, type ProofStep } from './route.ts';
import { useSession } from './session.ts';

interface Props {
  status: EdgeStatus;
  meters: readonly EdgeMeter[];
  drafts: Drafts;
  queue: EvidenceQueue;
}

export function ProveStart({ status, meters, drafts, queue }: Props) {
  return (
    <>
      <QueueState queue={queue} />
      {drafts.all.length > 0 && <Begun drafts={drafts} />}
      <ChooseListed meters={meters} />
      <ChoosePlace status={status} />
    </>
  );
}

function QueueState({ queue: { waiting, kept, retry, discard } }: { queue: EvidenceQueue }) {
  const { words } = useSession();
  return (
    <>
      {kept.map(({ meter, at, digest, value }) => (
        <section key={digest} class="notice good" role="status">
          <p>
            ✓ <b>{meter}</b> · {value} · {words.signed(instantText(at))}
          </p>
          <p class="small muted">
            {words.digest} <code class="raw">{digest}</code>
          </p>
        </section>
      ))}
      {waiting.map(({ id, at, body, refusal }) =>
        refusal === null ? (
          <p key={id} class="notice warn" role="status">
            {words.waitsForGateway(body.meter, instantText(at))}
          </p>
        ) : (
          <section key={id} class="card">
            <h2>
              {body.meter} · {words.notKept}
            </h2>
            <ProblemNotice problem={refusal} retry={() => retry(id)} />
            <button type="button" class="button" onClick={() => discard(id)}>
              {words.discard}
            </button>
          </section>
        ),
      )}
    </>
  );
}

/** Where a proof goes on: with the first question that has no answer. */
const nextStep = ({ face, photo, match }: Draft): ProofStep =>
  face === '' ? 'face' : match !== null ? 'sign' : photo === null ? 'photo' : 'match';

function Begun({ drafts }: { drafts: Drafts }) {
  const { words } = useSession();
  return (
    <section class="card">
      <h2>{words.begun}</h2>
      <ul class="rows">
        {drafts.all.map((draft) => {
          const { bus, unit, meter, face } = draft;
          return (
            <li key={`${bus} ${unit}`} class="row">
              <span>
                <b>{meter === '' ? `${bus} ${unit}` : meter}</b>{' '}
                {face !== '' && <span class="mono">{face}</span>}
              </span>
              <span class="actions">
                <a
                  class="button primary"
                  href={hashOf({ page: 'prove', at: { bus, unit, step: nextStep(draft) } })}
                >
                  {words.goOn}
                </a>
                <button type="button" class="button" onClick={() => drafts.remove(draft)}>
                  {words.discard}
                </button>
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const SHOWN = 30;

function ChooseListed({ meters }: { meters: readonly EdgeMeter[] }) {
  const { words } = useSession();
  const [filter, setFilter] = useState('');
  const wanted = filter.trim().toLowerCase();
  const provable = meters.filter(({ bus, unit }) => bus !== null && typeof unit === 'number');
  const shown = provable.filter(({ meter, bus, unit }) =>
    `${meter} ${bus} ${unit}`.toLowerCase().includes(wanted),
  );
  if (provable.length === 0) return null;
  return (
    <section class="card">
      <h2>{words.whichMeter}</h2>
      {provable.length > SHOWN && (
        <input
          type="search"
          aria-label={words.filter}
          placeholder={words.filter}
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
      )}
      <ul class="choices">
        {shown.slice(0, SHOWN).map(({ meter, bus, unit, model }) => (
          <li key={meter}>
            <a
              class="button"
              href={hashOf({ page: 'prove', at: { bus: bus ?? '', unit: Number(unit), step: 'face' } })}
            >
              <b>{meter}</b>
              <span class="muted small">
                {bus} · {words.unit} {unit} · {model}
              </span>
            </a>
          </li>
        ))}
      </ul>
      {shown.length > SHOWN && <p class="muted small">{words.more(String(shown.length - SHOWN))}</p>}
    </section>
  );
}

const LAST_UNIT = 255;

function ChoosePlace({ status }: { status: EdgeStatus }) {
  const { words } = useSession();
  const [bus, setBus] = useState(status.buses[0]?.bus ?? '');
  const [unit, setUnit] = useState('');
  const isUnit = /^\d{1,3}$/.test(unit.trim()) && Number(unit) <= LAST_UNIT;
  const why =
    bus === '' ? words.noBuses : unit.trim() === '' ? words.needUnit : isUnit ? null : words.badUnit;
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (why === null) goTo({ page: 'prove', at: { bus, unit: Number(unit), step: 'face' } });
      }}
    >
      <h2>{words.anyPlace}</h2>
      <BusChoice buses={status.buses} value={bus} onChange={setBus} />
      <TextField label={words.unitLabel} inputMode="numeric" value={unit} onChange={setUnit} />
      <SubmitButton why={why}>{words.proveThis}</SubmitButton>
    </form>
  );
}
