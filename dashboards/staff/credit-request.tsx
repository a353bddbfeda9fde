/** Asks for a credit on one charge. Somebody else approves it: on the page of disputes and credits. */
import { useState } from 'react';
import type { Charge } from '../../protocols/api.ts';
import type { Credit } from '../../protocols/billing-api.ts';
import { billingWords } from '../words/billing.ts';
import { Field } from './period-actions.tsx';
import { ProblemNotice } from './problem-notice.tsx';
import { hashOf } from './route.ts';
import { useSession } from './session.ts';
import { useCommand } from './use-command.ts';

/** An amount such as people write it: up to two decimals. */
export const isAmount = (text: string): boolean => /^\d{1,9}(\.\d{1,2})?$/.test(text);

export function CreditRequest({ charge }: { charge: Charge }) {
  const { words: staff, language } = useSession();
  const words = billingWords[language];
  const command = useCommand();
  const [gross, setGross] = useState('');
  const [reason, setReason] = useState('');
  const [asked, setAsked] = useState<Credit | null>(null);
  if (asked !== null)
    return (
      <p className="notice good" role="status">
        ✓ {words.creditRequested} <a href={hashOf({ page: 'cases' })}>{words.cases}</a>
      </p>
    );
  const ask = () =>
    void command
      .send<Credit>('/api/v1/credits', { charge: charge.key, gross: gross.trim(), reason: reason.trim() })
      .then(setAsked);
  return (
    <>
      <div className="controls">
        <Field name={words.creditAmount} value={gross} change={setGross} />
        <Field name={staff.reason} value={reason} change={setReason} />
        <button
          type="button"
          className="button primary"
          disabled={command.busy || !isAmount(gross.trim()) || reason.trim() === ''}
          onClick={ask}
        >
          {words.requestCredit}
        </button>
      </div>
      {command.problem !== null && <ProblemNotice problem={command.problem} />}
    </>
  );
}
