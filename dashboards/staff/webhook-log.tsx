/** What one endpoint was sent: every attempt with its answer, what was given up, and the replay of it. */
import { useState } from 'react';
import type { z } from 'zod';
import type { DeliveryAttempt, LedgerEvent, Webhook } from '../../protocols/billing-api.ts';
import { deliveryWords } from '../words/delivery.ts';
import { ProblemNotice, ResourceState } from './problem-notice.tsx';
import { ScrollTable } from './scroll-table.tsx';
import { useInstantText, useSession } from './session.ts';
import { useCommand } from './use-command.ts';
import { useResource } from './use-resource.ts';

type Attempt = z.infer<typeof DeliveryAttempt>;
type Event = z.infer<typeof LedgerEvent>;

export function WebhookLog({ webhook, changed }: { webhook: Webhook; changed: () => void }) {
  const { language } = useSession();
  const words = deliveryWords[language];
  const path = `/api/v1/webhooks/${webhook.id}`;
  const attempts = useResource<{ items: Attempt[] }>(`${path}/deliveries?limit=100`, 15);
  const dead = useResource<{ items: Event[] }>(`${path}/dead-letters`, 15);
  const command = useCommand();
  const [handed, setHanded] = useState<number | null>(null);
  const replay = async (body: object) => {
    const done = await command.send<{ handed: number }>(`${path}/replay`, body);
    if (done === null) return;
    setHanded(done.handed);
    attempts.reload();
    dead.reload();
    changed();
  };
  return (
    <>
      <h3>{words.deadLetters}</h3>
      <p className="muted">{words.deadDetail}</p>
      <ResourceState resource={dead} />
      {dead.data?.items.length === 0 && <p className="muted">{words.noDead}</p>}
      {dead.data !== null && dead.data.items.length > 0 && <DeadLetters events={dead.data.items} />}
      <div className="controls after">
        <button
          type="button"
          className="button primary"
          disabled={command.busy || webhook.endedAt !== null || (dead.data?.items.length ?? 0) === 0}
          onClick={() => void replay({ deadLetters: true })}
        >
          {words.replayDead}
        </button>
        <button
          type="button"
          className="button"
          disabled={command.busy || webhook.endedAt !== null}
          onClick={() => void replay({ since: '0' })}
        >
          {words.replayAll}
        </button>
        {handed !== null && <span role="status">{words.replayed(handed)}</span>}
      </div>
      {command.problem !== null && <ProblemNotice problem={command.problem} />}
      <h3>{words.log}</h3>
      <ResourceState resource={attempts} />
      {attempts.data?.items.length === 0 && <p className="muted">{words.noLog}</p>}
      {attempts.data !== null && attempts.data.items.length > 0 && (
        <Attempts attempts={attempts.data.items} />
      )}
    </>
  );
}

function DeadLetters({ events }: { events: Event[] }) {
  const { language } = useSession();
  const words = deliveryWords[language];
  const instantText = useInstantText();
  return (
    <ScrollTable name={words.deadLetters} long>
      <thead>
        <tr>
          <th scope="col">{words.at}</th>
          <th scope="col">{words.event}</th>
          <th scope="col">{words.subject}</th>
        </tr>
      </thead>
      <tbody>
        {events.map(({ id, type, subject, time }) => (
          <tr key={id}>
            <td>{instantText(time)}</td>
            <td>
              {type} <span className="muted mono">{id}</span>
            </td>
            <td className="mono">{subject}</td>
          </tr>
        ))}
      </tbody>
    </ScrollTable>
  );
}

const SUCCESS = 200;
const REDIRECTION = 300;
const isDelivered = (status: number | null): boolean =>
  status !== null && status >= SUCCESS && status < REDIRECTION;

function Attempts({ attempts }: { attempts: Attempt[] }) {
  const { language } = useSession();
  const words = deliveryWords[language];
  const instantText = useInstantText();
  return (
    <ScrollTable name={words.log} long>
      <thead>
        <tr>
          <th scope="col">{words.at}</th>
          <th scope="col">{words.result}</th>
          <th scope="col">{words.subject}</th>
          <th scope="col" className="number">
            {words.attempt}
          </th>
          <th scope="col" className="number">
            {words.took}
          </th>
          <th scope="col">{words.detail}</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map(({ number, type, subject, attempt, at, status, detail, milliseconds }) => (
          <tr key={number}>
            <td>{instantText(at)}</td>
            <td>
              <span className={`mark ${isDelivered(status) ? 'good' : 'bad'}`}>
                {isDelivered(status) ? `✓ ${words.accepted}` : `✕ ${words.refused}`}
              </span>{' '}
              {status === null ? words.noAnswer : `HTTP ${status}`}
            </td>
            <td>
              <span className="mono">{subject}</span> <span className="muted">{type}</span>
            </td>
            <td className="number">{attempt}</td>
            <td className="number">{milliseconds} ms</td>
            <td className="note">{detail}</td>
          </tr>
        ))}
      </tbody>
    </ScrollTable>
  );
}
