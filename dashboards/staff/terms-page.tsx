/** What the park bills by: tariffs and sharing rules, version by version, the supplier's bills, and a dry run of today's terms. */
import { useState } from 'react';
import type { BillingRun } from '../../protocols/api.ts';
import type { BillingTermsView, PeriodCorrection } from '../../protocols/billing-api.ts';
import { termsWords } from '../words/terms.ts';
import { CorrectionLines } from './period-corrections.tsx';
import { ProblemNotice, ResourceState } from './problem-notice.tsx';
import { RuleCard } from './rule-card.tsx';
import { useSession } from './session.ts';
import { SourceBills } from './source-bills.tsx';
import { TariffCard } from './tariff-card.tsx';
import { useCommand } from './use-command.ts';
import { useResource } from './use-resource.ts';

export function TermsPage() {
  const { language } = useSession();
  const words = termsWords[language];
  const terms = useResource<BillingTermsView>('/api/v1/billing-terms');
  return (
    <>
      <h1>{words.terms}</h1>
      <p className="muted lead">{words.termsDetail}</p>
      <ResourceState resource={terms} />
      {terms.data !== null && <Terms terms={terms.data} />}
      <DryRun />
    </>
  );
}

/** Versions of one id together, the newest last. */
const byId = <T extends { id: string; version: number }>(all: readonly T[]): [string, T[]][] =>
  [...Map.groupBy(all, ({ id }) => id)].map(([id, versions]) => [
    id,
    versions.toSorted((one, other) => one.version - other.version),
  ]);

function Terms({ terms }: { terms: BillingTermsView }) {
  const { language } = useSession();
  const words = termsWords[language];
  return (
    <>
      <section>
        <h2>{words.tariffs}</h2>
        {terms.tariffs.length === 0 && <p className="notice">{words.noTariffs}</p>}
        {byId(terms.tariffs).map(([id, versions]) => (
          <TariffCard key={id} versions={versions} />
        ))}
      </section>
      <section>
        <h2>{words.rules}</h2>
        {terms.rules.length === 0 && <p className="notice">{words.noRules}</p>}
        {byId(terms.rules).map(([id, versions]) => (
          <RuleCard key={id} versions={versions} terms={terms} />
        ))}
      </section>
      <SourceBills bills={terms.sourceBills} />
    </>
  );
}

/** The correction that today's terms would make of an issued period, looked at and not made. */
function DryRun() {
  const { language } = useSession();
  const words = termsWords[language];
  const runs = useResource<{ items: BillingRun[] }>('/api/v1/billing-runs');
  const command = useCommand();
  const [seen, setSeen] = useState<PeriodCorrection | null>(null);
  const run = (period: string) => {
    setSeen(null);
    const body = { cause: words.dryRunOf(period), basis: 'current', dryRun: true };
    void command.send<PeriodCorrection>(`/api/v1/billing-runs/${period}/corrections`, body).then(setSeen);
  };
  return (
    <section>
      <h2>{words.dryRun}</h2>
      <p className="muted">{words.dryRunDetail}</p>
      <ResourceState resource={runs} />
      {runs.data?.items.length === 0 && <p className="notice">{words.noIssued}</p>}
      <div className="controls after">
        {runs.data?.items.map(({ period }) => (
          <button
            type="button"
            className="button"
            key={period}
            disabled={command.busy}
            onClick={() => run(period)}
          >
            {words.dryRunOf(period)}
          </button>
        ))}
      </div>
      {command.problem?.code === 'nothing_to_correct' ? (
        <p className="notice good" role="status">
          ✓ {words.same}
        </p>
      ) : (
        command.problem !== null && <ProblemNotice problem={command.problem} />
      )}
      {seen !== null && <CorrectionLines correction={seen} />}
    </section>
  );
}
