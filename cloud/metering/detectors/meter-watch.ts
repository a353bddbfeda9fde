/**
 * All detectors of one meter, fed with its readings in order of time. They are causal: what they raise depends on what came
 * before alone, so a history that is cut short raises the same alarms up to the cut.
 */
import type { ZoneClock } from '../zone-clock.ts';
import type { Raise } from './alarm.ts';
import { localTime } from './alarm.ts';
import { Deviation } from './deviation.ts';
import { ContinuousFlow } from './flow.ts';
import { type Hour, HourMeter } from './hour-meter.ts';
import { NightFlow } from './night-flow.ts';
import { faultText, RegisterWatch } from './register-watch.ts';
import { Repeats } from './repeats.ts';
import type { DetectorSettings } from './settings.ts';
import { Silence } from './silence.ts';
import { Standstill } from './standstill.ts';
import { Vacancy } from './vacancy.ts';

export interface WatchedMeter {
  meter: string;
  utility: 'electricity' | 'water';
  /** As people read it; water in litres or cubic metres. */
  unit: string;
  digits: number | null;
  /** In units per hour. */
  maxRate: number | null;
}

const GAP_MS = 2.6 * 3_600_000;

export class MeterWatch {
  readonly meter: WatchedMeter;
  private readonly silence: Silence;
  private readonly register: RegisterWatch;
  private readonly hours: HourMeter;
  private readonly standstill: Standstill;
  private readonly repeats: Repeats;
  private readonly flow: ContinuousFlow | null;
  private lastMs = Number.NaN;
  private lastValue = Number.NaN;
  private repeatedDay = Number.NaN;

  /** @param tell also gets each local hour, as soon as it is known */
  constructor(
    meter: WatchedMeter,
    clock: ZoneClock,
    settings: DetectorSettings,
    raise: Raise,
    tell: (hour: Hour) => void = () => {},
  ) {
    const named = { ...meter, timeZone: clock.timeZone, litres: litresOf(meter.unit) };
    this.meter = meter;
    this.silence = new Silence(named, raise);
    this.standstill = new Standstill(named, settings.stuck, raise);
    this.repeats = new Repeats(named, raise);
    this.flow = meter.utility === 'water' ? new ContinuousFlow(named, settings.continuousFlow, raise) : null;
    const detectors =
      meter.utility === 'water'
        ? [new NightFlow(named, settings.nightFlow, raise)]
        : [new Deviation(named, settings.deviation, raise), new Vacancy(named, raise)];
    this.hours = new HourMeter(clock, (hour) => {
      this.standstill.take(hour);
      for (const detector of detectors) detector.take(hour);
      tell(hour);
    });
    this.register = new RegisterWatch(meter, {
      counted: (fromMs, toMs, quantity, knownMs) => {
        this.hours.add(fromMs, toMs, toMs - fromMs > GAP_MS ? null : quantity, knownMs);
        this.flow?.take(fromMs, toMs, quantity);
      },
      fault: (type, startMs, raisedMs, figures) =>
        raise({
          meter: meter.meter,
          type,
          startMs,
          seenMs: raisedMs,
          raisedMs,
          endMs: raisedMs,
          severity: type === 'rollover' ? 'info' : 'warning',
          text: faultText(type, meter.unit, localTime(startMs, clock.timeZone), figures),
          figures,
        }),
      withdrawn: () => {},
      caughtUp: (fromMs, toMs, knownMs, quantity) =>
        this.standstill.caughtUp({ fromMs, toMs, knownMs }, quantity, meter.unit),
    });
  }

  /** A register; instants never fall, equal ones are repeats. */
  reading(ms: number, value: number): void {
    if (ms === this.lastMs) {
      this.silence.repeated(ms, value === this.lastValue);
      return;
    }
    this.lastMs = ms;
    this.lastValue = value;
    this.silence.heard(ms);
    this.register.take({ ms, value });
  }

  /** What was counted over `[ms, ms + lengthMs)`, known at its end. */
  interval(ms: number, value: number, lengthMs: number): void {
    if (ms === this.lastMs) {
      this.silence.repeated(ms, value === this.lastValue);
      return;
    }
    const endMs = ms + lengthMs;
    this.silence.heard(endMs);
    this.hours.add(ms, endMs, value, endMs);
    this.flow?.take(ms, endMs, value);
    this.repeats.take(ms, endMs, value);
    this.lastMs = ms;
    this.lastValue = value;
  }

  /** A reading whose local time had come before; one alarm for a change of the clock. */
  hourRepeated(ms: number): void {
    const day = Math.floor(ms / 86_400_000);
    if (day === this.repeatedDay) return;
    this.repeatedDay = day;
    this.silence.hourRepeated(ms);
  }

  /** The replay has come so far without another reading. */
  until(nowMs: number): void {
    this.silence.until(nowMs);
  }
}

/** Litres in a unit of water, 1 for what is no volume. */
export function litresOf(unit: string): number {
  switch (unit.toLowerCase()) {
    case 'm3':
    case 'm³':
    case 'cbm':
      return 1000;
    case 'l/s':
      return 3600;
    default:
      return 1;
  }
}
