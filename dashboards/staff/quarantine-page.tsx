/** What could not be stored as it came, and why; and what is decided about it: it is released, or dismissed for a reason. */
import { useState } from 'react';
import type { QuarantineEntry } from '../../protocols/api.ts';
import { Field } from './period-actions.tsx';
import { ProblemNotice, ResourceState } from './problem-notice.tsx';
import { useInstantText, useSession } from './session.ts';
import { useCommand } from './use-command.ts';
import { useResource } from './use-resource.ts';

const states = ['held', 'released', 'dismissed'] as const;

export function QuarantinePage() {
  const { words } = useSession();
  const [state, setState] = useState<(typeof states)[number]>('held');
  const entries = useResource<{ items: QuarantineEntry[] }>(
    `/api/v1/quarantine?state=${state}&limit=200`,
    60,
  );
  return (
    <section>
      <h1>{words.quarantined}</h1>
      <p className="muted lead">{words.quarantineDetail}</p>
      <div className="controls">
        {states.map((one) => (
          <button
            type="button"
            className="button"
            key={one}
            aria-pressed={one === state}
            onClick={() => setState(one)}
          >
            {words[one]}
          </button>
        ))}
      </div>
      <ResourceState resource={entries} />
      {entries.data?.items.length === 0 && (
        <p className="notice good">{state === 'held' ? words.noneQuarantined : words.noneOfThese}</p>
      )}
      <ul className="anomalies">
        {entries.data?.items
          .filter((entry) => entry.state === state)
          .map((entry) => (
            <Entry key={entry.id} entry={entry} decided={entries.reload} />
          ))}
      </ul>
    </section>
  );
}

function Entry({ entry, decided }: { entry: QuarantineEntry; decided: () => void }) {
  const { words } = useSession();
  const instantText = useInstantText();
  const { gateway, item, code, detail, at, payload, state, closed } = entry;
  return (
    <li className={`notice ${state === 'held' ? 'warn' : ''}`}>
      <p>
        <strong>{code}</strong> {gateway ?? '—'}{' '}
        <span className="muted">
          {item !== null && `${item.epoch}/${item.sequence} · `}
          {instantText(at)}
        </span>
      </p>
      <p className="evidence">{detail}</p>
      <details>
        <summary>{words.payload}</summary>
        <pre>{payload}</pre>
      </details>
      {closed !== null && (
        <p className="muted">
          {words[state]} · {closed.by} · {instantText(closed.at)}
          {closed.reason !== null && ` · ${closed.reason}`}
        </p>
      )}
      {state === 'held' && <Decision entry={entry} decided={decided} />}
    </li>
  );
}

function Decision({ entry, decided }: { entry: QuarantineEntry; decided: () => void }) {
  const { words } = useSession();
  const command = useCommand();
  const [reason, setReason] = useState('');
  const path = `/api/v1/quarantine/${entry.id}`;
  const send = (action: 'release' | 'dismiss', body?: object) =>
    void command.send<object>(`${path}/${action}`, body).then((done) => done !== null && decided());
  return (
    <>
      <div className="controls after">
        {entry.item !== null && (
          <button
            type="button"
            className="button primary"
            disabled={command.busy}
            onClick={() => send('release')}
          >
            {words.release}
          </button>
        )}
        <Field name={words.dismissReason} value={reason} change={setReason} />
        <button
          type="button"
          className="button"
          disabled={command.busy || reason.trim() === ''}
          onClick={() => send('dismiss', { reason: reason.trim() })}
        >
          {words.dismiss}
        </button>
      </div>
      {command.problem !== null && <ProblemNotice problem={command.problem} />}
    </>
  );
}
