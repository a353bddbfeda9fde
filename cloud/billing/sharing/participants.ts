/** Who takes part in a pool over a part of the period, and what is known of each: area, consumption, head count. */
import type { Lease, ParkUnit, Pool } from '../../../protocols/park.ts';
import type { SharingRule } from '../../../protocols/sharing.ts';
import { dayCount } from '../billing-period.ts';
import { areasOf, holderOn } from '../ownership.ts';
import { add, fromDecimal, multiply, ONE, type Rational, rational, sum, ZERO } from '../rational.ts';
import type { DailyUsage } from '../summarize-usage.ts';
import { type Part, type Scene, unitsIn, within } from './scene.ts';
import { type FactKey, leaseVariables, valueKey } from './variables.ts';

/** One that is given a weight: a lease, a unit that stands vacant, or a pool that passes its part on. */
export interface Participant {
  readonly id: string;
  readonly kind: 'lease' | 'vacant' | 'pool';
  /** Of a vacant unit. */
  readonly building: string | null;
  /** Null where nothing is on record. */
  readonly fact: (key: FactKey) => Rational | null;
  /** What of its own consumption was estimated, in the billing unit. */
  readonly estimated: () => Rational;
}

const MICRO = 1_000_000n;

/** Makes the participants of pools; what it worked out once it keeps. */
export class Participants {
  readonly #scene: Scene;
  readonly #unitMeters: ReadonlyMap<string, string[]>;

  constructor(scene: Scene) {
    this.#scene = scene;
    const served = scene.meters.flatMap(({ id, serves }) =>
      serves.kind === 'unit' ? [{ id, unit: serves.unit }] : [],
    );
    const byUnit = Map.groupBy(served, ({ unit }) => unit);
    this.#unitMeters = new Map([...byUnit].map(([unit, meters]) => [unit, meters.map(({ id }) => id)]));
  }

  /** Leases and vacant units in the scope of the pool, by id. In a part who holds what does not change. */
  of(pool: Pick<Pool, 'scope'>, part: Part, touWeights: SharingRule['touWeights']): Participant[] {
    const { park, occupancy } = this.#scene;
    const leases = new Map<string, ParkUnit[]>();
    const participants: Participant[] = [];
    for (const unit of unitsIn(park, pool)) {
      const holder = holderOn(occupancy.of(unit.id), part.from);
      if (holder === null) participants.push(this.#participant('vacant', unit.id, [unit], part, touWeights));
      else leases.set(holder, [...(leases.get(holder) ?? []), unit]);
    }
    for (const [id, units] of leases)
      participants.push(this.#participant('lease', id, units, part, touWeights));
    return participants.sort((a, b) => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1));
  }

  /** @param own what the pool's own meters counted in the part, in the billing unit */
  pool(pool: Pool, part: Part, own: Rational): Participant {
    const units = unitsIn(this.#scene.park, pool);
    return {
      id: pool.id,
      kind: 'pool',
      building: null,
      fact: (key) => {
        if (key === 'area') return areaOf(units, part);
        return key === 'own' ? own : null;
      },
      estimated: () => ZERO,
    };
  }

  #participant(
    kind: 'lease' | 'vacant',
    id: string,
    units: readonly ParkUnit[],
    part: Part,
    touWeights: SharingRule['touWeights'] = {},
  ): Participant {
    const lease = kind === 'lease' ? this.#scene.occupancy.lease(id) : null;
    let rows: DailyUsage[] | null = null;
    const consumed = (): DailyUsage[] => {
      rows ??= units.flatMap((unit) =>
        (this.#unitMeters.get(unit.id) ?? []).flatMap((meter) =>
          (this.#scene.usage.get(meter) ?? []).filter((row) => within(row, part)),
        ),
      );
      return rows;
    };
    const fact = (key: FactKey): Rational | null => {
      switch (key) {
        case 'area':
          return areaOf(units, part);
        case 'days':
          return rational(BigInt(dayCount(part)));
        case 'own':
          return total(consumed(), () => ONE);
        case 'weighted':
          return total(consumed(), (tou) => fromDecimal(touWeights[tou ?? ''] ?? '1'));
        default:
          return lease === null ? ZERO : this.#valueOf(lease, key, part);
      }
    };
    return {
      id,
      kind,
      building: kind === 'vacant' ? (units[0]?.building ?? null) : null,
      fact,
      estimated: () =>
        rational(
          consumed().reduce((sum, { estimated }) => sum + estimated, 0n),
          MICRO,
        ),
    };
  }

  #valueOf({ values = [] }: Lease, key: FactKey, part: Part): Rational | null {
    const variable = leaseVariables(this.#scene.park).find((one) => valueKey(one) === key);
    const row = values.find(
      ({ name, from, to }) =>
        variable?.names.includes(name) === true && from <= part.from && (to === null || part.from < to),
    );
    if (variable === undefined || row === undefined) return null;
    const value = fromDecimal(row.value);
    return variable.perDay ? multiply(value, rational(BigInt(dayCount(part)))) : value;
  }
}

const areaOf = (units: readonly ParkUnit[], part: Part): Rational =>
  sum(units.map((unit) => fromDecimal(areasOf(unit, part)[0]?.areaM2 ?? '0')));

/** Rows in the billing unit, each TOU period with its weight. */
function total(rows: readonly DailyUsage[], weightOf: (touPeriod: string | null) => Rational): Rational {
  const byTou = new Map<string | null, bigint>();
  for (const { touPeriod, quantity } of rows) byTou.set(touPeriod, (byTou.get(touPeriod) ?? 0n) + quantity);
  let weighted = ZERO;
  for (const [touPeriod, quantity] of byTou)
    weighted = add(weighted, multiply(weightOf(touPeriod), rational(quantity, MICRO)));
  return weighted;
}
