/** A month as days by quarters of an hour: when a meter runs, and when it should not. */
import { useEffect, useRef } from 'react';
import type { Curve, IntervalPoint } from '../../protocols/api.ts';
import { dateOf } from '../charts/span.ts';
import { instantText, quantityText, scaled } from '../format.ts';
import { useSession } from './session.ts';

/** Backing pixels of an interval, and of a day. */
const CELL = { width: 8, height: 12 };

interface Day {
  date: string;
  points: IntervalPoint[];
}

const daysOf = (curve: Curve, timeZone: string): Day[] =>
  [...Map.groupBy(curve.intervals, ({ start }) => dateOf(start, timeZone))].map(([date, points]) => ({
    date,
    points,
  }));

const largest = (points: readonly IntervalPoint[]): IntervalPoint | undefined =>
  points.reduce<IntervalPoint | undefined>(
    (max, point) => (scaled(point.quantity ?? '0', 6) > scaled(max?.quantity ?? '0', 6) ? point : max),
    undefined,
  );

export function Heatmap({ curve, timeZone }: { curve: Curve; timeZone: string }) {
  const { words } = useSession();
  const canvas = useRef<HTMLCanvasElement>(null);
  const days = daysOf(curve, timeZone);
  const columns = Math.max(...days.map(({ points }) => points.length), 1);
  const max = largest(curve.intervals)?.quantity ?? '0';
  useEffect(() => {
    if (canvas.current !== null) paint(canvas.current, daysOf(curve, timeZone), max);
  }, [curve, timeZone, max]);
  const hours = [0, 6, 12, 18];
  return (
    <figure className="heatmap">
      <div className="hours muted" aria-hidden="true">
        {hours.map((hour) => (
          <span key={hour}>{`${String(hour).padStart(2, '0')}:00`}</span>
        ))}
      </div>
      <div className="plane">
        <div className="days muted" aria-hidden="true">
          {days.map(({ date }) => (
            <span key={date}>{date.slice(5)}</span>
          ))}
        </div>
        <canvas
          ref={canvas}
          width={columns * CELL.width}
          height={days.length * CELL.height}
          role="img"
          aria-label={`${words.heatmap}: ${summary(days, timeZone)}`}
        />
      </div>
      <figcaption className="muted">{words.heatmapDetail(quantityText(max, curve.unit))}</figcaption>
    </figure>
  );
}

/** For whoever cannot see it: the first and last day, and when the most was used. */
function summary(days: Day[], timeZone: string): string {
  const peak = largest(days.flatMap(({ points }) => points));
  const span = `${days[0]?.date ?? ''} – ${days.at(-1)?.date ?? ''}`;
  return peak === undefined ? span : `${span}; max ${peak.quantity} @ ${instantText(peak.start, timeZone)}`;
}

function paint(canvas: HTMLCanvasElement, days: Day[], max: string): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const style = getComputedStyle(canvas);
  const [ink, line] = ['--accent', '--muted'].map((name) => style.getPropertyValue(name).trim());
  const top = Number(max) || 1;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const [row, { points }] of days.entries())
    for (const [column, { quantity }] of points.entries()) {
      const [x, y] = [column * CELL.width, row * CELL.height];
      if (quantity === null) strike(context, x, y, line ?? '#888');
      else {
        // Five steps of lightness can be told apart; more cannot.
        context.globalAlpha = Math.ceil((Number(quantity) / top) * 5) / 5;
        context.fillStyle = ink ?? '#080';
        context.fillRect(x, y, CELL.width, CELL.height - 1);
      }
    }
  context.globalAlpha = 1;
}

function strike(context: CanvasRenderingContext2D, x: number, y: number, ink: string): void {
  context.globalAlpha = 0.5;
  context.strokeStyle = ink;
  context.beginPath();
  context.moveTo(x, y + CELL.height - 1);
  context.lineTo(x + CELL.width, y);
  context.stroke();
}
