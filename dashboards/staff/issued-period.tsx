/** An issued period: what was issued and its proof, corrections, closing, charges by lease, statements. */
import { useState } from 'react';
import type { BillingRun, StatementSummary } from '../../protocols/api.ts';
import type { RecomputedRun } from '../../protocols/billing-api.ts';
import { billingWords } from '../words/billing.ts';
import type { PeriodPart } from './billing-page.tsx';
import { ChargesByLease } from './charges-by-lease.tsx';
import { FinalStep } from './period-actions.tsx';
import { PeriodCorrections } from './period-corrections.tsx';
import { ProblemNotice, ResourceState } from './problem-notice.tsx';
import { Equations, Proof } from './run-proof.tsx';
import { useInstantText, useSession } from './session.ts';
import { StatementList } from './statement-list.tsx';
import { useCommand } from './use-command.ts';
import { useResource } from './use-resource.ts';

export function IssuedPeriod(part: PeriodPart) {
  const { period, status } = part;
  const { language } = useSession();
  const words = billingWords[language];
  const run = useResource<BillingRun>(`/api/v1/billing-runs/${period}`);
  const statements = useResource<{ items: StatementSummary[] }>(`/api/v1/statements?period=${period}`);
  return (
    <>
      <ResourceState resource={run} />
      {run.data !== null && <RunResult run={run.data} revision={status.revision ?? 0} />}
      <StatementList statements={statements} />
      <ChargesByLease period={period} statements={statements.data?.items ?? []} />
      <PeriodCorrections {...part} />
      {status.state === 'issued' && (
        <section>
          <FinalStep {...part} ready command="close" detail={words.closeDetail} />
        </section>
      )}
    </>
  );
}

function RunResult({ run, revision }: { run: BillingRun; revision: number }) {
  const { words, language } = useSession();
  const instantText = useInstantText();
  return (
    <section>
      <h2>
        {run.period} <span className="mark good">{words[run.state]}</span>
        {revision > 0 && <span className="mark warn">{billingWords[language].revision(revision)}</span>}
      </h2>
      <p className="muted">
        {words.issuedAt(instantText(run.issuedAt))} · {words.chargeCount(run.charges)} ·{' '}
        {words.estimatedIntervals(run.estimatedIntervals)} · {words.manifest}{' '}
        <code>{run.manifest.slice(0, 16)}</code>
      </p>
      <Equations run={run} />
      <Proof run={run} />
      <Recompute period={run.period} />
    </section>
  );
}

/** The run computed again from what was recorded with it, compared byte by byte. */
function Recompute({ period }: { period: string }) {
  const { language } = useSession();
  const words = billingWords[language];
  const command = useCommand();
  const [result, setResult] = useState<RecomputedRun | null>(null);
  const ask = () =>
    void command.send<RecomputedRun>(`/api/v1/billing-runs/${period}/recompute`, {}).then(setResult);
  return (
    <div className="controls after">
      <button type="button" className="button" disabled={command.busy} onClick={ask}>
        {command.busy ? `${words.working}…` : words.recompute}
      </button>
      {result !== null && (
        <span role="status" className={`mark ${result.identical ? 'good' : 'bad'}`}>
          {result.identical ? `✓ ${words.recomputed(result.statements)}` : `✕ ${words.recomputeDiffers}`}
        </span>
      )}
      {result !== null && !result.identical && <p>{result.differences.join('; ')}</p>}
      {command.problem !== null && <ProblemNotice problem={command.problem} />}
    </div>
  );
}
