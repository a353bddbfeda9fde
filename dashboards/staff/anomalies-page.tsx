/** What the detectors raised, each with the figures that led to it. */
import type { Anomaly } from '../../protocols/api.ts';
import { ResourceState } from './problem-notice.tsx';
import { hashOf } from './route.ts';
import { useInstantText, useSession } from './session.ts';
import { useResource } from './use-resource.ts';

const tones = { info: '', warning: 'warn', critical: 'bad' } as const;

export function AnomaliesPage() {
  const { words, language } = useSession();
  const instantText = useInstantText();
  const anomalies = useResource<{ items: Anomaly[] }>('/api/v1/anomalies', 60);
  return (
    <section>
      <h1>{words.anomalies}</h1>
      <ResourceState resource={anomalies} />
      {anomalies.data?.items.length === 0 && <p className="notice good">{words.noAnomalies}</p>}
      <ul className="anomalies">
        {anomalies.data?.items.map((anomaly) => (
          <li key={anomaly.id} className={`notice ${tones[anomaly.severity]}`}>
            <p>
              <span className={`mark ${tones[anomaly.severity]}`}>{words[anomaly.severity]}</span>{' '}
              <strong>{words[anomaly.kind]}</strong>{' '}
              <a href={hashOf({ page: 'meter', id: anomaly.meter })}>{anomaly.meter}</a>{' '}
              <span className="muted">
                {instantText(anomaly.start)} ·{' '}
                {anomaly.end === null ? words.open : words.ended(instantText(anomaly.end))} ·{' '}
                {words.raised(instantText(anomaly.raisedAt))}
              </span>
            </p>
            <p className="evidence">{anomaly.evidence[language]}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
