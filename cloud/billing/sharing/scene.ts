/** What the sharing of one utility looks at: the park, the period, and what every meter counted, day by day. */
import type { Park, ParkMeter, ParkUnit, Pool } from '../../../protocols/park.ts';
import type { Utility } from '../../../protocols/units.ts';
import type { BillingPeriod } from '../billing-period.ts';
import type { Occupancy } from '../ownership.ts';
import type { DailyUsage } from '../summarize-usage.ts';

/** A stretch of the period, `[from, to)`, in which nothing that a rule looks at changes. */
export interface Part {
  readonly from: string;
  readonly to: string;
}

export interface Scene {
  readonly park: Park;
  readonly period: BillingPeriod;
  readonly utility: Utility;
  /** The end meters of the utility. */
  readonly meters: readonly ParkMeter[];
  /** Rows by meter, complete over the period. */
  readonly usage: ReadonlyMap<string, readonly DailyUsage[]>;
  readonly occupancy: Occupancy;
}

export const unitsIn = ({ units }: Pick<Park, 'units'>, { scope }: Pick<Pool, 'scope'>): ParkUnit[] =>
  units.filter(
    (unit) => scope.kind === 'park' || (scope.kind === 'building' && unit.building === scope.building),
  );

export const within = ({ date }: { date: string }, { from, to }: Part): boolean => from <= date && date < to;
