/** @jsxImportSource preact */
/** The lease's own meters every 15 minutes, as a chart or as a table. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Curve } from '../../protocols/api.ts';
import type { Statement } from '../../protocols/statement.ts';
import { drawCurve } from '../charts/curve-plot.ts';
import { dayStart, type SpanKind, spanAround, stepped } from '../charts/span.ts';
import { ask } from '../client.ts';
import { dayBefore, instantText, quantityText } from '../format.ts';
import type { Language } from '../language.ts';
import type { TenantWords } from '../words/tenant.ts';
import { ownMeters } from './statement-view.ts';

const kinds: SpanKind[] = ['day', 'week', 'month'];

interface Props {
  words: TenantWords;
  language: Language;
  api: string;
  statement: Statement;
}

export function Curves({ words, language, api, statement }: Props) {
  const { head } = statement;
  const meters = ownMeters(statement);
  const lastDay = dayBefore(head.to);
  const [meter, setMeter] = useState(meters[0]?.id ?? '');
  const [kind, setKind] = useState<SpanKind>('day');
  const [day, setDay] = useState(lastDay);
  const [table, setTable] = useState(false);
  const [curve, setCurve] = useState<Curve | null>(null);
  const { from, to } = spanAround(day, kind);

  useEffect(() => {
    let current = true;
    const span = new URLSearchParams({
      meter,
      from: dayStart(from, head.timeZone),
      to: dayStart(to, head.timeZone),
    });
    ask<Curve>(`${api}/curve?${span}`, { language }).then(
      (loaded) => current && setCurve(loaded),
      () => current && setCurve(null),
    );
    return () => {
      current = false;
    };
  }, [api, language, meter, from, to, head.timeZone]);

  if (meters.length === 0) return null;
  return (
    <section>
      <h2>{words.curve}</h2>
      <div class="controls">
        <label>
          <span class="visually-hidden">{words.meter}</span>
          <select value={meter} onChange={({ currentTarget }) => setMeter(currentTarget.value)}>
            {meters.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <span class="kinds">
          {kinds.map((one) => (
            <button
              type="button"
              class="button"
              key={one}
              aria-pressed={one === kind}
              onClick={() => setKind(one)}
            >
              {words[one]}
            </button>
          ))}
          <button type="button" class="button" aria-pressed={table} onClick={() => setTable(!table)}>
            {table ? words.asChart : words.asTable}
          </button>
        </span>
      </div>
      <div class="steps-bar">
        <button
          type="button"
          class="button"
          aria-label={words.previous}
          disabled={from <= head.from}
          onClick={() => setDay(stepped(day, kind, -1))}
        >
          ‹
        </button>
        <strong>{kind === 'day' ? from : `${from} – ${dayBefore(to)}`}</strong>
        <button
          type="button"
          class="button"
          aria-label={words.next}
          disabled={to >= head.to}
          onClick={() => setDay(stepped(day, kind, 1))}
        >
          ›
        </button>
      </div>
      <CurveView words={words} curve={curve} table={table} timeZone={head.timeZone} />
    </section>
  );
}

function CurveView({
  words,
  curve,
  table,
  timeZone,
}: {
  words: TenantWords;
  curve: Curve | null;
  table: boolean;
  timeZone: string;
}) {
  if (curve === null) return <div class="skeleton tall" />;
  if (curve.intervals.length === 0) return <p class="muted">{words.noCurve}</p>;
  return table ? (
    <CurveTable words={words} curve={curve} timeZone={timeZone} />
  ) : (
    <CurveChart words={words} curve={curve} timeZone={timeZone} />
  );
}

function CurveChart({ words, curve, timeZone }: { words: TenantWords; curve: Curve; timeZone: string }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (element.current === null) return;
    const text = {
      measured: words.measured,
      estimated: words.estimated,
      missing: words.missing,
      at: (start: string) => instantText(start, timeZone),
    };
    return drawCurve(element.current, curve, text, timeZone);
  }, [words, curve, timeZone]);
  return <div class="curve" ref={element} role="img" aria-label={words.curve} />;
}

const marks = { actual: '', estimated: 'warn', edited: 'warn', missing: 'bad' } as const;

function CurveTable({ words, curve, timeZone }: { words: TenantWords; curve: Curve; timeZone: string }) {
  const quality = {
    actual: words.measured,
    estimated: words.estimated,
    edited: words.estimated,
    missing: words.missing,
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label={words.curve}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            <th scope="col" class="number">
              {words.consumption}
            </th>
            <th scope="col">{words.quality}</th>
          </tr>
        </thead>
        <tbody>
          {curve.intervals.map((point) => (
            <tr key={point.start}>
              <td>{instantText(point.start, timeZone)}</td>
              <td class="number">
                {point.quantity === null ? '—' : quantityText(point.quantity, curve.unit, 3)}
              </td>
              <td>
                <span class={`mark ${marks[point.quality]}`}>{quality[point.quality]}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
