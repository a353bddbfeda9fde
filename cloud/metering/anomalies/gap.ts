/**
 * Silence: meters that gave no usable reading for long. Meters of one gateway that fall silent together have one cause and
 * are one anomaly; it stands under the meter that fell silent first (of several, the first by id) and names the others. A
 * meter that was never read is no anomaly: the meter list says so.
 */
import type { Wording } from '../../../protocols/api.ts';
import { localDate, localTime } from '../detectors/alarm.ts';
import type { BadRegister } from '../validate-registers.ts';
import { type CheckInput, type Finding, figure, type WatchedMeter } from './check-input.ts';
import type { Hole } from './day-facts.ts';

const HOUR_MS = 3_600_000;
const SILENCE_MS = HOUR_MS;
/** Silences that begin so close together are one. */
const TOGETHER_MS = HOUR_MS;
/** An older silence that has ended is history. */
const RECENT_MS = 7 * 24 * HOUR_MS;
const LISTED = 12;
const CRITICAL_METERS = 5;

const BAD_REGISTERS: readonly (readonly [BadRegister, Wording])[] = [
  ['out_of_range', { 'zh-CN': '超出量程', en: 'out of range' }],
  ['dip', { 'zh-CN': '短时回落', en: 'a dip' }],
  ['spike', { 'zh-CN': '短时突跳', en: 'a spike' }],
  ['backward', { 'zh-CN': '倒退', en: 'counting backward' }],
  ['implausible', { 'zh-CN': '增量不可能', en: 'an implausible jump' }],
];

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
  return {
    kind: 'gap',
    meter: ids.find((id) => isOpen(input, id)) ?? first.meter.id,
    startMs: first.startMs,
    endMs: open ? null : endMs,
    severity: cause.length >= CRITICAL_METERS ? 'critical' : 'warning',
    evidence: evidenceOf(input, first, cause, endMs),
  };
}

/** What the sentences say: `until` is null while the silence lasts. */
interface Outage {
  gateway: string;
  ids: readonly string[];
  bad: readonly Wording[];
  since: string;
  until: string | null;
  hours: string;
}

function evidenceOf(
  { timeZone, day }: CheckInput,
  { startMs, meter: { gateway } }: Silence,
  cause: readonly Silence[],
  endMs: number,
): Wording {
  const isSameDay = localDate(startMs, timeZone) === localDate(endMs, timeZone);
  const until = localTime(endMs, timeZone).slice(isSameDay ? 'yyyy-mm-dd '.length : 0);
  const bad = BAD_REGISTERS.filter(([code]) => cause.some(({ reason }) => reason === code));
  const said: Outage = {
    gateway,
    ids: cause.map(({ meter }) => meter.id),
    bad: bad.map(([, wording]) => wording),
    since: localTime(startMs, timeZone),
    until: endMs === day.endMs ? null : until,
    hours: figure((endMs - startMs) / HOUR_MS),
  };
  return { 'zh-CN': inChinese(said), en: inEnglish(said) };
}

const listed = (ids: readonly string[], comma: string): string =>
  [...ids.slice(0, LISTED), ...(ids.length > LISTED ? ['…'] : [])].join(comma);

function inChinese({ gateway, ids, bad, since, until, hours }: Outage): string {
  const names = listed(ids, '、');
  const who = ids.length === 1 ? `仪表 ${names} ` : ` ${ids.length} 块仪表（${names}）`;
  const codes = bad.map((wording) => wording['zh-CN']).join('、');
  const what = bad.length === 0 ? '没有读数' : `没有可用读数（${codes}）`;
  return until === null
    ? `网关 ${gateway} 的${who}自 ${since} 起${what}，到当日结束已 ${hours} 小时。`
    : `网关 ${gateway} 的${who}自 ${since} 至 ${until} ${what}，共 ${hours} 小时。`;
}

function inEnglish({ gateway, ids, bad, since, until, hours }: Outage): string {
  const names = listed(ids, ', ');
  const who =
    ids.length === 1
      ? `${names} of gateway ${gateway}`
      : `${ids.length} meters of gateway ${gateway} (${names})`;
  const codes = bad.map(({ en }) => en).join(', ');
  const what = bad.length === 0 ? 'no reading' : `no usable reading (${codes})`;
  return until === null
    ? `${who} gave ${what} since ${since} (${hours} h by the end of the day).`
    : `${who} gave ${what} from ${since} to ${until} (${hours} h).`;
}
