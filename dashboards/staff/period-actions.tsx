/** The steps that people take on a period. Whatever leaves the house is asked about twice. */
import { type ReactNode, useEffect, useState } from 'react';
import type { PeriodStatus, RunStepRequest } from '../../protocols/billing-api.ts';
import { billingWords } from '../words/billing.ts';
import type { PeriodPart } from './billing-page.tsx';
import { ProblemNotice } from './problem-notice.tsx';
import { useSession } from './session.ts';
import { type Command, useCommand } from './use-command.ts';

interface Step extends Command {
  take(request: RunStepRequest): void;
}

export function useStep({ period, taken, setAsking }: PeriodPart): Step {
  const command = useCommand();
  const { busy } = command;
  useEffect(() => {
    setAsking(busy);
  }, [busy, setAsking]);
  const take = (request: RunStepRequest) => {
    void command
      .send<PeriodStatus>(`/api/v1/billing-runs/${period}/steps`, request)
      .then((status) => status !== null && taken());
  };
  return { ...command, take };
}

interface FrameProps {
  title: string;
  detail: string;
  step: Step;
  children: ReactNode;
}

/** The next step: what it does, its button, and why it was refused. */
export function StepFrame({ title, detail, step, children }: FrameProps) {
  const { language } = useSession();
  const words = billingWords[language];
  return (
    <div className="next-step">
      <h3>
        <span className="muted">{words.nextStep}</span> {title}
      </h3>
      <p className="muted">{detail}</p>
      {children}
      {step.problem !== null && <ProblemNotice problem={step.problem} />}
    </div>
  );
}

export function Field({ name, value, change }: { name: string; value: string; change(text: string): void }) {
  return (
    <label className="field">
      {name}
      <input type="text" maxLength={300} value={value} onChange={({ target }) => change(target.value)} />
    </label>
  );
}

type Ready = PeriodPart & { ready: boolean };

export function CheckStep({ ready, ...part }: Ready) {
  const { language } = useSession();
  const words = billingWords[language];
  const step = useStep(part);
  return (
    <StepFrame title={words.check} detail={words.checkDetail} step={step}>
      <button
        type="button"
        className="button primary"
        disabled={!ready || step.busy}
        onClick={() => step.take({ command: 'check' })}
      >
        {step.busy ? `${words.working}…` : words.check}
      </button>
    </StepFrame>
  );
}

export function ComputeStep({ ready, estimates, ...part }: Ready & { estimates: boolean }) {
  const { language } = useSession();
  const words = billingWords[language];
  const step = useStep(part);
  const [by, setBy] = useState('');
  const [reason, setReason] = useState('');
  const signed = by.trim() !== '' && reason.trim() !== '';
  const compute = () =>
    step.take({
      command: 'compute',
      ...(estimates && { acceptEstimates: { by: by.trim(), reason: reason.trim() } }),
    });
  return (
    <StepFrame title={words.compute} detail={words.computeDetail} step={step}>
      {estimates && (
        <fieldset className="signature">
          <legend>▨ {words.signEstimates}</legend>
          <Field name={words.signedBy} value={by} change={setBy} />
          <Field name={words.because} value={reason} change={setReason} />
        </fieldset>
      )}
      <button
        type="button"
        className="button primary"
        disabled={!ready || step.busy || (estimates && !signed)}
        onClick={compute}
      >
        {step.busy ? `${words.working}…` : words.compute}
      </button>
    </StepFrame>
  );
}

export function ReviewStep({ ready, ...part }: Ready) {
  const { language } = useSession();
  const words = billingWords[language];
  const step = useStep(part);
  const [note, setNote] = useState('');
  const reason = note.trim();
  return (
    <StepFrame title={words.review} detail={words.reviewDetail} step={step}>
      <Field name={words.reviewNote} value={note} change={setNote} />
      <div className="controls">
        <button
          type="button"
          className="button primary"
          disabled={!ready || step.busy || reason === ''}
          onClick={() => step.take({ command: 'review', reason })}
        >
          {step.busy ? `${words.working}…` : words.review}
        </button>
        <button
          type="button"
          className="button"
          disabled={step.busy}
          onClick={() => step.take({ command: 'cancel', ...(reason !== '' && { reason }) })}
        >
          {words.cancel}
        </button>
      </div>
    </StepFrame>
  );
}

interface FinalProps extends Ready {
  command: 'issue' | 'close';
  detail: string;
}

/** Issue and close: said once, asked once more. */
export function FinalStep({ ready, command, detail, ...part }: FinalProps) {
  const { language } = useSession();
  const words = billingWords[language];
  const step = useStep(part);
  const [sure, setSure] = useState(false);
  return (
    <StepFrame title={words[command]} detail={detail} step={step}>
      <div className="controls">
        {sure ? (
          <>
            <button
              type="button"
              className="button primary"
              disabled={!ready || step.busy}
              onClick={() => step.take({ command })}
            >
              {step.busy ? `${words.working}…` : words[`${command}Now`]}
            </button>
            <button type="button" className="button" disabled={step.busy} onClick={() => setSure(false)}>
              {words.back}
            </button>
          </>
        ) : (
          <button type="button" className="button" disabled={!ready} onClick={() => setSure(true)}>
            {words[command]}…
          </button>
        )}
        {command === 'issue' && !sure && (
          <button
            type="button"
            className="button"
            disabled={step.busy}
            onClick={() => step.take({ command: 'cancel' })}
          >
            {words.cancel}
          </button>
        )}
      </div>
    </StepFrame>
  );
}
