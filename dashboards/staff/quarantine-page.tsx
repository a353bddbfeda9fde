/** What could not be stored as it came, and why: the newest of what nobody has decided about. */
import type { QuarantineEntry } from '../../protocols/api.ts';
import { ResourceState } from './problem-notice.tsx';
import { useInstantText, useSession } from './session.ts';
import { useResource } from './use-resource.ts';

export function QuarantinePage() {
  const { words } = useSession();
  const instantText = useInstantText();
  const held = useResource<{ items: QuarantineEntry[] }>('/api/v1/quarantine?state=held&limit=200', 60);
  return (
    <section>
      <h1>{words.quarantined}</h1>
      <ResourceState resource={held} />
      {held.data?.items.length === 0 && <p className="notice good">{words.noneQuarantined}</p>}
      <ul className="anomalies">
        {held.data?.items.map(({ id, gateway, item, code, detail, at, payload }) => (
          <li key={id} className="notice warn">
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
          </li>
        ))}
      </ul>
    </section>
  );
}
