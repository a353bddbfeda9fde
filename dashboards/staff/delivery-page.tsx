/** The books compared, and what external ledgers were told of them: endpoints, every attempt, dead letters and their replay. */
import { useState } from 'react';
import type { MintedWebhook, Webhook } from '../../protocols/billing-api.ts';
import { deliveryWords } from '../words/delivery.ts';
import { BooksCheck } from './books-check.tsx';
import { Field } from './period-actions.tsx';
import { ProblemNotice, ResourceState } from './problem-notice.tsx';
import { useInstantText, useSession } from './session.ts';
import { useCommand } from './use-command.ts';
import { useResource } from './use-resource.ts';
import { WebhookLog } from './webhook-log.tsx';

export function DeliveryPage() {
  const { language } = useSession();
  const words = deliveryWords[language];
  const webhooks = useResource<{ items: Webhook[] }>('/api/v1/webhooks', 15);
  return (
    <>
      <h1>{words.delivery}</h1>
      <BooksCheck />
      <section>
        <h2>{words.webhooks}</h2>
        <ResourceState resource={webhooks} />
        {webhooks.data?.items.length === 0 && <p className="notice">{words.noWebhooks}</p>}
        <ul className="anomalies">
          {webhooks.data?.items.map((webhook) => (
            <Endpoint key={webhook.id} webhook={webhook} changed={webhooks.reload} />
          ))}
        </ul>
        <NewEndpoint added={webhooks.reload} />
      </section>
    </>
  );
}

function Endpoint({ webhook, changed }: { webhook: Webhook; changed: () => void }) {
  const { language } = useSession();
  const words = deliveryWords[language];
  const instantText = useInstantText();
  const [open, setOpen] = useState(false);
  const { id, url, description, createdAt, endedAt, pending, delivered, dead } = webhook;
  return (
    <li className={`notice ${dead > 0 ? 'bad' : endedAt === null ? 'good' : ''}`}>
      <p>
        <span className={`mark ${endedAt === null ? 'good' : ''}`}>
          {endedAt === null ? words.active : `${words.ended} ${instantText(endedAt)}`}
        </span>{' '}
        <strong className="address">{url}</strong> <span className="muted">{description}</span>
      </p>
      <dl className="facts inline">
        <div>
          <dt>{words.delivered}</dt>
          <dd>{delivered}</dd>
        </div>
        <div>
          <dt>{words.pending}</dt>
          <dd className={pending > 0 ? 'stale' : ''}>{pending}</dd>
        </div>
        <div>
          <dt>{words.dead}</dt>
          <dd className={dead > 0 ? 'wrong' : ''}>
            {dead}
            {dead > 0 && <span aria-hidden="true"> !</span>}
          </dd>
        </div>
        <div>
          <dt>{words.since}</dt>
          <dd>{instantText(createdAt)}</dd>
        </div>
      </dl>
      <div className="controls after">
        <button type="button" className="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {words.log}
        </button>
        {endedAt === null && <EndEndpoint id={id} ended={changed} />}
      </div>
      {open && <WebhookLog webhook={webhook} changed={changed} />}
    </li>
  );
}

function EndEndpoint({ id, ended }: { id: string; ended: () => void }) {
  const { language } = useSession();
  const words = deliveryWords[language];
  const command = useCommand();
  const [sure, setSure] = useState(false);
  // 204 has no body: what tells a refusal is the problem, so the list is asked again either way.
  const end = () =>
    void command.send(`/api/v1/webhooks/${id}`, undefined, { method: 'DELETE' }).then(() => ended());
  return (
    <>
      {sure ? (
        <>
          <span className="muted">{words.endDetail}</span>
          <button type="button" className="button primary" disabled={command.busy} onClick={end}>
            {words.endNow}
          </button>
          <button type="button" className="button" onClick={() => setSure(false)}>
            {words.back}
          </button>
        </>
      ) : (
        <button type="button" className="button" onClick={() => setSure(true)}>
          {words.end}…
        </button>
      )}
      {command.problem !== null && <ProblemNotice problem={command.problem} />}
    </>
  );
}

function NewEndpoint({ added }: { added: () => void }) {
  const { language } = useSession();
  const words = deliveryWords[language];
  const command = useCommand();
  const [url, setUrl] = useState('');
  const [description, setDescription] = useState('');
  const [minted, setMinted] = useState<MintedWebhook | null>(null);
  const add = async () => {
    const done = await command.send<MintedWebhook>('/api/v1/webhooks', {
      url: url.trim(),
      description: description.trim(),
    });
    if (done === null) return;
    setMinted(done);
    setUrl('');
    setDescription('');
    added();
  };
  return (
    <details className="more">
      <summary>{words.add}</summary>
      <div className="controls">
        <Field name={words.address} value={url} change={setUrl} />
        <Field name={words.description} value={description} change={setDescription} />
        <button
          type="button"
          className="button primary"
          disabled={command.busy || url.trim() === ''}
          onClick={() => void add()}
        >
          {words.add}
        </button>
      </div>
      {minted?.secret !== null && minted !== null && (
        <p className="notice warn" role="status">
          {words.secretOnce} <code className="address">{minted.secret}</code>
        </p>
      )}
      {command.problem !== null && <ProblemNotice problem={command.problem} />}
    </details>
  );
}
