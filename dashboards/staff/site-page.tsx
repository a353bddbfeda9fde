/** Home: the park's health in one sentence, its figures, and every meter. */
import type { Health, MeterSummary } from '../../protocols/api.ts';
import { GatewayTable } from './gateway-table.tsx';
import { MeterTable } from './meter-table.tsx';
import { ResourceState } from './problem-notice.tsx';
import { hashOf } from './route.ts';
import { useInstantText, useSession } from './session.ts';
import { type Resource, useResource } from './use-resource.ts';

export function SitePage({ health }: { health: Resource<Health> }) {
  const { words, language } = useSession();
  const meters = useResource<{ items: MeterSummary[] }>('/api/v1/meters', 15);
  return (
    <>
      <ResourceState resource={health} />
      {health.data !== null && (
        <section aria-label={words.site}>
          <h1 className="sentence" data-testid="health">
            {health.data.sentence[language]}
          </h1>
          <Figures health={health.data} />
        </section>
      )}
      <ResourceState resource={meters} />
      {health.data !== null && <GatewayTable gateways={health.data.gateways} />}
      {meters.data !== null && <MeterTable meters={meters.data.items} stale={meters.problem !== null} />}
      <p className="muted keys">{words.keys}</p>
    </>
  );
}

function Figures({ health }: { health: Health }) {
  const { words } = useSession();
  const instantText = useInstantText();
  const online = health.gateways.filter((gateway) => gateway.online).length;
  const buffered = health.gateways.reduce((sum, { bufferedRows }) => sum + bufferedRows, 0);
  const receipts = health.gateways.flatMap(({ lastReceiptAt }) => lastReceiptAt ?? []).sort();
  const last = receipts.at(-1);
  const buses = health.gateways.flatMap((gateway) => gateway.buses);
  const utilisations = buses.flatMap(({ utilisation }) => utilisation ?? []);
  const wrong = buses.flatMap(({ wrongMeters }) => wrongMeters);
  return (
    <dl className="figures">
      <Figure
        name={words.freshMeters}
        value={`${health.fresh} / ${health.meters}`}
        warn={health.fresh < health.meters}
      />
      <Figure
        name={words.gatewaysOnline}
        value={`${online} / ${health.gateways.length}`}
        warn={online < health.gateways.length}
      />
      <Figure
        name={words.lineUtilisation}
        value={utilisations.length === 0 ? '—' : `${Math.floor(100 * Math.min(...utilisations))} %`}
      />
      {wrong.length > 0 && <Figure name={words.wrongMeters} value={wrong.join(', ')} warn />}
      <Figure name={words.buffered} value={`${buffered} ${words.rows}`} />
      <Figure name={words.lastReceipt} value={last === undefined ? '—' : instantText(last)} />
      <Figure
        name={words.openAnomalies}
        value={String(health.openAnomalies)}
        warn={health.openAnomalies > 0}
      />
      <Figure
        name={words.quarantined}
        value={String(health.quarantined)}
        warn={health.quarantined > 0}
        href={hashOf({ page: 'quarantine' })}
      />
    </dl>
  );
}

interface FigureProps {
  name: string;
  value: string;
  warn?: boolean;
  /** Where more is told of it. */
  href?: string;
}

function Figure({ name, value, warn = false, href }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={warn ? 'stale' : ''}>
        {href === undefined ? value : <a href={href}>{value}</a>}
        {warn && <span aria-hidden="true"> !</span>}
      </dd>
    </div>
  );
}
