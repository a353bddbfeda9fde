/** The month's close: which period, and its steps from open to closed. Nothing optimistic near money: what is shown was answered. */
import { useEffect, useState } from 'react';
import type { BillingRun } from '../../protocols/api.ts';
import type { PeriodStatus } from '../../protocols/billing-api.ts';
import { dateOf } from '../charts/span.ts';
import { billingWords } from '../words/billing.ts';
import { IssuedPeriod } from './issued-period.tsx';
import { PeriodProgress } from './period-progress.tsx';
import { PeriodReadinessPanel } from './period-readiness.tsx';
import { PeriodReviewPanel } from './period-review.tsx';
import { PeriodSteps } from './period-steps.tsx';
import { ResourceState } from './problem-notice.tsx';
import { goTo, hashOf } from './route.ts';
import { useSession } from './session.ts';
import { useResource } from './use-resource.ts';

export function BillingPage({ period: wanted }: { period: string | undefined }) {
  const { words, language, timeZone } = useSession();
  const billing = billingWords[language];
  const runs = useResource<{ items: BillingRun[] }>('/api/v1/billing-runs');
  const health = useResource<{ at: string }>('/api/v1/health');
  const due =
    health.data === null || timeZone === undefined ? null : monthBefore(dateOf(health.data.at, timeZone));
  const period = wanted ?? due;
  const known = new Set([...(runs.data?.items ?? []).map((run) => run.period), due, period]);
  return (
    <>
      <h1>{words.billing}</h1>
      <ResourceState resource={runs} />
      <nav className="controls periods" aria-label={billing.periods}>
        {[...known]
          .filter((one) => one !== null)
          .sort()
          .reverse()
          .map((one) => (
            <a
              key={one}
              className="button"
              href={hashOf({ page: 'billing', period: one })}
              aria-current={one === period ? 'page' : undefined}
            >
              {one}
            </a>
          ))}
        <label>
          {billing.choosePeriod}{' '}
          <input
            type="month"
            value=""
            onChange={({ target }) => target.value !== '' && goTo({ page: 'billing', period: target.value })}
          />
        </label>
      </nav>
      {period !== null && <Period key={period} period={period} changed={runs.reload} />}
    </>
  );
}

/** The last month that is over. */
function monthBefore(date: string): string {
  const at = new Date(`${date.slice(0, 7)}-01T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() - 1);
  return at.toISOString().slice(0, 7);
}

const QUIET_SECONDS = 15;

function Period({ period, changed }: { period: string; changed: () => void }) {
  const [seconds, setSeconds] = useState(QUIET_SECONDS);
  const status = useResource<PeriodStatus>(`/api/v1/billing-runs/${period}/status`, seconds);
  const working = status.data?.working ?? null;
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    setSeconds(working !== null || asking ? 1 : QUIET_SECONDS);
  }, [working, asking]);
  const { data } = status;
  const taken = () => {
    status.reload();
    changed();
  };
  const parts = { period, taken, setAsking };
  return (
    <>
      <ResourceState resource={status} />
      {data !== null && (
        <>
          <PeriodSteps status={data} />
          {working !== null && <PeriodProgress period={period} progress={working} />}
          {(data.state === 'open' || data.state === 'checked') && (
            <PeriodReadinessPanel key={data.state} {...parts} status={data} />
          )}
          {(data.state === 'computed' || data.state === 'reviewed') && (
            <PeriodReviewPanel {...parts} status={data} />
          )}
          {(data.state === 'issued' || data.state === 'closed') && (
            <IssuedPeriod key={data.revision} {...parts} status={data} />
          )}
        </>
      )}
    </>
  );
}

/** What each part of the page is given. */
export interface PeriodPart {
  period: string;
  status: PeriodStatus;
  /** A step was taken: look again. */
  taken(): void;
  /** Something is being asked that takes a while: its progress is shown. */
  setAsking(asking: boolean): void;
}
