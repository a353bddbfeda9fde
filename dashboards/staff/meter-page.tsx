/** One meter: what it is, its 15-minute curve, the month as a heat map, its last raw readings. */
import { useState } from 'react';
import type { Curve, MeterSummary, StoredReading } from '../../protocols/api.ts';
import { dateOf, dayStart, type SpanKind, spanAround, stepped } from '../charts/span.ts';
import { dayBefore, quantityText, sumOf } from '../format.ts';
import { CurveChart } from './curve-chart.tsx';
import { CurveTable } from './curve-table.tsx';
import { Heatmap } from './heatmap.tsx';
import { MeterEvidence } from './meter-evidence.tsx';
import { freshnessMarks, servesText } from './meter-table.tsx';
import { ResourceState } from './problem-notice.tsx';
import { hashOf } from './route.ts';
import { useInstantText, useSession } from './session.ts';
import { useResource } from './use-resource.ts';

export function MeterPage({ id }: { id: string }) {
  const { timeZone } = useSession();
  const meter = useResource<MeterSummary>(`/api/v1/meters/${encodeURIComponent(id)}`, 30);
  return (
    <>
      <ResourceState resource={meter} />
      {meter.data !== null && (
        <>
          <MeterHead meter={meter.data} />
          {timeZone !== undefined && meter.data.lastReadAt !== null && (
            <MeterCurves meter={meter.data} lastReadAt={meter.data.lastReadAt} timeZone={timeZone} />
          )}
          <MeterEvidence meter={meter.data} />
        </>
      )}
    </>
  );
}

function ParentLink({ parent }: { parent: string | null }) {
  return parent === null ? '—' : <a href={hashOf({ page: 'meter', id: parent })}>{parent}</a>;
}

function MeterHead({ meter }: { meter: MeterSummary }) {
  const { words } = useSession();
  const instantText = useInstantText();
  const { letter, tone } = freshnessMarks[meter.freshness];
  const facts: [string, React.ReactNode][] = [
    [words.lastValue, meter.lastValue === null ? '—' : quantityText(meter.lastValue, meter.unit)],
    [words.lastRead, meter.lastReadAt === null ? '—' : instantText(meter.lastReadAt)],
    [words.dayQuantity, meter.dayQuantity === null ? '—' : quantityText(meter.dayQuantity, meter.unit)],
    [words.multiplier, `× ${meter.multiplier}`],
    [words.register, meter.register],
    [words.serial, meter.serial],
    [words.serves, servesText(meter.serves, words)],
    [
      words.place,
      [meter.building, meter.floor, meter.room].filter((part) => part !== null).join(' · ') || '—',
    ],
    [words.parent, <ParentLink key="parent" parent={meter.parent} />],
  ];
  return (
    <section>
      <p className="crumbs">
        <a href="#/">{words.meters}</a> ›
      </p>
      <h1>
        {meter.id} <span className="muted">{meter.name}</span>{' '}
        <span className={`mark ${tone}`}>
          <span aria-hidden="true">{letter}</span> {words[meter.freshness]}
        </span>
      </h1>
      <dl className="figures">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const kinds: SpanKind[] = ['day', 'week', 'month'];

interface CurvesProps {
  meter: MeterSummary;
  lastReadAt: string;
  timeZone: string;
}

const curvePath = (id: string, span: { from: string; to: string }, timeZone: string): string => {
  const query = new URLSearchParams({ from: dayStart(span.from, timeZone), to: dayStart(span.to, timeZone) });
  return `/api/v1/meters/${encodeURIComponent(id)}/curve?${query}`;
};

function MeterCurves({ meter, lastReadAt, timeZone }: CurvesProps) {
  const { words } = useSession();
  const [kind, setKind] = useState<SpanKind>('day');
  // A reading on midnight belongs to the day that it closes.
  const [day, setDay] = useState(() => dateOf(new Date(Date.parse(lastReadAt) - 1).toISOString(), timeZone));
  const [table, setTable] = useState(false);
  const span = spanAround(day, kind);
  const curve = useResource<Curve>(curvePath(meter.id, span, timeZone), 60);
  const month = useResource<Curve>(curvePath(meter.id, spanAround(day, 'month'), timeZone));
  return (
    <>
      <section>
        <div className="controls">
          <h2>{words.curve}</h2>
          {kinds.map((one) => (
            <button
              type="button"
              className="button"
              key={one}
              aria-pressed={one === kind}
              onClick={() => setKind(one)}
            >
              {words[one]}
            </button>
          ))}
          <button
            type="button"
            className="button"
            aria-label={words.previous}
            onClick={() => setDay(stepped(day, kind, -1))}
          >
            ‹
          </button>
          <strong>{kind === 'day' ? span.from : `${span.from} – ${dayBefore(span.to)}`}</strong>
          <button
            type="button"
            className="button"
            aria-label={words.next}
            onClick={() => setDay(stepped(day, kind, 1))}
          >
            ›
          </button>
          <button type="button" className="button" aria-pressed={table} onClick={() => setTable(!table)}>
            {table ? words.asChart : words.asTable}
          </button>
        </div>
        <ResourceState resource={curve} />
        {curve.data !== null && <CurveView curve={curve.data} table={table} timeZone={timeZone} />}
      </section>
      {month.data !== null && month.data.intervals.length > 0 && (
        <section>
          <h2>{words.heatmap}</h2>
          <Heatmap curve={month.data} timeZone={timeZone} />
        </section>
      )}
      <LastReadings meter={meter} lastReadAt={lastReadAt} />
    </>
  );
}

function CurveView({ curve, table, timeZone }: { curve: Curve; table: boolean; timeZone: string }) {
  const { words } = useSession();
  if (curve.intervals.length === 0) return <p className="notice">{words.noCurve}</p>;
  const count = (...wanted: string[]) =>
    curve.intervals.filter(({ quality }) => wanted.includes(quality)).length;
  const [missing, estimated] = [count('missing'), count('estimated', 'edited')];
  const total = sumOf(
    curve.intervals.flatMap(({ quantity }) => quantity ?? []),
    6,
  );
  return (
    <>
      {table ? <CurveTable curve={curve} /> : <CurveChart curve={curve} timeZone={timeZone} />}
      <p className="legend">
        <strong>
          {words.spanTotal} {quantityText(total, curve.unit)}
        </strong>
        {missing > 0 && <span className="mark bad">{words.gapCount(missing)}</span>}
        {estimated > 0 && <span className="mark warn">▨ {words.estimateCount(estimated)}</span>}
      </p>
    </>
  );
}

/** The last six hours, as they came in. */
function LastReadings({ meter, lastReadAt }: { meter: MeterSummary; lastReadAt: string }) {
  const { words } = useSession();
  const instantText = useInstantText();
  const lastMs = Date.parse(lastReadAt);
  const query = new URLSearchParams({
    from: new Date(lastMs - 6 * 3_600_000).toISOString(),
    to: new Date(lastMs + 1).toISOString(),
  });
  const readings = useResource<{ items: StoredReading[] }>(
    `/api/v1/meters/${encodeURIComponent(meter.id)}/readings?${query}`,
  );
  return (
    <section>
      <h2>{words.readings}</h2>
      <ResourceState resource={readings} />
      {readings.data !== null && (
        <div className="table">
          <table>
            <thead>
              <tr>
                <th scope="col">{words.time}</th>
                <th scope="col" className="number">
                  {words.value}
                </th>
                <th scope="col">{words.raw}</th>
                <th scope="col">{words.source}</th>
              </tr>
            </thead>
            <tbody>
              {readings.data.items.toReversed().map((reading) => (
                <tr key={reading.readAt}>
                  <td>{instantText(reading.readAt)}</td>
                  <td className="number mono">
                    {reading.value === null
                      ? (reading.code ?? '—')
                      : quantityText(reading.value, reading.unit, 3)}
                  </td>
                  <td className="mono">{reading.raw === null ? '—' : `0x${reading.raw}`}</td>
                  <td>
                    {reading.gateway} · {reading.source} · #{reading.sequence}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
