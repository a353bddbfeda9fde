/** The work on a period while it runs: how far it is, what is left, and the way to stop it. */
import { useEffect, useState } from 'react';
import type { RunProgress } from '../../protocols/billing-api.ts';
import { durationText } from '../format.ts';
import { billingWords } from '../words/billing.ts';
import { ProblemNotice } from './problem-notice.tsx';
import { useInstantText, useSession } from './session.ts';
import { useCommand } from './use-command.ts';

export function PeriodProgress({ period, progress }: { period: string; progress: RunProgress }) {
  const { language } = useSession();
  const words = billingWords[language];
  const instantText = useInstantText();
  const stop = useCommand();
  const left = useSecondsLeft(progress);
  const { phase, done, total, startedAt } = progress;
  return (
    <section className="notice" role="status">
      <div className="controls">
        <strong>{words.working}</strong> {words[`phase_${phase}`]}
        {total > 1 && <span>{words.progressOf(String(done), String(total))}</span>}
        {left !== null && <span className="muted">{words.remaining(durationText(left))}</span>}
        <span className="muted">{words.started(instantText(startedAt))}</span>
        {phase !== 'issue' && (
          <button
            type="button"
            className="button"
            disabled={stop.busy}
            onClick={() => void stop.send(`/api/v1/billing-runs/${period}/steps`, { command: 'cancel' })}
          >
            {words.cancelWork}
          </button>
        )}
      </div>
      <progress aria-label={words.working} {...(total > 1 ? { value: done, max: total } : {})} />
      {stop.problem !== null && <ProblemNotice problem={stop.problem} />}
    </section>
  );
}

/** At the pace of the phase so far; null until there is one. */
function useSecondsLeft({ phase, done, total }: RunProgress): number | null {
  const [since, setSince] = useState({ phase, done, atMs: Date.now() });
  useEffect(() => {
    setSince((before) => (before.phase === phase ? before : { phase, done, atMs: Date.now() }));
  }, [phase, done]);
  const [ran, seconds] = [done - since.done, (Date.now() - since.atMs) / 1000];
  if (since.phase !== phase || ran <= 0 || total <= done) return null;
  return Math.ceil((seconds / ran) * (total - done));
}
