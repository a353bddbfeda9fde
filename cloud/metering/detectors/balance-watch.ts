/**
 * A parent and its sub-meters, day by day: what they leave unaccounted is explained by the past (each sub-meter's own error,
 * losses, what nobody meters, by workdays and weekends), and a day's rest that the past does not explain adds up until it
 * is no chance any more. Who is passed by is told by the shape of the rest and by who took less than usual.
 */
import { type Alarm, localDate, percent, type Raise } from './alarm.ts';
import { FamilyHours, type FamilyMember, type Rests } from './family-hours.ts';
import type { HourSeries } from './hour-series.ts';
import { hourNumber } from './hour-series.ts';
import { median, spread } from './robust.ts';

export interface BalanceSettings {
  /** Sum of surprises, in usual errors of a day, at which an alarm is raised. */
  limit: number;
  /** What of each day's surprise counts as chance. */
  allowance: number;
  /** Mean part of the parent's quantity that must be unexplained. */
  leastShare: number;
}

const DAY_HOURS = 24;
/** The last days, which are not learned from: they are being judged. */
const JUDGED_DAYS = 8;
const ERRORS_TO_KNOW = 6;
const ERRORS_KEPT = 28;
/** No meter is trusted to add up better than to this part of a day. */
const LEAST_ERROR = 0.0008;
const MOST_SURPRISE = 4;
const HOUR_MS = 3_600_000;
/** Weeks that tell what a sub-meter's part is, and how exactly at best. */
const WEEKS_BEFORE = 4;
const LEAST_WIDTH = 0.05;
/** The most, in nats, that this can say for or against one. */
const MOST_SAID = 6;
const LEAST_RUN_DAYS = 2;
/** What is missing began within so many hours of the first day. */
const ONSET_HOURS = 30;
/** A name is told when it is so much likelier than the next, in nats, or after so many days. */
const SURE = 2;
const LATEST_DAYS = 5;

/** A local day: its number, its first instant, and which hours are of weekends. */
interface Day {
  number: number;
  startMs: number;
  weekend: (startMs: number) => boolean;
}

interface DayError {
  day: number;
  /** Unexplained part of the parent's quantity, signed; positive where sub-meters lack it. */
  share: number;
}

export class BalanceWatch {
  private readonly parent: FamilyMember;
  private readonly children: readonly FamilyMember[];
  private readonly timeZone: string;
  private readonly settings: BalanceSettings;
  private readonly raise: Raise;
  private errors: DayError[] = [];
  private readonly sums = { up: 0, down: 0 };
  private readonly runs: { up: DayError[]; down: DayError[] } = { up: [], down: [] };
  private members = '';
  private open: Alarm[] = [];
  private unnamed: { imbalance: Alarm; share: number } | null = null;
  private calm = 0;

  constructor(
    family: { parent: FamilyMember; children: readonly FamilyMember[]; timeZone: string },
    settings: BalanceSettings,
    raise: Raise,
  ) {
    this.parent = family.parent;
    this.children = family.children;
    this.timeZone = family.timeZone;
    this.settings = settings;
    this.raise = raise;
  }

  /**
   * @param day a local day that has ended: its number, and its first hour
   * @param nowMs what was known by then is used
   */
  endOfDay(day: Day, nowMs: number): void {
    const judged = this.judge(day, nowMs);
    if (judged === null) return;
    const { error, inSample } = judged;
    if (judged.members !== this.members) this.begin(judged.members);
    const known = this.errors.map(({ share }) => share);
    const usual =
      known.length >= ERRORS_TO_KNOW ? Math.max(spread(known, 0), 0.7 * inSample) : 1.5 * inSample;
    const scale = Math.max(usual, LEAST_ERROR);
    const surprise = Math.min(Math.max(error.share / scale, -MOST_SURPRISE), MOST_SURPRISE);
    this.addUp('up', surprise, error);
    this.addUp('down', -surprise, error);
    if (this.open.length > 0) {
      this.name(day, nowMs);
      this.settle(Math.abs(surprise) < 1.5, nowMs);
    } else if (this.isOver('up')) this.tell('up', day, scale, nowMs);
    else if (this.isOver('down')) this.tell('down', day, scale, nowMs);
    if (this.runs.up.length === 0 && this.runs.down.length === 0)
      this.errors = [...this.errors, error].slice(-ERRORS_KEPT);
    else this.errors = [...this.errors, { ...error, share: clipped(error.share, scale) }].slice(-ERRORS_KEPT);
  }

  /** Another set of sub-meters is another balance: what was usual of the one before says nothing. */
  private begin(members: string): void {
    this.members = members;
    this.errors = [];
    this.sums.up = 0;
    this.sums.down = 0;
    this.runs.up = [];
    this.runs.down = [];
  }

  private addUp(side: 'up' | 'down', surprise: number, error: DayError): void {
    this.sums[side] = Math.max(this.sums[side] + surprise - this.settings.allowance, 0);
    this.runs[side] = this.sums[side] === 0 ? [] : [...this.runs[side], error];
  }

  private isOver(side: 'up' | 'down'): boolean {
    const run = this.runs[side];
    if (this.sums[side] <= this.settings.limit || run.length < LEAST_RUN_DAYS) return false;
    return Math.abs(median(run.map(({ share }) => share))) >= this.settings.leastShare;
  }

  /** After some days as the past has them, or when the new state has been learned, the alarm is over. */
  private settle(isCalm: boolean, nowMs: number): void {
    this.calm = isCalm ? this.calm + 1 : 0;
    if (this.calm < 5) return;
    for (const alarm of this.open) alarm.endMs = nowMs;
    this.open = [];
    this.unnamed = null;
    this.calm = 0;
    this.sums.up = 0;
    this.sums.down = 0;
    this.runs.up = [];
    this.runs.down = [];
  }

  private judge(day: Day, nowMs: number): { error: DayError; inSample: number; members: string } | null {
    const first = hourNumber(day.startMs);
    const active = this.children.filter(({ series }) => {
      let hours = 0;
      for (let h = first; h < first + DAY_HOURS; h += 1) if (!Number.isNaN(series.at(h, nowMs))) hours += 1;
      return hours >= DAY_HOURS * 0.75;
    });
    if (active.length === 0) return null;
    const rows = new FamilyHours(this.parent, active, day.weekend, nowMs, first);
    const learned = rows.learn(first - JUDGED_DAYS * DAY_HOURS);
    if (learned === null) return null;
    const share = rows.unexplained(learned.model, first, first + DAY_HOURS);
    if (share === null) return null;
    const members = active.map(({ meter }) => meter).join();
    return { error: { day: day.number, share }, inSample: learned.dayError, members };
  }

  private tell(side: 'up' | 'down', day: Day, scale: number, nowMs: number): void {
    const run = this.runs[side];
    const [first] = run;
    const days = day.number - (first?.day ?? day.number) + 1;
    const startMs = day.startMs - (days - 1) * DAY_HOURS * HOUR_MS;
    const share = median(run.map((error) => error.share));
    const suspect = side === 'up' ? this.suspect(day, days, nowMs, SURE) : null;
    const span = { startMs, seenMs: day.startMs + DAY_HOURS * HOUR_MS, raisedMs: nowMs, endMs: null };
    const figures = {
      parent: this.parent.meter,
      share,
      usualError: scale,
      days,
      ...(suspect === null ? {} : { child: suspect }),
    };
    const since = localDate(startMs, this.timeZone);
    const named = {
      zh: suspect === null ? '' : `，最像 ${suspect} 少计`,
      en: suspect === null ? '' : `, most like a part of what ${suspect} takes`,
    };
    const imbalance: Alarm = {
      meter: this.parent.meter,
      type: 'imbalance',
      ...span,
      severity: side === 'down' ? 'critical' : 'warning',
      text: {
        'zh-CN': `自 ${since} 起 ${days} 天，下级表合计比以往关系${side === 'up' ? '少' : '多'}计本表的 ${percent(Math.abs(share))}（平时日误差 ${percent(scale)}）${named.zh}。`,
        en: `For ${days} days since ${since} the sub-meters count ${percent(Math.abs(share))} of this meter ${side === 'up' ? 'less' : 'more'} than the past has it (usual error of a day ${percent(scale)})${named.en}.`,
      },
      figures,
    };
    this.open = [imbalance];
    this.raise(imbalance);
    this.calm = 0;
    this.unnamed = side === 'up' ? { imbalance, share } : null;
    this.name(day, nowMs);
  }

  /** Names the sub-meter that lacks the rest as soon as that is clear enough. */
  private name(day: Day, nowMs: number): void {
    if (this.unnamed === null) return;
    const { imbalance, share } = this.unnamed;
    const days = Math.round((day.startMs - imbalance.startMs) / (DAY_HOURS * HOUR_MS)) + 1;
    const suspect = this.suspect(day, days, nowMs, days >= LATEST_DAYS ? 0 : SURE);
    if (suspect === null) return;
    const bypass = this.bypass({ ...imbalance, raisedMs: nowMs, seenMs: nowMs }, suspect, share);
    this.unnamed = null;
    this.open.push(bypass);
    this.raise(bypass);
  }

  private bypass(imbalance: Alarm, child: string, share: number): Alarm {
    const since = localDate(imbalance.startMs, this.timeZone);
    const parent = this.parent.meter;
    return {
      ...imbalance,
      meter: child,
      type: 'bypass_suspected',
      text: {
        'zh-CN': `自 ${since} 起上级表 ${parent} 有 ${percent(share)} 不再计入下级，其形状与本表最像：疑有旁路或少计。`,
        en: `Since ${since} the sub-meters of ${parent} lack ${percent(share)} of it, in the shape of what this meter takes: a bypass or an undercount is suspected.`,
      },
    };
  }

  /** The sub-meter whose shape the rest has, and that took less than it used to. */
  private suspect(day: Day, days: number, nowMs: number, sure: number): string | null {
    const end = hourNumber(day.startMs) + DAY_HOURS;
    const from = end - days * DAY_HOURS;
    const known = this.children.filter(({ series }) => !Number.isNaN(series.at(end - 1, nowMs)));
    const rows = new FamilyHours(this.parent, known, day.weekend, nowMs, end - DAY_HOURS);
    const learned = rows.learn(Math.min(from, end - JUDGED_DAYS * DAY_HOURS));
    if (learned === null) return null;
    const rests = rows.rests(learned.model, from, end);
    const scores = known.map((child, i) => ({
      meter: child.meter,
      score:
        likeness(rests, i, learned.hourError) +
        lessThanUsual(child.series, { from, end, nowMs }, rests.total),
    }));
    const [best, next] = scores.sort((a, b) => b.score - a.score);
    if (best === undefined || best.score - (next?.score ?? 0) < sure) return null;
    return best.meter;
  }
}

const clipped = (value: number, scale: number): number => Math.min(Math.max(value, -2 * scale), 2 * scale);

/**
 * How much of the rest goes with what the sub-meter takes, from the hour on with which that is most; hours are not
 * independent, so they count for a quarter.
 */
function likeness({ rest, children }: Rests, child: number, hourError: number): number {
  let product = 0;
  let square = 0;
  let most = 0;
  for (let h = rest.length - 1; h >= 0; h -= 1) {
    const taken = children[h]?.[child] ?? 0;
    product += (rest[h] ?? 0) * taken;
    square += taken * taken;
    if (h < ONSET_HOURS && product > 0 && square > 0) most = Math.max(most, (product * product) / square);
  }
  return hourError === 0 ? 0 : most / (2 * hourError * hourError) / 4;
}

/** The log of how much better the sub-meter's quantity fits if it lacks the rest than if it does not. */
function lessThanUsual(
  series: HourSeries,
  { from, end, nowMs }: { from: number; end: number; nowMs: number },
  missing: number,
): number {
  const over = (shift: number): number => {
    let sum = 0;
    for (let h = from - shift; h < end - shift; h += 1) sum += series.at(h, nowMs);
    return sum;
  };
  const taken = over(0);
  const weeks = Array.from({ length: WEEKS_BEFORE }, (_, week) => over((week + 2) * 7 * DAY_HOURS));
  const known = weeks.filter((sum) => sum > 0);
  if (known.length < 2 || !(taken > 0)) return 0;
  const usual = median(known);
  const width = Math.max(spread(known, usual), LEAST_WIDTH * usual);
  const logOf = (expected: number): number => -((taken - expected) ** 2) / (2 * width * width);
  return Math.max(Math.min(logOf(usual - missing) - logOf(usual), MOST_SAID), -MOST_SAID);
}
