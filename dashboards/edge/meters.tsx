/** @jsxImportSource preact */
/** The meters of the gateway: how fresh each is, its last value, and a read of it now. */
import { useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import type { EdgeMeter, LiveRead } from '../../protocols/edge-api.ts';
import { registerName } from '../../protocols/register-names.ts';
import { ask } from '../client.ts';
import { durationText, exactText, instantText } from '../format.ts';
import { FreshnessMark, freshnessText } from './freshness.tsx';
import { FaultNotice, ProblemNotice } from './notices.tsx';
import { RegisterTable } from './register-text.tsx';
import { hashOf } from './route.ts';
import { problemOf, useSession } from './session.ts';

interface Props {
  meters: readonly EdgeMeter[];
  filter: string;
  onFilter: (text: string) => void;
}

export function Meters({ meters, filter, onFilter }: Props) {
  const { words } = useSession();
  const wanted = filter.trim().toLowerCase();
  const shown = meters.filter(({ meter, bus, unit, model, freshness }) =>
    `${meter} ${bus ?? ''} ${unit ?? ''} ${model} ${freshnessText(words, freshness)}`
      .toLowerCase()
      .includes(wanted),
  );
  if (meters.length === 0) return <NoMeters />;
  return (
    <>
      <input
        type="search"
        class="filter"
        aria-label={words.filter}
        placeholder={words.filter}
        value={filter}
        onInput={({ currentTarget }) => onFilter(currentTarget.value)}
      />
      <p class="muted small above" role="status">
        {shown.length === 0 ? words.nothingMatches : words.shown(String(shown.length), String(meters.length))}
      </p>
      <ul class="list">
        {shown.map((meter) => (
          <li key={meter.meter} class="card">
            <MeterRow meter={meter} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** What to do first. */
export function NoMeters() {
  const { words } = useSession();
  return (
    <section class="card">
      <p>{words.noMeters}</p>
      <div class="actions">
        <a class="button primary" href="#/list">
          {words.list}
        </a>
        <a class="button" href="#/scan">
          {words.scan}
        </a>
      </div>
    </section>
  );
}

function MeterRow({ meter: row }: { meter: EdgeMeter }) {
  const { words, language } = useSession();
  const [read, setRead] = useState<LiveRead | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [reading, setReading] = useState(false);
  const { meter, bus, unit, model, profile, freshness, expectedSeconds } = row;

  const readNow = () => {
    setReading(true);
    setProblem(null);
    ask<LiveRead>(`/api/v1/buses/${bus}/read`, { language, method: 'POST', body: { unit, profile } })
      .then(setRead, (error: unknown) => setProblem(problemOf(error)))
      .finally(() => setReading(false));
  };
  return (
    <>
      <div class="row">
        <h2>{meter}</h2>
        <FreshnessMark freshness={freshness} />
      </div>
      <p class="muted small">
        {model} · {bus === null ? words.pushes : `${bus} · ${words.unit} ${unit}`}
        {bus === null && expectedSeconds !== null && ` · ${words.every(durationText(expectedSeconds))}`}
      </p>
      <LastValue meter={row} />
      {bus !== null && unit !== null && (
        <div class="actions">
          <button type="button" class="button" disabled={reading} onClick={readNow}>
            {reading ? words.reading : words.readNow}
          </button>
          {typeof unit === 'number' && (
            <a class="button" href={hashOf({ page: 'prove', at: { bus, unit, step: 'face' } })}>
              {words.proveThis}
            </a>
          )}
        </div>
      )}
      {problem !== null && <ProblemNotice problem={problem} />}
      {read !== null && <LiveValues read={read} />}
    </>
  );
}

/** What is late or silent keeps its value, under the instant that it is of. */
function LastValue({ meter }: { meter: EdgeMeter }) {
  const { words, language } = useSession();
  const { register, value, valueUnit, readAt, freshness } = meter;
  if (register === null || valueUnit === null || readAt === null)
    return <p class="muted">{words.neverRead}</p>;
  return (
    <div class="billed">
      <p class={freshness === 'fresh' ? 'muted' : 'stale'}>
        {registerName(register, register, language)} · {instantText(readAt)}
      </p>
      <p class="shows">{value === null ? words.noValue : exactText(value, valueUnit)}</p>
    </div>
  );
}

function LiveValues({ read }: { read: LiveRead }) {
  const { words } = useSession();
  return (
    <>
      {read.fault !== null && <FaultNotice fault={read.fault} />}
      <RegisterTable readings={read.readings} />
      <p class="muted small" role="status">
        {words.waited(String(read.waitedMilliseconds))}
      </p>
    </>
  );
}
