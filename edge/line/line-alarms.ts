/** Counts who else spoke on a line. */
import type { Alarm, AlarmKind, MeterUnit } from './exchange.ts';

/** How often each was heard. */
export type UnitAlarms = { unit: MeterUnit } & Record<AlarmKind, number>;

export class LineAlarms {
  readonly #units = new Map<MeterUnit, UnitAlarms>();

  add({ unit, kind }: Alarm): void {
    const alarms = this.#units.get(unit) ?? { unit, echo: 0, duplicate: 0, second_slave: 0 };
    alarms[kind] += 1;
    this.#units.set(unit, alarms);
  }

  list(): UnitAlarms[] {
    return [...this.#units.values()].map((alarms) => ({ ...alarms }));
  }
}
