/** The clock on the wall of a site, fast: offsets are looked up once a day of UTC, and hour by hour on days that change them. */

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A local hour, as the detectors know it. */
export interface LocalHour {
  /** 0 to 23. */
  hour: number;
  /** 0 is Monday. */
  weekday: number;
  /** Local days since 1970-01-01. */
  day: number;
}

/** What a local time without an offset may mean. */
export type LocalInstant =
  | { kind: 'one'; ms: number }
  /** The clock was turned back over it: it stands for two instants. */
  | { kind: 'repeated'; ms: number; laterMs: number }
  /** The clock was turned forward over it: there is no such time. */
  | { kind: 'skipped' };

export class ZoneClock {
  readonly timeZone: string;
  /** By day of UTC: the offset of the whole day, or NaN where it changes. */
  private readonly days = new Map<number, number>();
  private readonly hours = new Map<number, number>();

  /** @throws RangeError for a zone that is not known */
  constructor(timeZone: string) {
    this.timeZone = timeZone;
    this.lookUp(0);
  }

  /** Milliseconds to add to an instant to have its local time as if it were UTC. */
  offsetMs(ms: number): number {
    const day = Math.floor(ms / DAY_MS);
    let offset = this.days.get(day);
    if (offset === undefined) {
      const start = this.lookUp(day * DAY_MS);
      offset = start === this.lookUp((day + 1) * DAY_MS) ? start : Number.NaN;
      this.days.set(day, offset);
    }
    if (!Number.isNaN(offset)) return offset;
    const hour = Math.floor(ms / (HOUR_MS / 2));
    let exact = this.hours.get(hour);
    if (exact === undefined) {
      exact = this.lookUp((hour * HOUR_MS) / 2);
      this.hours.set(hour, exact);
    }
    return exact;
  }

  /** @param localMs a local time as if it were UTC */
  instantOf(localMs: number): LocalInstant {
    const before = this.offsetMs(localMs - DAY_MS);
    const after = this.offsetMs(localMs + DAY_MS);
    const fits = (offset: number): boolean => this.offsetMs(localMs - offset) === offset;
    if (before === after) return { kind: 'one', ms: localMs - before };
    if (fits(before) && fits(after))
      return { kind: 'repeated', ms: localMs - before, laterMs: localMs - after };
    if (fits(before)) return { kind: 'one', ms: localMs - before };
    return fits(after) ? { kind: 'one', ms: localMs - after } : { kind: 'skipped' };
  }

  localHour(ms: number): LocalHour {
    const local = ms + this.offsetMs(ms);
    const day = Math.floor(local / DAY_MS);
    return { hour: Math.floor((local - day * DAY_MS) / HOUR_MS), weekday: (((day + 3) % 7) + 7) % 7, day };
  }

  /** The start of the local hour that holds the instant. */
  hourStart(ms: number): number {
    const offset = this.offsetMs(ms);
    return Math.floor((ms + offset) / HOUR_MS) * HOUR_MS - offset;
  }

  /** The first instant of a local day, given as days since 1970-01-01. */
  dayStart(day: number): number {
    const found = this.instantOf(day * DAY_MS);
    return found.kind === 'skipped' ? day * DAY_MS + HOUR_MS - this.offsetMs((day + 1) * DAY_MS) : found.ms;
  }

  private lookUp(ms: number): number {
    const zoned = new Temporal.Instant(BigInt(ms) * 1_000_000n).toZonedDateTimeISO(this.timeZone);
    return zoned.offsetNanoseconds / 1_000_000;
  }
}
