/**
 * A register, reading by reading as they come: which step no meter makes, and what it most likely was. Nothing is known of
 * later readings, so a jump waits for the next one; only a fall to nearly nothing is told at once.
 */
import { figure } from './alarm.ts';

export type RegisterFault = 'rollover' | 'reset' | 'exchange_suspected' | 'scale_change' | 'spike' | 'dip';

/** What came with a reading; spans of counting follow on each other, without those that are not known. */
export interface RegisterNews {
  counted(fromMs: number, toMs: number, quantity: number | null, knownMs: number): void;
  fault(
    type: RegisterFault,
    startMs: number,
    raisedMs: number,
    figures: Readonly<Record<string, number>>,
  ): void;
  /** The register stood still over `[fromMs, toMs)` while its meter counted on: it has caught up now. */
  caughtUp(fromMs: number, toMs: number, knownMs: number, quantity: number): void;
  /** The register is back where it was before the fault that began at the instant: it was none. */
  withdrawn(startMs: number): void;
}

export interface RegisterTraits {
  digits: number | null;
  /** In units per hour. */
  maxRate: number | null;
}

interface Point {
  ms: number;
  value: number;
}

const HOUR_MS = 3_600_000;
const SLACK_MS = 240_000;
/** Without a stated rating: so many times the highest rate seen is the most that is believed, once it moved so often or was read for so long. */
const BEYOND_SEEN = 5;
const RATES_TO_LEARN = 24;
const HOURS_TO_LEARN = 1000;
/** After so many readings at a new level that never came back, the level counts. */
const PENDING = 3;
/** A register that stood still has missed at most so many times its mean rate, or this part of its highest. */
const MISSED_TIMES = 3;
const MISSED_PART = 0.1;
/** A catch-up follows a day at least, is so many usual steps, and this part of what was missed, or not much beyond it. */
const STOOD_HOURS = 24;
const RATES_TO_KNOW = 72;
const STEPS_AT_ONCE = 5;
const MISSED_LEAST = 0.35;
/** A level that comes back within this time had not changed. */
const BACK_MS = 24 * HOUR_MS;
/** A register this full may roll over. */
const NEARLY_FULL = 0.9;
/** Below this part of what it was, a register has begun anew. */
const BEGUN_ANEW = 0.02;

export class RegisterWatch {
  private readonly traits: RegisterTraits;
  private readonly news: RegisterNews;
  private last: Point | null = null;
  /** Readings that no meter makes after `last`, oldest first. */
  private pending: Point[] = [];
  private movedMs = 0;
  /** Where the register stood before its level changed, for as long as it may come back. */
  private former: { before: Point; changed: Point } | null = null;
  private total = 0;
  private hours = 0;
  private movedHours = 0;
  private highest = 0;
  private rates = 0;
  /** The least step that was ever seen: what the register can show. */
  private tick = Number.POSITIVE_INFINITY;

  constructor(traits: RegisterTraits, news: RegisterNews) {
    this.traits = traits;
    this.news = news;
  }

  /** @param at later than all readings before */
  take(at: Point): void {
    const { last } = this;
    if (last === null) this.settle(at);
    else if (this.pending.length > 0) this.afterJump(last, at);
    else this.step(last, at);
  }

  private step(last: Point, at: Point): void {
    const delta = at.value - last.value;
    if (delta >= 0) {
      if (this.isCatchUp(last, at)) this.catchUp(last, at);
      else if (delta <= this.believesAtMost(last, at)) this.accept(last, at);
      else if (!this.backAgain(at)) this.pending = [at];
      return;
    }
    if (-delta <= this.jitter()) {
      this.news.counted(last.ms, at.ms, 0, at.ms);
      this.last = { ms: at.ms, value: last.value };
      return;
    }
    if (this.backAgain(at)) return;
    if (!this.fellToNothing(last, at)) {
      this.pending = [at];
      return;
    }
    const modulus = this.modulus(last);
    const wrapped = at.value + modulus - last.value;
    const rolls = this.rollsOver(last, at);
    const type = rolls ? 'rollover' : 'reset';
    this.news.fault(type, at.ms, at.ms, { before: last.value, after: at.value });
    this.news.counted(last.ms, at.ms, rolls ? wrapped : null, at.ms);
    this.former = { before: last, changed: at };
    this.settle(at);
  }

  /** A level that changed not long ago has changed back: so it was a dip, or a spike. */
  private backAgain(at: Point): boolean {
    const { former } = this;
    if (former === null || at.ms - former.changed.ms > BACK_MS) return false;
    const { before, changed } = former;
    const delta = at.value - before.value;
    if (delta < -this.jitter() || delta > this.most(before, at)) return false;
    const type = changed.value > before.value ? 'spike' : 'dip';
    this.news.withdrawn(changed.ms);
    this.news.fault(type, changed.ms, at.ms, { before: before.value, value: changed.value, after: at.value });
    this.news.counted(this.last?.ms ?? at.ms, at.ms, null, at.ms);
    this.former = null;
    this.settle(at);
    return true;
  }

  private afterJump(last: Point, at: Point): void {
    const [first = at] = this.pending;
    const delta = at.value - last.value;
    const fellBack = first.value < last.value || at.value < first.value - this.jitter();
    if (
      !fellBack &&
      delta <= this.believesAtMost(last, at) &&
      first.value - last.value > this.most(last, first)
    ) {
      // A burst that the hours since even out.
      this.pending = [];
      this.accept(last, at);
      return;
    }
    if (fellBack && delta >= -this.jitter() && delta <= this.believesAtMost(last, at)) {
      const type = first.value > last.value ? 'spike' : 'dip';
      const figures = {
        before: last.value,
        value: first.value,
        after: at.value,
        readings: this.pending.length,
      };
      this.news.fault(type, first.ms, at.ms, figures);
      this.pending = [];
      this.accept(last, at);
      return;
    }
    const previous = this.pending.at(-1) ?? first;
    const factor = this.scaleOf(last, first);
    const goesOn = at.value >= previous.value - this.jitter();
    const steady = goesOn && at.value - previous.value <= this.most(previous, at) * Math.max(factor ?? 1, 1);
    if (!steady && !(goesOn && this.pending.length >= PENDING)) {
      this.pending = goesOn ? [...this.pending, at] : [at];
      return;
    }
    if (steady && first.value > last.value && first.value - last.value <= this.most(last, first)) {
      this.pending = [];
      this.catchUp(last, first, at.ms);
      this.accept(first, at);
      return;
    }
    const type = this.newLevel(last, first, steady ? factor : 1);
    const figures = { before: last.value, after: first.value, ...(factor === null ? {} : { factor }) };
    this.news.fault(type, first.ms, at.ms, figures);
    this.news.counted(last.ms, first.ms, null, at.ms);
    this.news.counted(first.ms, at.ms, at.value - first.value, at.ms);
    if (factor !== null) {
      this.highest *= factor;
      this.total *= factor;
    }
    this.former = { before: last, changed: first };
    this.pending = [];
    this.settle(at);
  }

  /** A step as large as what the register would have counted while it stood still, and much larger than its steps are. */
  private isCatchUp(last: Point, at: Point): boolean {
    const delta = at.value - last.value;
    const stoodHours = (last.ms - this.movedMs) / HOUR_MS;
    if (stoodHours < STOOD_HOURS || this.rates < RATES_TO_KNOW || this.movedHours === 0) return false;
    const missed = (this.total / this.hours) * stoodHours;
    const usual = (this.total / this.movedHours) * Math.max((at.ms - last.ms) / HOUR_MS, 1);
    return delta > STEPS_AT_ONCE * usual && delta > MISSED_LEAST * missed && delta < missed / MISSED_LEAST;
  }

  /** The jump is what a register that had stood still has missed. */
  private catchUp(last: Point, first: Point, knownMs = first.ms): void {
    this.news.caughtUp(this.movedMs, first.ms, knownMs, first.value - last.value);
    this.news.counted(last.ms, first.ms, null, knownMs);
    this.settle(first);
  }

  private accept(last: Point, at: Point): void {
    const delta = at.value - last.value;
    const hours = (at.ms - last.ms) / HOUR_MS;
    if (delta > 0) {
      this.tick = Math.min(this.tick, delta);
      this.movedMs = at.ms;
      this.movedHours += hours;
      this.rates += 1;
    }
    this.total += delta;
    this.hours += hours;
    this.highest = Math.max(this.highest, delta / Math.max(hours, 0.25));
    this.news.counted(last.ms, at.ms, delta, at.ms);
    this.last = at;
  }

  private settle(at: Point): void {
    this.last = at;
    this.movedMs = at.ms;
  }

  /** The most that can have been counted since the register last moved: what it missed, it missed at its usual rate. */
  private most(from: Point, to: Point): number {
    const stood = Math.max(from.ms - (this.movedMs || from.ms), 0) / HOUR_MS;
    const rate =
      this.hours > 0 ? Math.max(MISSED_TIMES * (this.total / this.hours), this.highest * MISSED_PART) : 0;
    const missed = rate * stood;
    return this.believesAtMost(from, to) + missed;
  }

  private believesAtMost(from: Point, to: Point): number {
    const { maxRate } = this.traits;
    const learned =
      (this.rates >= RATES_TO_LEARN || this.hours >= HOURS_TO_LEARN) && this.highest > 0
        ? BEYOND_SEEN * this.highest
        : Number.POSITIVE_INFINITY;
    const rate = maxRate ?? learned;
    const tick = Number.isFinite(this.tick) ? this.tick : 0;
    return (rate * (to.ms - from.ms + SLACK_MS)) / HOUR_MS + tick;
  }

  /** The power of ten that takes a value back to where the count would be, or null. */
  private scaleOf(last: Point, { ms, value }: Point): number | null {
    if (!(value > 0 && last.value > 0)) return null;
    const power = Math.round(Math.log10(value / last.value));
    if (power === 0 || Math.abs(power) > 3) return null;
    const before = value / 10 ** power;
    const slack = this.jitter() + (power < 0 ? 10 ** -power * this.jitter() : 0);
    const isSame = before >= last.value - slack && before - last.value <= this.most(last, { ms, value });
    return isSame ? 10 ** power : null;
  }

  /** A register that shows whole units may stand one lower for a moment. */
  private jitter(): number {
    return Number.isFinite(this.tick) ? 2 * this.tick : 0;
  }

  private fellToNothing(last: Point, at: Point): boolean {
    if (at.value < 0) return false;
    return this.rollsOver(last, at) || at.value <= BEGUN_ANEW * last.value;
  }

  /** What it most likely was that the register goes on elsewhere: another meter stands farther off than an hour's use below. */
  private newLevel(last: Point, first: Point, factor: number | null): RegisterFault {
    if (factor !== null) return 'scale_change';
    const fallen = last.value - first.value;
    return fallen > 0 && fallen <= this.highest ? 'dip' : 'exchange_suspected';
  }

  /** Where nobody stated the digits, only what the hours since allow. */
  private rollsOver(last: Point, at: Point): boolean {
    const modulus = this.modulus(last);
    const most = this.traits.digits === null ? this.believesAtMost(last, at) : this.most(last, at);
    return last.value >= NEARLY_FULL * modulus && at.value + modulus - last.value <= most;
  }

  /** Where the register wraps: by its digits, or where nobody stated them at the next power of ten. */
  private modulus({ value }: Point): number {
    const { digits } = this.traits;
    return digits === null ? 10 ** Math.ceil(Math.log10(Math.max(value, 1) + 1)) : 10 ** digits;
  }
}

const sign = (value: number): string => figure(value);

/** What a fault of a register says of itself. */
export function faultText(
  type: RegisterFault,
  unit: string,
  when: string,
  { before = 0, after = 0, value = 0, readings = 1, factor = 1 }: Readonly<Record<string, number>>,
): { 'zh-CN': string; en: string } {
  const [b, a, v] = [sign(before), sign(after), sign(value)];
  switch (type) {
    case 'rollover':
      return {
        'zh-CN': `${when} 读数从 ${b} ${unit} 走到 ${a} ${unit}：表盘走满归零。`,
        en: `At ${when} the register went from ${b} to ${a} ${unit}: it passed its top.`,
      };
    case 'reset':
      return {
        'zh-CN': `${when} 读数从 ${b} ${unit} 落到 ${a} ${unit}，而表盘离走满还远：表被清零。`,
        en: `At ${when} the register fell from ${b} to ${a} ${unit} far from its top: it began anew.`,
      };
    case 'exchange_suspected':
      return {
        'zh-CN': `自 ${when} 起读数从 ${b} 变为 ${a} ${unit} 并由此继续：可能换了表。`,
        en: `Since ${when} the register goes on from ${a} instead of ${b} ${unit}: perhaps another meter.`,
      };
    case 'scale_change':
      return {
        'zh-CN': `自 ${when} 起读数为原来的 ${figure(factor)} 倍（${b} 之后为 ${a} ${unit}）：倍率或单位变了。`,
        en: `Since ${when} the meter shows ${figure(factor)} times as much (${a} after ${b} ${unit}): multiplier or unit changed.`,
      };
    case 'spike':
      return {
        'zh-CN': `${when} 有 ${readings} 个读数为 ${v} ${unit}，前后为 ${b} 和 ${a} ${unit}：没有表能这样走。`,
        en: `At ${when} ${readings} reading(s) of ${v} stood between ${b} and ${a} ${unit}: no meter counts so.`,
      };
    case 'dip':
      return {
        'zh-CN': `${when} 有 ${readings} 个读数回落到 ${v} ${unit}，前后为 ${b} 和 ${a} ${unit}。`,
        en: `At ${when} ${readings} reading(s) fell to ${v} between ${b} and ${a} ${unit}.`,
      };
    default:
      return type satisfies never;
  }
}
