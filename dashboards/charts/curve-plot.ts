/** A meter's intervals as bars: what was measured is solid, what was estimated hatched, what is missing leaves a hole. */
import uPlot from 'uplot';
import type { Curve, IntervalPoint } from '../../protocols/api.ts';
import { rounded, unitText } from '../format.ts';

export interface CurveText {
  measured: string;
  estimated: string;
  /** Shown where the cursor is, for an interval: `18:15`. */
  at(start: string): string;
  missing: string;
}

/** A float is good enough for a pixel: every figure that is read comes from the exact text. */
const pixel = (text: string | null): number | null => (text === null ? null : Number(text));

export function plotData(intervals: readonly IntervalPoint[]): uPlot.AlignedData {
  const of = (wanted: (point: IntervalPoint) => boolean) =>
    intervals.map((point) => (wanted(point) ? pixel(point.quantity) : null));
  return [
    intervals.map(({ start }) => Date.parse(start) / 1000),
    of(({ quality }) => quality === 'actual'),
    of(({ quality }) => quality === 'estimated' || quality === 'edited'),
  ];
}

const color = (element: Element, name: string): string =>
  getComputedStyle(element).getPropertyValue(name).trim();

/** Diagonal lines in the given colour, as a pattern to fill bars with. */
function hatch(ink: string): CanvasPattern | string {
  const tile = document.createElement('canvas');
  tile.width = 6;
  tile.height = 6;
  const context = tile.getContext('2d');
  if (context === null) return ink;
  context.strokeStyle = ink;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const x of [-3, 3, 9]) {
    context.moveTo(x - 3, 9);
    context.lineTo(x + 9, -3);
  }
  context.stroke();
  return context.createPattern(tile, 'repeat') ?? ink;
}

/** Bars reach from the start of an interval to its end, however many there are. */
const bars = uPlot.paths.bars?.({ size: [1, Number.POSITIVE_INFINITY], align: 1 });

/**
 * Draws into `element` and follows its width. Dragging zooms in, a double click shows all again.
 * @returns what takes the drawing away
 */
export function drawCurve(element: HTMLElement, curve: Curve, text: CurveText, timeZone: string): () => void {
  const axis = {
    stroke: color(element, '--muted'),
    grid: { stroke: color(element, '--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  const green = color(element, '--accent');
  const amber = color(element, '--amber');
  const series = (label: string, ink: string, fill: string | CanvasPattern): uPlot.Series => ({
    label,
    stroke: ink,
    fill: () => fill as string,
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  });
  const plot = new uPlot(
    {
      width: element.clientWidth,
      height: Math.min(280, Math.max(200, element.clientWidth * 0.5)),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone),
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false } },
      scales: { x: { time: true }, y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
      axes: [
        { ...axis, values: timeLabels },
        { ...axis, size: 44, label: `${unitText(curve.unit)} / 15 min`, labelSize: 16, labelFont: axis.font },
      ],
      series: [{}, series(text.measured, green, green), series(text.estimated, amber, hatch(amber))],
      hooks: { setCursor: [(u) => showReading(u, curve, text)] },
    },
    plotData(curve.intervals),
    element,
  );
  const readout = document.createElement('p');
  readout.className = 'readout';
  readout.setAttribute('aria-hidden', 'true');
  element.append(readout);
  const watch = new ResizeObserver(() => {
    if (element.clientWidth > 0) plot.setSize({ width: element.clientWidth, height: plot.height });
  });
  watch.observe(element);
  return () => {
    watch.disconnect();
    plot.destroy();
    readout.remove();
  };
}

/** Days over midnight, else the time of day; both by the 24 hours. */
const timeLabels: uPlot.Axis.Values = [
  [86_400, '{MM}-{DD}', null, null, null, null, null, null, 0],
  [3_600, '{HH}:00', '\n{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [60, '{HH}:{mm}', '\n{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
];

function showReading(plot: uPlot, { intervals, unit }: Curve, text: CurveText): void {
  const readout = plot.root.parentElement?.querySelector('.readout');
  const point = plot.cursor.idx === null || plot.cursor.idx === undefined ? null : intervals[plot.cursor.idx];
  if (readout === null || readout === undefined) return;
  if (point === null || point === undefined) {
    readout.textContent = '';
    return;
  }
  const value = point.quantity === null ? text.missing : `${rounded(point.quantity, 3)} ${unitText(unit)}`;
  const mark = point.quality === 'estimated' || point.quality === 'edited' ? ` · ${text.estimated}` : '';
  readout.textContent = `${text.at(point.start)} · ${value}${mark}`;
}
