/** What tenants contest and what is granted: disputes with the line that is held, credits that need a second pair of eyes. */
import { useState } from 'react';
import type { Credit, Dispute } from '../../protocols/billing-api.ts';
import { moneyText, sumOf } from '../format.ts';
import { billingWords } from '../words/billing.ts';
import { CreditList } from './credit-list.tsx';
import { isAmount } from './credit-request.tsx';
import { Field } from './period-actions.tsx';
import { ProblemNotice, ResourceState } from './problem-notice.tsx';
import { hashOf } from './route.ts';
import { useInstantText, useSession } from './session.ts';
import { useCommand } from './use-command.ts';
import { useResource } from './use-resource.ts';

export function CasesPage() {
  const { language } = useSession();
  const words = billingWords[language];
  const disputes = useResource<{ items: Dispute[] }>('/api/v1/disputes', 30);
  const credits = useResource<{ items: Credit[] }>('/api/v1/credits', 30);
  const open = disputes.data?.items.filter(({ state }) => state === 'open') ?? [];
  const held = sumOf(
    open.map(({ gross }) => gross),
    2,
  );
  const decided = () => {
    disputes.reload();
    credits.reload();
  };
  return (
    <>
      <h1>{words.cases}</h1>
      <section>
        <h2>
          {words.disputes}{' '}
          {open.length > 0 && (
            <span className="mark warn">{words.openDisputes(open.length, moneyText(held))}</span>
          )}
        </h2>
        <ResourceState resource={disputes} />
        {disputes.data?.items.length === 0 && <p className="notice good">{words.noDisputes}</p>}
        <ul className="anomalies">
          {disputes.data?.items.map((dispute) => (
            <DisputeCase key={dispute.id} dispute={dispute} decided={decided} />
          ))}
        </ul>
      </section>
      <CreditList credits={credits} />
    </>
  );
}

const tones = { open: 'warn', credited: 'good', rejected: '' } as const;

function DisputeCase({ dispute, decided }: { dispute: Dispute; decided: () => void }) {
  const { words: staff, language } = useSession();
  const words = billingWords[language];
  const instantText = useInstantText();
  const { tenant, lease, period, line, gross, reason, openedAt, state, decision, statement } = dispute;
  return (
    <li className={`notice ${tones[state]}`}>
      <p>
        <span className={`mark ${tones[state]}`}>{words[`dispute_${state}`]}</span> <strong>{tenant}</strong>{' '}
        <span className="muted">
          {lease} · {instantText(openedAt)}
        </span>{' '}
        <a data-row href={hashOf({ page: 'billing', period })}>
          {period}
        </a>
      </p>
      <dl className="facts">
        <div>
          <dt>{words.heldLine}</dt>
          <dd>
            <code>{line}</code> <span className="muted">{statement}</span>
          </dd>
        </div>
        <div>
          <dt>{words.heldAmount}</dt>
          <dd>
            <strong>{moneyText(gross)}</strong>{' '}
            {state === 'open' && <span className="muted">{words.restDue}</span>}
          </dd>
        </div>
        <div>
          <dt>{words.tenantSays}</dt>
          <dd>{reason}</dd>
        </div>
        {decision !== null && (
          <div>
            <dt>{staff.reason}</dt>
            <dd>
              {decision.reason}{' '}
              <span className="muted">
                {decision.actor === 'operator' ? words.operator : decision.actor} · {instantText(decision.at)}
              </span>
            </dd>
          </div>
        )}
      </dl>
      {state === 'open' && <Decision dispute={dispute} decided={decided} />}
    </li>
  );
}

function Decision({ dispute, decided }: { dispute: Dispute; decided: () => void }) {
  const { language } = useSession();
  const words = billingWords[language];
  const command = useCommand();
  const [reason, setReason] = useState('');
  const [credit, setCredit] = useState('');
  const amount = credit.trim();
  const body = { reason: reason.trim(), ...(amount !== '' && { credit: amount }) };
  const decide = () =>
    void command
      .send<Dispute>(`/api/v1/disputes/${dispute.id}/decision`, body)
      .then((done) => done !== null && decided());
  return (
    <details className="more">
      <summary>{words.decide}</summary>
      <div className="controls">
        <Field name={words.decisionReason} value={reason} change={setReason} />
        <Field name={words.creditInstead} value={credit} change={setCredit} />
        <button
          type="button"
          className="button primary"
          disabled={command.busy || body.reason === '' || (amount !== '' && !isAmount(amount))}
          onClick={decide}
        >
          {amount === '' ? words.reject : `${words.grant} ${isAmount(amount) ? moneyText(amount) : ''}`}
        </button>
      </div>
      <p className="muted">{words.creditFollows}</p>
      {command.problem !== null && <ProblemNotice problem={command.problem} />}
    </details>
  );
}
