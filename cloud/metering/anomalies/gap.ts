/**
 * Silence: meters that gave no usable reading for long. Meters of one gateway that fall silent together have one cause and
 * are one anomaly; it stands under the meter that fell silent first (of several, the first by id) and names the others. A
 * meter that was never read is no anomaly: the meter list says so.
 */
import { type CheckInput, type Finding, figure, localTime, type WatchedMeter } from './check-input.ts';
import type { Hole } from './day-facts.ts';

const HOUR_MS = 3_600_000;
const SILENCE_MS = HOUR_MS;
/** Silences that begin so close together are one. */
const TOGETHER_MS = HOUR_MS;
/** An older silence that has ended is history. */
const RECENT_MS = 7 * 24 * HOUR_MS;
const LISTED = 12;
const CRITICAL_METERS = 5;

interface Silence extends Hole {
  meter: WatchedMeter;
}

export function gap(input: CheckInput): Finding[] {
  const silences = input.meters
    .flatMap((meter) => silencesOf(input, meter))
    .sort((a, b) => a.startMs - b.startMs || (a.meter.id < b.meter.id ? -1 : 1));
  const causes: Silence[][] = [];
  for (const silence of silences) {
    const cause = causes.findLast(([first]) => first !== undefined && sameCause(first, silence));
    if (cause === undefined) causes.push([silence]);
    else cause.push(silence);
  }
  return causes
    .filter((cause) => cause.some(({ startMs, endMs }) => endMs - startMs >= SILENCE_MS))
    .map((cause) => outage(input, cause));
}

const sameCause = (first: Silence, other: Silence): boolean =>
  first.meter.gateway === other.meter.gateway &&
  other.startMs - first.startMs <= TOGETHER_MS &&
  other.startMs < first.endMs;

/** Holes that go on over midnight are one silence. */
function silencesOf(input: CheckInput, meter: WatchedMeter): Silence[] {
  const silences: Silence[] = [];
  for (const hole of (input.history.get(meter.id) ?? []).flatMap(({ holes }) => holes)) {
    const last = silences.at(-1);
    if (last !== undefined && last.endMs === hole.startMs) last.endMs = hole.endMs;
    else silences.push({ ...hole, meter });
  }
  return silences.filter(({ endMs }) => endMs > input.day.endMs - RECENT_MS);
}

/** An outage keeps its name while it lasts, also when its beginning is no longer remembered. */
const isOpen = (input: CheckInput, id: string): boolean =>
  input.known.some(({ kind, meter, end }) => kind === 'gap' && meter === id && end === null);

function outage(input: CheckInput, cause: readonly Silence[]): Finding {
  const [first] = cause;
  if (first === undefined) throw new RangeError('a cause without a silence');
  const endMs = Math.max(...cause.map((silence) => silence.endMs));
  // Whether a silence up to midnight goes on, only the next day tells.
  const open = endMs === input.day.endMs;
  const ids = cause.map(({ meter }) => meter.id);
  const listed = `${ids.slice(0, LISTED).join(', ')}${ids.length > LISTED ? ', ...' : ''}`;
  const who =
    ids.length === 1
      ? `${listed} of gateway ${first.meter.gateway}`
      : `${ids.length} meters of gateway ${first.meter.gateway} (${listed})`;
  const reasons = [...new Set(cause.map(({ reason }) => reason))].filter((reason) => reason !== 'gap');
  const what = reasons.length === 0 ? 'no reading' : `no usable reading (${reasons.join(', ')})`;
  const time = (ms: number): string => localTime(ms, input.timeZone);
  const until = open ? `since ${time(first.startMs)}` : `from ${time(first.startMs)} to ${time(endMs)}`;
  return {
    kind: 'gap',
    meter: ids.find((id) => isOpen(input, id)) ?? first.meter.id,
    startMs: first.startMs,
    endMs: open ? null : endMs,
    severity: cause.length >= CRITICAL_METERS ? 'critical' : 'warning',
    evidence: `${who} gave ${what} ${until} (${figure((endMs - first.startMs) / HOUR_MS)} h).`,
  };
}
