/** Credits by two: who asked, who approved, and whether it is posted. The second approves with a key of their own. */
import { useState } from 'react';
import type { Credit } from '../../protocols/billing-api.ts';
import { moneyText } from '../format.ts';
import { billingWords } from '../words/billing.ts';
import { ProblemNotice, ResourceState } from './problem-notice.tsx';
import { useInstantText, useSession } from './session.ts';
import { useCommand } from './use-command.ts';
import type { Resource } from './use-resource.ts';

const tones = { requested: 'warn', approved: 'good', refused: '' } as const;

export function CreditList({ credits }: { credits: Resource<{ items: Credit[] }> }) {
  const { language } = useSession();
  const words = billingWords[language];
  return (
    <section>
      <h2>{words.credits}</h2>
      <p className="muted">{words.creditDetail}</p>
      <ResourceState resource={credits} />
      {credits.data?.items.length === 0 && <p className="notice">{words.noCredits}</p>}
      <ul className="anomalies">
        {credits.data?.items.map((credit) => (
          <CreditCase key={credit.id} credit={credit} decided={credits.reload} />
        ))}
      </ul>
    </section>
  );
}

function CreditCase({ credit, decided }: { credit: Credit; decided: () => void }) {
  const { words: staff, language } = useSession();
  const words = billingWords[language];
  const instantText = useInstantText();
  const { charge, gross, reason, requestedBy, requestedAt, state, decidedBy, decidedAt, posted } = credit;
  const person = (name: string): string => (name === 'operator' ? words.operator : name);
  return (
    <li className={`notice ${tones[state]}`}>
      <p>
        <span className={`mark ${tones[state]}`}>{words[`credit_${state}`]}</span>{' '}
        <strong>{moneyText(gross)}</strong>{' '}
        {state === 'approved' && (
          <span className={`mark ${posted === null ? 'warn' : 'good'}`}>
            {posted === null ? words.notPosted : words.posted}
          </span>
        )}
      </p>
      <dl className="facts">
        <div>
          <dt>{words.charge}</dt>
          <dd>
            <code>{charge}</code>
          </dd>
        </div>
        <div>
          <dt>{staff.reason}</dt>
          <dd>{reason}</dd>
        </div>
        <div>
          <dt>{words.requestedBy}</dt>
          <dd>
            {person(requestedBy)} <span className="muted">{instantText(requestedAt)}</span>
          </dd>
        </div>
        {decidedBy !== null && decidedAt !== null && (
          <div>
            <dt>{words.decidedBy}</dt>
            <dd>
              {person(decidedBy)} <span className="muted">{instantText(decidedAt)}</span>
            </dd>
          </div>
        )}
      </dl>
      {state === 'requested' && <Approval credit={credit} decided={decided} />}
    </li>
  );
}

function Approval({ credit, decided }: { credit: Credit; decided: () => void }) {
  const { language } = useSession();
  const words = billingWords[language];
  const command = useCommand();
  const [key, setKey] = useState('');
  const own = credit.requestedBy === 'operator';
  const decide = (approved: boolean) => {
    const headers = key.trim() === '' ? {} : { authorization: `Bearer ${key.trim()}` };
    setKey('');
    void command
      .send<Credit>(`/api/v1/credits/${credit.id}/decision`, { approved }, { headers })
      .then((done) => done !== null && decided());
  };
  return (
    <>
      <div className="controls after">
        {own && (
          <label className="field">
            {words.approverKey}
            <input
              type="password"
              autoComplete="off"
              maxLength={200}
              value={key}
              onChange={({ target }) => setKey(target.value)}
            />
          </label>
        )}
        <button
          type="button"
          className="button primary"
          disabled={command.busy || (own && key.trim() === '')}
          onClick={() => decide(true)}
        >
          {words.approve}
        </button>
        <button type="button" className="button" disabled={command.busy} onClick={() => decide(false)}>
          {words.refuse}
        </button>
      </div>
      {own && <p className="muted">{words.approverKeyDetail}</p>}
      {command.problem !== null && <ProblemNotice problem={command.problem} />}
    </>
  );
}
