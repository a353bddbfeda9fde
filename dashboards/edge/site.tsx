/** @jsxImportSource preact */
/** The site in one sentence, its way to the cloud, and a strip for each bus. */
import type { EdgeBus, EdgeMeter, EdgeStatus } from '../../protocols/edge-api.ts';
import { instantText } from '../format.ts';
import type { EdgeWords } from '../words/edge.ts';
import { freshnessLetter, freshnessText, freshnessTone } from './freshness.tsx';
import { useSession } from './session.ts';

interface Props {
  status: EdgeStatus;
  meters: readonly EdgeMeter[];
  /** Shows the meters that match. */
  onFilter: (text: string) => void;
}

const NAMED = 4;

function named(meters: readonly EdgeMeter[]): string {
  const names = meters.slice(0, NAMED).map(({ meter }) => meter);
  return meters.length > NAMED ? `${names.join(', ')} +${meters.length - NAMED}` : names.join(', ');
}

function sentence(words: EdgeWords, meters: readonly EdgeMeter[]): string {
  const silent = meters.filter(({ freshness }) => freshness === 'silent');
  const late = meters.filter(({ freshness }) => freshness === 'late' || freshness === 'never');
  const fresh = meters.length - silent.length - late.length;
  const parts = [
    fresh === meters.length
      ? words.allFresh(String(meters.length))
      : words.someFresh(String(fresh), String(meters.length)),
    ...(silent.length > 0 ? [words.silentList(named(silent))] : []),
    ...(late.length > 0 ? [words.lateList(named(late))] : []),
  ];
  return parts.join(words.otherLanguage === 'English' ? '；' : '; ');
}

export function Site({ status, meters, onFilter }: Props) {
  const { words } = useSession();
  const good = meters.every(({ freshness }) => freshness === 'fresh');
  if (meters.length === 0) return <p class="notice">{words.noMeters}</p>;
  return (
    <>
      <p class={`notice health ${good ? 'good' : 'warn'}`} data-testid="health">
        <strong>{sentence(words, meters)}</strong>
      </p>
      <Cloud status={status} />
      {status.buses.map((bus) => (
        <BusStrip
          key={bus.bus}
          bus={bus}
          meters={meters.filter((meter) => meter.bus === bus.bus)}
          onFilter={onFilter}
        />
      ))}
    </>
  );
}

const KILOBYTE = 1024;

function Cloud({ status }: { status: EdgeStatus }) {
  const { words } = useSession();
  const { connected, bufferedRows, bufferedBytes, lastReceiptAt, oldestBufferedAt } = status;
  const kilobytes = Math.ceil(bufferedBytes / KILOBYTE);
  return (
    <section class="card">
      <dl class="facts">
        <div>
          <dt>{words.uplink}</dt>
          <dd>
            <span class={`mark ${connected ? 'good' : 'bad'}`}>
              {connected ? words.connected : words.disconnected}
            </span>
          </dd>
        </div>
        <div>
          <dt>{words.buffered}</dt>
          <dd>{words.rows(String(bufferedRows), String(kilobytes))}</dd>
        </div>
        {oldestBufferedAt !== null && (
          <div>
            <dt>{words.oldest}</dt>
            <dd>{instantText(oldestBufferedAt)}</dd>
          </div>
        )}
        <div>
          <dt>{words.lastUpload}</dt>
          <dd>{lastReceiptAt === null ? words.never : instantText(lastReceiptAt)}</dd>
        </div>
        {status.configState !== null && (
          <div>
            <dt>{words.configVersion}</dt>
            <dd>
              {status.configVersion ?? '–'} <code>{status.configState}</code>
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}

interface StripProps {
  bus: EdgeBus;
  meters: readonly EdgeMeter[];
  onFilter: (text: string) => void;
}

function BusStrip({ bus, meters, onFilter }: StripProps) {
  const { words } = useSession();
  const { cycleMilliseconds, utilisation } = bus;
  return (
    <section class="card">
      <h2>
        {bus.bus} <span class="muted small">{bus.link}</span>
      </h2>
      <ul class="strip">
        {meters.map(({ meter, freshness }) => (
          <li key={meter}>
            <button
              type="button"
              class={`cell ${freshnessTone[freshness]}`}
              aria-label={`${meter}: ${freshnessText(words, freshness)}`}
              title={meter}
              onClick={() => onFilter(meter)}
            >
              {freshnessLetter(words, freshness)}
            </button>
          </li>
        ))}
      </ul>
      <p class="muted small">
        {words.polling}
        {cycleMilliseconds !== null &&
          utilisation !== null &&
          ` · ${words.busUse(String(Math.round(utilisation * 100)), String(cycleMilliseconds))}`}
        {` · ${words.busRequests(String(bus.requests), String(bus.failures))}`}
      </p>
    </section>
  );
}
