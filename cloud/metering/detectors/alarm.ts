/** What the detectors say: a condition, when it began, when it was known, and the figures that show it. */
import type { Wording } from '../../../protocols/api.ts';

export type AlarmType =
  | 'stuck'
  | 'rollover'
  | 'reset'
  | 'exchange_suspected'
  | 'scale_change'
  | 'spike'
  | 'dip'
  | 'duplicate'
  | 'gap'
  | 'dst_repeat'
  | 'continuous_flow'
  | 'night_flow'
  | 'surge'
  | 'drop'
  | 'imbalance'
  | 'bypass_suspected'
  | 'vacancy_suspected';

export type Severity = 'info' | 'warning' | 'critical';

export interface Alarm {
  meter: string;
  type: AlarmType;
  startMs: number;
  /** Until when the condition had been seen when the alarm was raised. */
  seenMs: number;
  /** The instant of the replay at which it was known; nothing later had a part in it. */
  raisedMs: number;
  /** When it was over, once that is known; of what happens at an instant it is known at once. */
  endMs: number | null;
  severity: Severity;
  /** One sentence in each language, with the figures in it. */
  text: Wording;
  /** The figures once more, for programs; names of meters stand among them. */
  figures: Readonly<Record<string, number | string>>;
}

/** A detector tells of an alarm once; it sets `endMs` on it later. */
export type Raise = (alarm: Alarm) => void;

/** In a unit and its rate, as people read them: `kWh`, `l/h`. */
export const rateUnit = (unit: string): string => `${unit}/h`;

/** Three significant digits, or all those before the point, with a true minus sign. */
export function figure(value: number): string {
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  const scale = 10 ** decimals;
  return `${Math.round(value * scale) / scale}`.replace('-', '−');
}

export const percent = (share: number): string => `${figure(100 * share)} %`;

const zoned = (ms: number, timeZone: string): Temporal.PlainDateTime =>
  new Temporal.Instant(BigInt(Math.round(ms)) * 1_000_000n).toZonedDateTimeISO(timeZone).toPlainDateTime();

/** `2026-09-15` */
export const localDate = (ms: number, timeZone: string): string =>
  zoned(ms, timeZone).toPlainDate().toString();

/** `2026-09-15 08:15` */
export const localTime = (ms: number, timeZone: string): string =>
  `${localDate(ms, timeZone)} ${zoned(ms, timeZone).toPlainTime().toString({ smallestUnit: 'minute' })}`;
