/** A billing period: close it, see its proof, its charges by lease, its statements. Nothing optimistic near money. */
import { useState } from 'react';
import type { BillingRun, BillingRunRequest, Problem, StatementSummary } from '../../protocols/api.ts';
import { dateOf } from '../charts/span.ts';
import { ProblemError, request } from '../client.ts';
import { moneyText } from '../format.ts';
import { ChargesByLease } from './charges-by-lease.tsx';
import { ProblemNotice, ResourceState } from './problem-notice.tsx';
import { useInstantText, useSession } from './session.ts';
import { StatementList } from './statement-list.tsx';
import { useResource } from './use-resource.ts';

export function BillingPage() {
  const { words, timeZone } = useSession();
  const runs = useResource<{ items: BillingRun[] }>('/api/v1/billing-runs');
  const health = useResource<{ at: string }>('/api/v1/health');
  const [chosen, setChosen] = useState<string | null>(null);
  const run = runs.data?.items.find(({ period }) => period === chosen) ?? runs.data?.items[0];
  return (
    <>
      <h1>{words.billing}</h1>
      {health.data !== null && timeZone !== undefined && (
        <ClosePeriod
          initial={monthBefore(dateOf(health.data.at, timeZone))}
          closed={(period) => {
            setChosen(period);
            runs.reload();
          }}
        />
      )}
      <ResourceState resource={runs} />
      {runs.data !== null && run === undefined && <p className="notice">{words.noRuns}</p>}
      {runs.data !== null && runs.data.items.length > 1 && (
        <div className="controls">
          {runs.data.items.map(({ period }) => (
            <button
              type="button"
              className="button"
              key={period}
              aria-pressed={period === run?.period}
              onClick={() => setChosen(period)}
            >
              {period}
            </button>
          ))}
        </div>
      )}
      {run !== undefined && <IssuedRun key={run.period} run={run} />}
    </>
  );
}

function IssuedRun({ run }: { run: BillingRun }) {
  const statements = useResource<{ items: StatementSummary[] }>(`/api/v1/statements?period=${run.period}`);
  return (
    <>
      <RunResult run={run} />
      <ChargesByLease period={run.period} statements={statements.data?.items ?? []} />
      <StatementList statements={statements} />
    </>
  );
}

/** The last month that is over. */
function monthBefore(date: string): string {
  const at = new Date(`${date.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() - 1);
  return at.toISOString().slice(0, 7);
}

function ClosePeriod({ initial, closed }: { initial: string; closed: (period: string) => void }) {
  const { words, language } = useSession();
  const [period, setPeriod] = useState(initial);
  const [by, setBy] = useState('');
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  /** The period that was asked for and had been issued before. */
  const [already, setAlready] = useState<string | null>(null);
  const close = () => {
    setBusy(true);
    setProblem(null);
    setAlready(null);
    const signed = by.trim() !== '' && reason.trim() !== '';
    const body: BillingRunRequest = {
      period,
      ...(signed ? { acceptEstimates: { by: by.trim(), reason: reason.trim() } } : {}),
    };
    const headers = { 'idempotency-key': crypto.randomUUID() };
    request('/api/v1/billing-runs', { language, method: 'POST', body, headers })
      .then(
        ({ status }) => {
          // 201 is a run that this request made; 200 is the one that was there.
          if (status === 200) setAlready(period);
          closed(period);
        },
        (error: unknown) => {
          if (error instanceof ProblemError) setProblem(error.problem);
        },
      )
      .finally(() => setBusy(false));
  };
  return (
    <section>
      <div className="controls">
        <label>
          {words.period}{' '}
          <input type="month" value={period} onChange={({ target }) => setPeriod(target.value)} />
        </label>
        <button type="button" className="button primary" disabled={busy || period === ''} onClick={close}>
          {busy ? words.closing : words.close(period)}
        </button>
      </div>
      <p className="muted">{words.closeDetail}</p>
      <details className="estimates">
        <summary>{words.acceptEstimates}</summary>
        <div className="controls">
          <label>
            {words.acceptedBy}{' '}
            <input type="text" maxLength={80} value={by} onChange={({ target }) => setBy(target.value)} />
          </label>
          <label className="grow">
            {words.reason}{' '}
            <input
              type="text"
              maxLength={500}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
            />
          </label>
        </div>
      </details>
      {already !== null && (
        <p className="notice" role="status">
          {words.alreadyIssued(already)}
        </p>
      )}
      {problem !== null && <ProblemNotice problem={problem} />}
    </section>
  );
}

function RunResult({ run }: { run: BillingRun }) {
  const { words } = useSession();
  const instantText = useInstantText();
  return (
    <section>
      <h2>
        {run.period} <span className="mark good">{words[run.state]}</span>
      </h2>
      <p className="muted">
        {words.issuedAt(instantText(run.issuedAt))} · {words.chargeCount(run.charges)} ·{' '}
        {words.estimatedIntervals(run.estimatedIntervals)} · {words.manifest}{' '}
        <code>{run.manifest.slice(0, 16)}</code>
      </p>
      <ul className="equations">
        {run.utilities.map(({ utility, source, tenants, landlord, conserved }) => (
          <li key={utility} className={`notice ${conserved ? 'good' : 'bad'}`}>
            <Amount name={`${words[utility]} · ${words.supplierBill}`} value={source} />
            <span className="sign">=</span>
            <Amount name={words.tenants} value={tenants} />
            <span className="sign">+</span>
            <Amount name={words.landlordShare} value={landlord} />
            <span className={`mark ${conserved ? 'good' : 'bad'}`}>
              {conserved ? `✓ ${words.holds}` : `✕ ${words.fails}`}
            </span>
          </li>
        ))}
      </ul>
      <Proof run={run} />
    </section>
  );
}

function Amount({ name, value }: { name: string; value: string }) {
  return (
    <span className="amount">
      <span className="muted">{name}</span>
      <strong>{moneyText(value)}</strong>
    </span>
  );
}

function Proof({ run }: { run: BillingRun }) {
  const { words } = useSession();
  return (
    <>
      <h3>{words.proof}</h3>
      <div className="table">
        <table>
          <thead>
            <tr>
              <th scope="col">{words.component}</th>
              <th scope="col" className="number">
                {words.supplierBill}
              </th>
              <th scope="col" className="number">
                {words.tenants}
              </th>
              <th scope="col" className="number">
                {words.landlordShare}
              </th>
              <th scope="col">{words.verdict}</th>
            </tr>
          </thead>
          <tbody>
            {run.proof.map(({ utility, component, name, source, tenants, landlord, holds }) => (
              <tr key={`${utility} ${component}`}>
                <th scope="row">
                  {words[utility]} · {name}
                </th>
                <td className="number">{moneyText(source)}</td>
                <td className="number">{moneyText(tenants)}</td>
                <td className="number">{moneyText(landlord)}</td>
                <td>
                  <span className={`mark ${holds ? 'good' : 'bad'}`}>
                    {holds ? `✓ ${words.holds}` : `✕ ${words.fails}`}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{words.ledgerTotal}</th>
              <td className="number">{moneyText(run.ledgerTotal)}</td>
              <td colSpan={3} />
            </tr>
          </tfoot>
        </table>
      </div>
    </>
  );
}
