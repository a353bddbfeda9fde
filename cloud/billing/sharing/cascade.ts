/**
 * Shares pools out, one after the other, from where quantities are counted to who bears them. What a pool is given by another
 * keeps its way, so that a statement can name every pool, rule and weight between the register and the line.
 */
import type { Park, Pool } from '../../../protocols/park.ts';
import { dayCount } from '../billing-period.ts';
import { type Holder, holderOn } from '../ownership.ts';
import { add, fromDecimal, isZero, multiply, ONE, type Rational, rational, sum, ZERO } from '../rational.ts';
import { type CompiledRule, ruleName } from './compile-rule.ts';
import { isTooFine, type PoolFacts } from './evaluate-rule.ts';
import { Participants } from './participants.ts';
import type { PoolGroup } from './pool-order.ts';
import {
  differenceSource,
  type MeterDifference,
  meterDifference,
  meteredSource,
  type PoolSource,
  parentOn,
} from './pool-sources.ts';
import { partsOf, Rules } from './rules-in-force.ts';
import type { Part, Scene } from './scene.ts';
import { exclusiveHop, type Hop, sharePool } from './share-pool.ts';

/** What was counted at one place in one part of the period, on its way to whoever bears it. */
export interface Stream {
  readonly source: PoolSource;
  /** From the pool that holds the source to the pool of the leaf. */
  readonly hops: readonly Hop[];
  /** The product of the hops' shares. */
  readonly fraction: Rational;
}

/** Why the landlord bears a part of a pool. Vacancy is the pool's own share of it. */
export type LandlordReason = 'vacancy' | 'unassigned' | 'unrecovered';

export type SharedPart =
  | { readonly holder: string; readonly pool: string; readonly stream: Stream }
  | {
      readonly holder: null;
      readonly pool: string;
      readonly reason: LandlordReason;
      readonly building: string | null;
      readonly stream: Stream;
    };

export type Cascade =
  | { ok: true; parts: SharedPart[]; differences: MeterDifference[]; warnings: string[] }
  | { ok: false; detail: string };

/** One group of pools over the period. */
export class PoolCascade {
  readonly #scene: Scene;
  readonly #rules: Rules;
  readonly #participants: Participants;
  readonly #temperatures: ReadonlyMap<string, NonNullable<Park['temperatures']>[number]>;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#rules = new Rules(scene.park, scene.utility);
    this.#participants = new Participants(scene);
    this.#temperatures = new Map((scene.park.temperatures ?? []).map((day) => [day.date, day]));
  }

  share(group: PoolGroup): Cascade {
    const { park, period } = this.#scene;
    const differences = new Map<string, MeterDifference>();
    for (const pool of group.pools) {
      const found = this.#differenceOf(pool);
      if (found !== null) differences.set(pool.id, found);
    }
    const parts: SharedPart[] = [];
    const warnings = new Set<string>();
    for (const part of partsOf(park, group, period)) {
      const inflows = new Map<string, Stream[]>();
      for (const pool of group.pools) {
        const streams = [
          ...this.#sources(pool, part, differences.get(pool.id) ?? null),
          ...(inflows.get(pool.id) ?? []),
        ];
        if (streams.length === 0) continue;
        const shared = this.#sharePart(pool, part, streams, group);
        if (!shared.ok) return shared;
        parts.push(...shared.parts);
        for (const warning of shared.warnings) warnings.add(warning);
        for (const [to, stream] of shared.passed) inflows.set(to, [...(inflows.get(to) ?? []), stream]);
      }
    }
    return { ok: true, parts, differences: [...differences.values()], warnings: [...warnings] };
  }

  #differenceOf({ difference }: Pool): MeterDifference | null {
    const branch = this.#scene.park.meters.find(({ id }) => id === difference?.meter);
    if (branch === undefined) return null;
    const meters = this.#scene.park.meters.filter(({ utility }) => utility === this.#scene.utility);
    return meterDifference(
      branch,
      (date) => meters.filter((meter) => parentOn(meter, date) === branch.id),
      this.#scene.usage,
    );
  }

  #sources(pool: Pool, part: Part, difference: MeterDifference | null): Stream[] {
    const { meters, usage } = this.#scene;
    const metered = meteredSource(pool, part, meters, usage);
    const sources = [
      ...(metered === null ? [] : [metered]),
      ...(difference === null ? [] : [differenceSource(pool, part, difference)]),
    ];
    return sources.map((source) => ({ source, hops: [], fraction: ONE }));
  }

  #sharePart(
    pool: Pool,
    part: Part,
    streams: readonly Stream[],
    group: PoolGroup,
  ):
    | { ok: true; parts: SharedPart[]; passed: [string, Stream][]; warnings: string[] }
    | { ok: false; detail: string } {
    const inForce = this.#rules.inForce(pool, part.from);
    if (!inForce.ok) return inForce;
    const { compiled } = inForce;
    const alone = this.#alone(pool, part);
    if (alone !== undefined) {
      const hop = exclusiveHop(pool.id, compiled.rule);
      const building = null;
      const parts = streams.map((stream): SharedPart => {
        const through = along(stream, hop);
        return alone === null
          ? { holder: null, pool: pool.id, reason: 'vacancy', building, stream: through }
          : { holder: alone, pool: pool.id, stream: through };
      });
      return { ok: true, parts, passed: [], warnings: [] };
    }
    const facts = this.#factsOf(streams, part);
    if (isTooFine(facts.quantity))
      return { ok: false, detail: `pool ${pool.id}: what it is given has no common fraction: round weights` };
    const direct = this.#participants.of(pool, part, compiled.rule.touWeights);
    const further = this.#passedTo(pool, part, compiled, group);
    const shared = sharePool(pool, compiled, facts, [...direct, ...further], (id) =>
      this.#signed(id, compiled),
    );
    if (!shared.ok) return shared;
    const base = { pool: pool.id, rule: compiled.rule };
    const parts: SharedPart[] = [];
    const passed: [string, Stream][] = [];
    const scope = pool.scope.kind === 'building' ? pool.scope.building : null;
    for (const stream of streams) {
      for (const [holder, hop] of shared.leases)
        if (!isZero(hop.share)) parts.push({ holder, pool: pool.id, stream: along(stream, hop) });
      for (const [to, hop] of shared.pools) if (!isZero(hop.share)) passed.push([to, along(stream, hop)]);
      const landlord = (reason: LandlordReason, building: string | null, share: Rational): void => {
        if (isZero(share)) return;
        const hop = { ...exclusiveHop(base.pool, base.rule), share };
        parts.push({ holder: null, pool: pool.id, reason, building, stream: along(stream, hop) });
      };
      for (const [building, share] of shared.vacancy) landlord('vacancy', building, share);
      landlord('unassigned', scope, shared.unassigned);
      landlord('unrecovered', scope, shared.unrecovered);
    }
    return { ok: true, parts, passed, warnings: shared.warnings };
  }

  /** The one who bears all of the pool; undefined where it is shared. */
  #alone({ sharing, scope }: Pool, part: Part): Holder | undefined {
    if (sharing === 'landlord') return null;
    if (scope.kind !== 'lease') return undefined;
    return holderOn(this.#scene.occupancy.ofLease(scope.lease), part.from);
  }

  #passedTo(pool: Pool, part: Part, { pools }: CompiledRule, group: PoolGroup) {
    const { meters, usage } = this.#scene;
    const to = group.passesTo.get(pool.id);
    return pools.flatMap((one) => {
      const other = group.pools.find(({ id }) => id === one.pool);
      if (other === undefined || to?.has(other.id) !== true) return [];
      const source = meteredSource(other, part, meters, usage);
      const own = [...(source?.quantities.values() ?? [])].reduce((total, each) => total + each, 0n);
      return [this.#participants.pool(other, part, rational(own, 1_000_000n))];
    });
  }

  #signed(lease: string, { rule }: CompiledRule): boolean {
    const { signed = [] } = this.#scene.occupancy.lease(lease) ?? {};
    return signed.some((one) => ruleName({ id: one.rule, version: one.version }) === ruleName(rule));
  }

  #factsOf(streams: readonly Stream[], part: Part): PoolFacts {
    const dates = Temporal.PlainDate.from(part.from);
    const days = dayCount(part);
    return {
      quantity: sum(
        streams.map(({ source: { quantities }, fraction }) =>
          inUnits(
            [...quantities.values()].reduce((total, one) => total + one, 0n),
            fraction,
          ),
        ),
      ),
      days: rational(BigInt(days)),
      periodDays: rational(BigInt(this.#scene.period.days)),
      byDay: Array.from({ length: days }, (_, index) => {
        const date = `${dates.add({ days: index })}`;
        const temperature = this.#temperatures.get(date);
        const { maximum, mean } = temperature ?? {};
        return {
          date,
          quantity: () =>
            sum(streams.map(({ source, fraction }) => inUnits(source.byDay.get(date) ?? 0n, fraction))),
          maximum: maximum === undefined ? null : fromDecimal(maximum),
          mean: mean === undefined ? null : fromDecimal(mean),
        };
      }),
    };
  }
}

/** Millionths x fraction, in the billing unit. */
const inUnits = (quantity: bigint, fraction: Rational): Rational =>
  multiply(rational(quantity, 1_000_000n), fraction);

const along = ({ source, hops, fraction }: Stream, hop: Hop): Stream => ({
  source,
  hops: [...hops, hop],
  fraction: multiply(fraction, hop.share),
});

/** The exact quantity that streams bring, of one TOU period, in millionths. */
export const quantityOf = (streams: readonly Stream[], touPeriod: string | null): Rational => {
  let total = ZERO;
  for (const { source, fraction } of streams) {
    const quantity = source.quantities.get(touPeriod) ?? 0n;
    if (quantity !== 0n) total = add(total, multiply(rational(quantity), fraction));
  }
  return total;
};
