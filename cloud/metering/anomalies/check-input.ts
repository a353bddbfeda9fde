/** What a detector is given, and what it says. */
import type { Anomaly, AnomalyKind, Wording } from '../../../protocols/api.ts';
import type { Park, ParkMeter } from '../../../protocols/park.ts';
import type { DayFacts } from './day-facts.ts';

export interface WatchedMeter
  extends Pick<ParkMeter, 'id' | 'utility' | 'parent' | 'gateway' | 'accuracyPercent'> {
  /** The meter served somebody else before: what it did then says nothing about now. */
  settledMs: number;
}

export interface CheckInput {
  timeZone: string;
  /** The day to check: `[startMs, endMs)`. Nothing after `endMs` is known. */
  day: { startMs: number; endMs: number };
  meters: readonly WatchedMeter[];
  /** By meter: its days, oldest first, the day to check last. */
  history: ReadonlyMap<string, readonly DayFacts[]>;
  /** What was raised before, open or ended. */
  known: readonly Anomaly[];
}

/** A condition that stands at the end of the day, before it is compared with what is known. */
export interface Finding {
  kind: AnomalyKind;
  meter: string;
  startMs: number;
  /** Null while it lasts. */
  endMs: number | null;
  severity: Anomaly['severity'];
  evidence: Wording;
}

/** @param untilMs later changes of leases are not known yet */
export function watchedMeters(
  park: Pick<Park, 'meters' | 'leases' | 'timeZone'>,
  untilMs: number,
): WatchedMeter[] {
  const startOf = (date: string): number =>
    Temporal.PlainDate.from(date).toZonedDateTime(park.timeZone).epochMilliseconds;
  return park.meters.map(({ id, utility, parent, gateway, accuracyPercent, serves }) => {
    const unit = serves.kind === 'unit' ? serves.unit : null;
    const changes = park.leases
      .filter(({ units }) => unit !== null && units.includes(unit))
      .flatMap(({ from, to }) => [from, ...(to === null ? [] : [to])])
      .map(startOf)
      .filter((ms) => ms < untilMs);
    return {
      id,
      utility,
      parent,
      gateway,
      accuracyPercent,
      settledMs: Math.max(Number.NEGATIVE_INFINITY, ...changes),
    };
  });
}

/** The days since the meter serves whom it serves. */
export const settledDays = (input: CheckInput, meter: WatchedMeter): readonly DayFacts[] =>
  (input.history.get(meter.id) ?? []).filter(({ startMs }) => startMs >= meter.settledMs);

export const childrenOf = (input: CheckInput, { id }: WatchedMeter): WatchedMeter[] =>
  input.meters.filter(({ parent }) => parent === id);

/** As people read them. */
export const UNIT = { electricity: 'kWh', water: 'm³' } as const;

/** At most two decimals, with a true minus sign. */
export const figure = (value: number): string => `${Math.round(value * 100) / 100}`.replace('-', '−');
