/** Whether a period can be computed: completeness by meter, what its estimates are worth, and what stands in the way with its fix. */
import { useEffect } from 'react';
import type { Health, MeterSummary } from '../../protocols/api.ts';
import type { PeriodReadiness } from '../../protocols/billing-api.ts';
import { moneyText, quantityText } from '../format.ts';
import { billingWords } from '../words/billing.ts';
import type { PeriodPart } from './billing-page.tsx';
import { CheckStep, ComputeStep } from './period-actions.tsx';
import { ResourceState } from './problem-notice.tsx';
import { hashOf, type Route } from './route.ts';
import { ScrollTable } from './scroll-table.tsx';
import { useSession } from './session.ts';
import { type Resource, useResource } from './use-resource.ts';

export function PeriodReadinessPanel(part: PeriodPart) {
  const { period, setAsking } = part;
  const { language } = useSession();
  const words = billingWords[language];
  const readiness = useResource<PeriodReadiness>(`/api/v1/billing-runs/${period}/readiness`);
  useEffect(() => {
    setAsking(readiness.loading);
    return () => setAsking(false);
  }, [readiness.loading, setAsking]);
  const { data } = readiness;
  return (
    <section>
      <div className="controls">
        <h2>{words.readiness}</h2>
        <button type="button" className="button" disabled={readiness.loading} onClick={readiness.reload}>
          {words.readinessAgain}
        </button>
      </div>
      <ResourceState resource={readiness} />
      {data !== null && <Readiness readiness={data} />}
      <Action {...part} readiness={readiness} />
    </section>
  );
}

function Action({ readiness, ...part }: PeriodPart & { readiness: Resource<PeriodReadiness> }) {
  const { data } = readiness;
  if (data === null) return null;
  const ready = !readiness.loading && data.blockers.length === 0;
  return part.status.state === 'open' ? (
    <CheckStep {...part} ready={ready} />
  ) : (
    <ComputeStep {...part} ready={ready} estimates={data.estimated.length > 0} />
  );
}

function Readiness({ readiness }: { readiness: PeriodReadiness }) {
  const { language } = useSession();
  const words = billingWords[language];
  const { meters, missing, estimated, estimatedGross, totalGross } = readiness;
  const count = (rows: readonly { intervals: number }[]): number =>
    rows.reduce((sum, { intervals }) => sum + intervals, 0);
  return (
    <>
      <dl className="figures">
        <Figure
          name={words.metersComplete}
          value={`${meters - missing.length} / ${meters}`}
          warn={missing.length > 0}
        />
        <Figure name={words.intervalsMissing} value={String(count(missing))} warn={missing.length > 0} />
        <Figure
          name={words.intervalsEstimated}
          value={String(count(estimated))}
          warn={estimated.length > 0}
        />
        <Figure
          name={words.estimatedWorth}
          value={moneyText(estimatedGross)}
          note={words.ofBills(moneyText(totalGross))}
          warn={estimated.length > 0}
        />
      </dl>
      <p className="said" data-testid="estimates">
        {estimated.length === 0
          ? missing.length === 0 && words.allMeasured
          : words.estimateSentence(
              estimated.length,
              count(estimated),
              moneyText(estimatedGross),
              moneyText(totalGross),
            )}
      </p>
      <Blockers readiness={readiness} />
      {estimated.length > 0 && <EstimatedMeters readiness={readiness} />}
    </>
  );
}

function Figure({ name, value, note, warn }: { name: string; value: string; note?: string; warn: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={warn ? 'stale' : ''}>
        {value}
        {warn && <span aria-hidden="true"> !</span>}
        {note !== undefined && <span className="small muted">{note}</span>}
      </dd>
    </div>
  );
}

interface Blocker {
  key: string;
  text: string;
  fix: string;
  to: Route;
}

/** Each with the page on which it is put right; a refusal of the terms themselves is about tariffs and bills. */
function Blockers({ readiness }: { readiness: PeriodReadiness }) {
  const { language } = useSession();
  const words = billingWords[language];
  const health = useResource<Health>('/api/v1/health');
  const ofMeters: Blocker[] = readiness.missing.map(({ meter, intervals }) => ({
    key: meter,
    text: `${meter}: ${intervals === 0 ? words.nothingMetered : words.missingOn(intervals)}`,
    fix: words.fixMeter,
    to: { page: 'meter', id: meter },
  }));
  const ofTerms: Blocker[] =
    readiness.missing.length > 0
      ? []
      : readiness.blockers.map((text) => ({ key: text, text, fix: words.fixTerms, to: { page: 'terms' } }));
  const blockers = [...ofMeters, ...ofTerms];
  const held = health.data?.quarantined ?? 0;
  const open = health.data?.openAnomalies ?? 0;
  return (
    <>
      {blockers.length === 0 ? (
        <p className="notice good">✓ {words.noBlockers}</p>
      ) : (
        <div className="notice bad" role="alert">
          <strong>{words.blockers}</strong>
          <ul className="fixes">
            {blockers.map((blocker) => (
              <li key={blocker.key}>
                {blocker.text} <a href={hashOf(blocker.to)}>{blocker.fix}</a>
              </li>
            ))}
          </ul>
        </div>
      )}
      {held > 0 && (
        <p className="notice warn">
          {words.heldMessages(held)} <a href={hashOf({ page: 'quarantine' })}>{words.fixQuarantine}</a>
        </p>
      )}
      {open > 0 && (
        <p className="notice warn">
          {words.openAnomaly(open)} <a href={hashOf({ page: 'anomalies' })}>{words.fixAnomalies}</a>
        </p>
      )}
    </>
  );
}

function EstimatedMeters({ readiness }: { readiness: PeriodReadiness }) {
  const { words: staff, language } = useSession();
  const words = billingWords[language];
  const meters = useResource<{ items: MeterSummary[] }>('/api/v1/meters');
  const units = new Map(meters.data?.items.map(({ id, unit }) => [id, unit]));
  return (
    <ScrollTable name={words.intervalsEstimated}>
      <thead>
        <tr>
          <th scope="col">{staff.meter}</th>
          <th scope="col" className="number">
            {words.intervals}
          </th>
          <th scope="col" className="number">
            {staff.quantity}
          </th>
          <th scope="col" className="number">
            {words.worth}
          </th>
        </tr>
      </thead>
      <tbody>
        {readiness.estimated.map(({ meter, intervals, quantity, gross }) => (
          <tr key={meter}>
            <th scope="row">
              <a data-row href={hashOf({ page: 'meter', id: meter })}>
                {meter}
              </a>
            </th>
            <td className="number">
              <span aria-hidden="true">▨ </span>
              {intervals}
            </td>
            <td className="number">{quantityText(quantity, units.get(meter) ?? '')}</td>
            <td className="number">{moneyText(gross)}</td>
          </tr>
        ))}
      </tbody>
    </ScrollTable>
  );
}
