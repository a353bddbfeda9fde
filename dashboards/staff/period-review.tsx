/** What a computed period would issue: the leases that are out of line first, in red, with the money at stake; then the proof. */
import { useEffect, useState } from 'react';
import type { PeriodReview } from '../../protocols/billing-api.ts';
import { moneyText, sumOf } from '../format.ts';
import { billingWords } from '../words/billing.ts';
import { negated, signedMoneyText } from './amount-text.ts';
import type { PeriodPart } from './billing-page.tsx';
import { FinalStep, ReviewStep } from './period-actions.tsx';
import { ResourceState } from './problem-notice.tsx';
import { hashOf } from './route.ts';
import { Equations, Proof } from './run-proof.tsx';
import { ScrollTable } from './scroll-table.tsx';
import { useSession } from './session.ts';
import { useResource } from './use-resource.ts';

export function PeriodReviewPanel(part: PeriodPart) {
  const { period, status, setAsking } = part;
  const { language } = useSession();
  const words = billingWords[language];
  const review = useResource<PeriodReview>(`/api/v1/billing-runs/${period}/review`);
  useEffect(() => {
    setAsking(review.loading);
    return () => setAsking(false);
  }, [review.loading, setAsking]);
  const { data } = review;
  const computed = status.steps.findLast(({ state }) => state === 'computed')?.detail.manifest;
  const same = data !== null && data.run.manifest === computed;
  const ready = same && !review.loading;
  return (
    <section>
      <div className="controls">
        <h2>{words.reviewTitle}</h2>
        <button type="button" className="button" disabled={review.loading} onClick={review.reload}>
          {words.readinessAgain}
        </button>
      </div>
      {review.loading && <p className="muted">{words.looking}</p>}
      <ResourceState resource={review} />
      {data !== null && (
        <>
          <p className={`notice ${same ? 'good' : 'bad'}`} role="status">
            {same ? `✓ ${words.matchesComputed}` : `✕ ${words.differsFromComputed}`}{' '}
            <code>{data.run.manifest.slice(0, 16)}</code>
          </p>
          <LeaseReview leases={data.leases} />
          <Equations run={data.run} />
          <Proof run={data.run} />
          {data.warnings.length > 0 && (
            <div className="notice warn">
              <strong>{words.warnings}</strong>
              <ul className="fixes">
                {data.warnings.map((text) => (
                  <li key={text}>{text}</li>
                ))}
              </ul>
            </div>
          )}
          {status.state === 'computed' ? (
            <ReviewStep {...part} ready={ready} />
          ) : (
            <FinalStep {...part} ready={ready} command="issue" detail={issueDetail(words, data)} />
          )}
        </>
      )}
    </section>
  );
}

const issueDetail = (words: (typeof billingWords)['en'], { leases }: PeriodReview): string =>
  words.issueDetail(
    leases.length,
    moneyText(
      sumOf(
        leases.map(({ gross }) => gross),
        2,
      ),
    ),
  );

type ReviewedLease = PeriodReview['leases'][number];
/** The most that one of its flags is about. */
const stakeOf = ({ flags }: ReviewedLease): number =>
  Math.max(-1, ...flags.map(({ atStake }) => Number(atStake)));

function LeaseReview({ leases }: { leases: ReviewedLease[] }) {
  const { language } = useSession();
  const words = billingWords[language];
  const [all, setAll] = useState(false);
  const flagged = leases
    .filter(({ flags }) => flags.length > 0)
    .toSorted((one, other) => stakeOf(other) - stakeOf(one));
  const shown = all ? [...flagged, ...leases.filter(({ flags }) => flags.length === 0)] : flagged;
  return (
    <>
      <div className="controls">
        <h3>{words.outliers}</h3>
        <span className="muted">{words.outlierCount(flagged.length, leases.length)}</span>
        <button type="button" className="button" aria-pressed={all} onClick={() => setAll(!all)}>
          {words.allLeases}
        </button>
      </div>
      {shown.length === 0 ? (
        <p className="notice good">✓ {words.noOutliers}</p>
      ) : (
        <LeaseTable leases={shown} />
      )}
    </>
  );
}

function LeaseTable({ leases }: { leases: ReviewedLease[] }) {
  const { words: staff, language } = useSession();
  const words = billingWords[language];
  return (
    <ScrollTable name={words.outliers}>
      <thead>
        <tr>
          <th scope="col">{staff.tenant}</th>
          <th scope="col">{words.flags}</th>
          <th scope="col" className="number">
            {words.thisMonth}
          </th>
          <th scope="col" className="number">
            {words.before}
          </th>
          <th scope="col" className="number wide">
            {words.change}
          </th>
          <th scope="col" className="wide">
            {staff.meter}
          </th>
        </tr>
      </thead>
      <tbody>
        {leases.map(({ lease, tenant, gross, before, flags, meters }) => (
          <tr key={lease} className={flags.length > 0 ? 'flagged' : ''}>
            <th scope="row">
              {tenant} <span className="muted">{lease}</span>
            </th>
            <td>
              {flags.map(({ kind, atStake }) => (
                <span key={kind} className="flag">
                  <span className="mark bad">! {words[`flag_${kind}`]}</span>{' '}
                  <span className="small-inline">
                    {words.atStake} {moneyText(atStake)}
                  </span>
                </span>
              ))}
            </td>
            <td className="number">{moneyText(gross)}</td>
            <td className="number">{before === null ? '—' : moneyText(before)}</td>
            <td className="number wide">
              {before === null ? '—' : signedMoneyText(sumOf([gross, negated(before)], 2))}
            </td>
            <td className="wide">
              {meters.map((meter) => (
                <a key={meter} className="meter-link" href={hashOf({ page: 'meter', id: meter })}>
                  {meter}
                </a>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </ScrollTable>
  );
}
