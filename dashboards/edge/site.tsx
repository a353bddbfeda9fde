/** @jsxImportSource preact */
/** The site in one sentence, its way to the cloud, and a strip for each bus. */
import type { EdgeBus, EdgeMeter, EdgeStatus } from '../../protocols/edge-api.ts';
import type { EdgeWords } from '../words/edge.ts';
import { freshnessLetter, freshnessText, freshnessTone } from './freshness.tsx';
import { NoMeters } from './meters.tsx';
import { hashOf } from './route.ts';
import { useSession } from './session.ts';
import { Uplink } from './uplink.tsx';

interface Props {
  status: EdgeStatus;
  meters: readonly EdgeMeter[];
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

export function Site({ status, meters }: Props) {
  const { words } = useSession();
  const good = meters.every(({ freshness }) => freshness === 'fresh');
  const pushing = meters.filter(({ bus }) => bus === null);
  return (
    <>
      {meters.length === 0 ? (
        <NoMeters />
      ) : (
        <p class={`notice health ${good ? 'good' : 'warn'}`} data-testid="health">
          <strong>{sentence(words, meters)}</strong>
        </p>
      )}
      <div class="list">
        <Uplink status={status} />
        {status.buses.map((bus) => (
          <BusStrip key={bus.bus} bus={bus} meters={meters.filter((meter) => meter.bus === bus.bus)} />
        ))}
        {pushing.length > 0 && (
          <section class="card">
            <h2>{words.pushes}</h2>
            <Cells meters={pushing} />
          </section>
        )}
      </div>
    </>
  );
}

function BusStrip({ bus, meters }: { bus: EdgeBus; meters: readonly EdgeMeter[] }) {
  const { words } = useSession();
  const { cycleMilliseconds, utilisation, liveWork } = bus;
  return (
    <section class="card">
      <h2>
        {bus.bus} <span class="muted small">{bus.link}</span>
      </h2>
      <Cells meters={meters} />
      <p class="muted small">
        {liveWork === null ? words.polling : words.pollingBeside}
        {` · ${words.busRequests(String(bus.requests), String(bus.failures))}`}
        {cycleMilliseconds !== null &&
          utilisation !== null &&
          ` · ${words.busUse(String(cycleMilliseconds), String(Math.floor(utilisation * 100)))}`}
      </p>
    </section>
  );
}

/** A cell for each meter: who taps it sees the meter. */
function Cells({ meters }: { meters: readonly EdgeMeter[] }) {
  const { words } = useSession();
  return (
    <ul class="strip">
      {meters.map(({ meter, unit, freshness }) => (
        <li key={meter}>
          <a
            class={`cell ${freshnessTone[freshness]}`}
            title={meter}
            href={hashOf({ page: 'meters', filter: meter })}
          >
            <b>{freshnessLetter(words, freshness)}</b> <small>{typeof unit === 'number' ? unit : ''}</small>
            <span class="visually-hidden">
              {meter}: {freshnessText(words, freshness)}
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}
