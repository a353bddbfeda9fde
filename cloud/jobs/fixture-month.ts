/** The sample park's meters over whole months, for tests of what closes them: readings by the hour, and bills of further months. */
import type { Park, ParkMeter } from '../../protocols/park.ts';
import { samplePark } from '../billing/sample-park.ts';
import type { Store } from '../store/store.ts';
import { at, gatewayInto, type Point } from './fixture-site.ts';

const HOUR_MS = 3_600_000;
const WRAP = 10n ** 14n;

/** With the same bills in October as in September. */
export const twoMonthPark: Park = {
  ...samplePark,
  sourceBills: [
    ...samplePark.sourceBills,
    ...samplePark.sourceBills.map((bill) => ({ ...bill, id: `${bill.id}-10`, period: '2026-10' })),
  ],
};

/**
 * What a meter counts in the k-th hour, in Micro: end meters by their place in the list and never two days alike, branches what
 * is below and 1 %.
 */
function quantityOf(park: Park, meter: ParkMeter, k: number): bigint {
  const below = park.meters.filter(({ parent }) => parent === meter.id);
  if (below.length === 0)
    return BigInt((park.meters.indexOf(meter) + 1) * 28_000 + (k % 24) * 1_600 + ((k * 7_919) % 101) * 700);
  return (below.reduce((sum, child) => sum + quantityOf(park, child, k), 0n) * 101n) / 100n;
}

/** Registers as the faces show them, hour by hour; the lift's wraps in September. */
export function hourlyPoints(park: Park, meter: ParkMeter, until = '2026-10-01T00:00'): Point[] {
  const fromMs = at('2026-09-01T00:00');
  let count = meter.id === 'E-lift' ? WRAP - 50_000_000n : 5_000_000_000n;
  const points: Point[] = [];
  for (let atMs = fromMs, k = 0; atMs <= at(until); atMs += HOUR_MS, k += 1) {
    points.push({ atMs, value: count % WRAP });
    count += quantityOf(park, meter, k);
  }
  return points;
}

export type Hold = (meter: ParkMeter, point: Point) => boolean;

/**
 * Sends every meter's readings up to `until`, but those that are held back.
 * @returns sends what was held back, and says how many readings that were
 */
export async function ingestHours(
  store: Store,
  until: string,
  hold: Hold = () => false,
): Promise<() => Promise<number>> {
  const send = gatewayInto(store);
  const held: [ParkMeter, Point[]][] = [];
  for (const meter of samplePark.meters) {
    const points = hourlyPoints(samplePark, meter, until);
    const late = points.filter((point) => hold(meter, point));
    held.push([meter, late]);
    await send(
      meter,
      points.filter((point) => !late.includes(point)),
    );
  }
  return async () => {
    for (const [meter, points] of held) await send(meter, points);
    return held.reduce((sum, [, points]) => sum + points.length, 0);
  };
}
