/** The way of a period as a checklist, with the record of who took which step. */
import type { PeriodStatus, RunState } from '../../protocols/billing-api.ts';
import { type BillingWords, billingWords } from '../words/billing.ts';
import { ScrollTable } from './scroll-table.tsx';
import { useInstantText, useSession } from './session.ts';

const states = ['open', 'checked', 'computed', 'reviewed', 'issued', 'closed'] as const;
const names = {
  open: 'stateOpen',
  checked: 'stateChecked',
  computed: 'stateComputed',
  reviewed: 'stateReviewed',
  issued: 'stateIssued',
  closed: 'stateClosed',
} as const satisfies Record<RunState, keyof BillingWords>;

export function PeriodSteps({ status }: { status: PeriodStatus }) {
  const { language } = useSession();
  const words = billingWords[language];
  const at = states.indexOf(status.state);
  return (
    <section aria-label={words.steps}>
      <ol className="steps">
        {states.map((state, index) => (
          <li
            key={state}
            className={index < at ? 'done' : index === at ? 'now' : ''}
            aria-current={index === at ? 'step' : undefined}
          >
            <span className="step-mark" aria-hidden="true">
              {index < at || status.state === 'closed' ? '✓' : index + 1}
            </span>
            {words[names[state]]}
            <span className="visually-hidden">
              {' '}
              {index < at ? words.done : index === at ? words.now : words.ahead}
            </span>
          </li>
        ))}
      </ol>
      {status.steps.length > 0 && <StepRecord steps={status.steps} />}
    </section>
  );
}

function StepRecord({ steps }: Pick<PeriodStatus, 'steps'>) {
  const { language } = useSession();
  const words = billingWords[language];
  const instantText = useInstantText();
  return (
    <details className="more">
      <summary>
        {words.history} <span className="muted">{steps.length}</span>
      </summary>
      <ScrollTable name={words.history}>
        <thead>
          <tr>
            <th scope="col">{words.when}</th>
            <th scope="col">{words.what}</th>
            <th scope="col">{words.who}</th>
            <th scope="col">{words.note}</th>
          </tr>
        </thead>
        <tbody>
          {steps.map(({ state, at, actor, detail }, index) => (
            // Steps are only ever added.
            // biome-ignore lint/suspicious/noArrayIndexKey: their place is what tells them apart
            <tr key={index}>
              <td>{instantText(at)}</td>
              <td>{words[names[state]]}</td>
              <td>{actor === 'operator' ? words.operator : actor}</td>
              <td className="note">{noteOf(detail)}</td>
            </tr>
          ))}
        </tbody>
      </ScrollTable>
    </details>
  );
}

/** The reason, the signature under estimates, the beginning of the digest: what of them there is. */
function noteOf(detail: Record<string, unknown>): string {
  const { reason, manifest, acceptEstimates } = detail;
  const signed = acceptEstimates as { by: string; reason: string } | null | undefined;
  return [
    typeof reason === 'string' ? reason : '',
    signed ? `${signed.by}: ${signed.reason}` : '',
    typeof manifest === 'string' ? manifest.slice(0, 16) : '',
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
