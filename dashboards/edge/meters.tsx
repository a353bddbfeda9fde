/** @jsxImportSource preact */
/** The meters of the gateway: how fresh each is, its last value, and a read of it now. */
import { useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import type { EdgeMeter, LiveRead } from '../../protocols/edge-api.ts';
import { ask } from '../client.ts';
import { instantText, quantityText } from '../format.ts';
import type { ToProve } from './detective.tsx';
import { FreshnessMark, freshnessText } from './freshness.tsx';
import { FaultNotice, ProblemNotice } from './notices.tsx';
import { problemOf, useSession } from './session.ts';

interface Props {
  meters: readonly EdgeMeter[];
  filter: string;
  onFilter: (text: string) => void;
  onProve: (what: ToProve) => void;
}

export function Meters({ meters, filter, onFilter, onProve }: Props) {
  const { words } = useSession();
  const wanted = filter.trim().toLowerCase();
  const shown = meters.filter(({ meter, model, freshness }) =>
    `${meter} ${model} ${freshnessText(words, freshness)}`.toLowerCase().includes(wanted),
  );
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
      {shown.length === 0 && <p class="muted">{words.nothingMatches}</p>}
      <ul class="list">
        {shown.map((meter) => (
          <li key={meter.meter} class="card">
            <MeterRow meter={meter} onProve={onProve} />
          </li>
        ))}
      </ul>
    </>
  );
}

const DIGITS = 2;

function MeterRow({ meter: row, onProve }: { meter: EdgeMeter; onProve: (what: ToProve) => void }) {
  const { words, language } = useSession();
  const [read, setRead] = useState<LiveRead | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [reading, setReading] = useState(false);
  const { meter, bus, unit, model, profile, value, valueUnit, readAt, freshness } = row;

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
        <strong class="number value">
          {value === null || valueUnit === null ? '–' : quantityText(value, valueUnit, DIGITS)}
        </strong>
      </div>
      <p class="muted small">
        {model} · {bus === null ? words.pushes : `${bus} · ${words.unit} ${unit}`}
        {readAt !== null && <> · {instantText(readAt)}</>}
      </p>
      {bus !== null && unit !== null && (
        <div class="actions">
          <button type="button" class="button" disabled={reading} onClick={readNow}>
            {reading ? words.reading : words.readNow}
          </button>
          {typeof unit === 'number' && (
            <button type="button" class="button" onClick={() => onProve({ bus, unit, meter })}>
              {words.proveThis}
            </button>
          )}
        </div>
      )}
      {problem !== null && <ProblemNotice problem={problem} />}
      {read !== null && <LiveValues read={read} />}
    </>
  );
}

const LIVE_DIGITS = 3;

function LiveValues({ read }: { read: LiveRead }) {
  const { words } = useSession();
  return (
    <>
      {read.fault !== null && <FaultNotice fault={read.fault} />}
      <table class="values">
        <tbody>
          {read.readings.map(({ register, name, value, unit, code, billing }) => (
            <tr key={register}>
              <th scope="row">
                {name} <span class="mono muted small">{register}</span>
                {billing && <span class="mark good">{words.billed}</span>}
              </th>
              <td class="number">
                {value === null ? `${words.noValue} (${code})` : quantityText(value, unit, LIVE_DIGITS)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted small" role="status">
        {words.waited(String(read.waitedMilliseconds))}
      </p>
    </>
  );
}
