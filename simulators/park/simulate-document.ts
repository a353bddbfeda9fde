/** Puts simulated meters behind any park document: loads by what each meter serves, sized by what it can count. */
import type { Park, ParkMeter } from '../../protocols/park.ts';
import { billingRegister, type Profiles, resolutionMicro } from '../profiles.ts';
import { randomStream } from '../random.ts';
import { countMeters, siteSlots } from './count-meters.ts';
import { monthGrid } from './generate-park.ts';
import type { LoadShape } from './load-shapes.ts';
import { type MeterTruth, Truth } from './truth.ts';
import type { Wiring } from './wiring.ts';

const MODEL = { electricity: 'schneider-iem3000', water: 'tuf-2000m' } as const;
const SHAPES: Record<ParkMeter['serves']['kind'], LoadShape> = {
  unit: 'office',
  pool: 'lift',
  landlord: 'pump',
  branch: 'steady',
};
/** As many meters as an RS-485 line takes without a repeater. */
const METERS_PER_BUS = 32;
/** Peak of an end meter, as a share of what it and the meters above it can count. */
const PEAK_PERCENT = 40;

/**
 * Every meter of the document, all of one model per utility, on converters of 32. Meters that others name as their parent
 * count those and nothing else.
 * @throws Error for a billing register that the model does not have
 */
export function simulateDocument(
  park: Park,
  { seed, period, profiles }: { seed: number; period: string; profiles: Profiles },
): { truth: Truth; wiring: Wiring } {
  const grid = monthGrid(period, park.timeZone);
  const meters = parentsFirst(park.meters).map((meter) => ({
    ...meter,
    stepMicro: resolutionMicro(profiles, MODEL[meter.utility]),
    factor: Math.max(1, Math.round(Number(meter.multiplier))),
  }));
  const isParent = new Set(park.meters.map(({ parent }) => parent));
  const peaks = sharedCapacity(
    meters.filter(({ id }) => !isParent.has(id)),
    meters,
  );
  const counts = countMeters(
    meters.map(({ id, parent, stepMicro, factor, serves }) => {
      const peak = Math.floor(((peaks.get(id) ?? 0) * PEAK_PERCENT) / 100);
      const load = { shape: SHAPES[serves.kind], base: Math.floor(peak / 20), peak, weather: 0 };
      return {
        ...{ id, parent, stepMicro: stepMicro * factor, lossPerMillion: 2_000, vacant: [], leak: null },
        load: isParent.has(id) ? null : load,
      };
    }),
    grid,
    siteSlots(grid, park.timeZone),
    seed,
  );
  const truths = meters.map(({ id, utility, register, digits, stepMicro, factor }): MeterTruth => {
    const obis = billingRegister(profiles, MODEL[utility]).register.obis;
    if (register !== obis) throw new Error(`${id}: no simulated model has the register ${register}`);
    const modulus = Math.floor((10 ** digits * 1_000_000) / stepMicro);
    const offset = randomStream(seed, `${id}/face`).between(0, Math.floor(Math.min(modulus / 2, 5_000_000)));
    return {
      ...{ meter: id, register, unit: utility === 'water' ? 'm3' : 'kWh', stepMicro, multiplier: factor },
      counts: counts.get(id) ?? new Float64Array(0),
      devices: [{ fromMs: -Infinity, offset, modulus }],
    };
  });
  return { truth: new Truth(grid, truths), wiring: wire(park) };
}

type Sized = ParkMeter & { factor: number };

/** What each end meter may draw, in W or litres an hour, so that neither it nor any meter above it counts beyond its rating. */
function sharedCapacity(ends: readonly Sized[], meters: readonly Sized[]): Map<string, number> {
  const byId = new Map(meters.map((meter) => [meter.id, meter]));
  const capacity = ({ maxPerHour, factor }: Sized): number => Number(maxPerHour) * factor * 1000;
  const above = (meter: Sized): Sized[] => {
    const parent = byId.get(meter.parent ?? '');
    return parent === undefined ? [] : [parent, ...above(parent)];
  };
  const asked = new Map<string, number>();
  for (const end of ends)
    for (const { id } of above(end)) asked.set(id, (asked.get(id) ?? 0) + capacity(end));
  return new Map(
    ends.map((end) => {
      const shares = above(end).map((parent) => capacity(parent) / (asked.get(parent.id) ?? 1));
      return [end.id, capacity(end) * Math.min(1, ...shares)];
    }),
  );
}

function parentsFirst(meters: readonly ParkMeter[], parent: string | null = null): ParkMeter[] {
  return meters
    .filter((meter) => meter.parent === parent)
    .flatMap((meter) => [meter, ...parentsFirst(meters, meter.id)]);
}

function wire({ meters }: Park): Wiring {
  const buses = [];
  for (let from = 0; from < meters.length; from += METERS_PER_BUS) {
    const some = meters.slice(from, from + METERS_PER_BUS);
    buses.push({
      id: `bus-${buses.length + 1}`,
      link: 'tcp' as const,
      meters: some.map(({ id, utility }, index) => ({ meter: id, profile: MODEL[utility], unit: index + 1 })),
    });
  }
  return { gateway: meters[0]?.gateway ?? 'gw-a', buses, push: [] };
}
