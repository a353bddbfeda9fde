/** How near the metering core comes to a bare pass over its inputs. */

import { deriveIntervals } from '../cloud/metering/derive-intervals.ts';
import type { MeterFacts } from '../cloud/metering/meter-facts.ts';
import type { RegisterPoint } from '../cloud/metering/register-step.ts';
import { type SiteGrid, siteGrid } from '../cloud/metering/site-grid.ts';
import { micro } from '../protocols/units.ts';
import { START_MS, TIME_ZONE } from './bench-readings.ts';
import { type BenchRow, benchRow, type Cost, costOf, interleave } from './measure.ts';

const MINUTES = 15;
const DAY_MS = 86_400_000;

const facts: MeterFacts = {
  maxPerHour: micro('500'),
  devices: [
    {
      fromMs: Number.NEGATIVE_INFINITY,
      toMs: Number.POSITIVE_INFINITY,
      multiplier: micro('40'),
      modulus: micro('1000000'),
      initial: null,
      final: null,
    },
  ],
};

/** A month of readings to intervals, and one bare pass that takes each difference once. */
export async function deriveMonth(size: {
  rounds: number;
  meters: number;
  days: number;
}): Promise<BenchRow[]> {
  const { meters, days } = size;
  const toMs = START_MS + days * DAY_MS;
  const grid = siteGrid({ timeZone: TIME_ZONE, fromMs: START_MS, toMs, minutes: MINUTES });
  const readings = Array.from({ length: meters }, (_, m) => monthReadings(grid, m));
  const count = meters * (grid.boundaries.length - 1);
  const rate = ({ seconds }: Cost): number => count / seconds;
  const derive = (points: RegisterPoint[]) =>
    deriveIntervals({ grid, readings: points, facts, fromMs: START_MS, toMs });
  const rates = await interleave(size.rounds, {
    derive: async () => rate(await costOf(() => readings.map((points) => derive(points).intervals.length))),
    bare: async () => rate(await costOf(() => readings.map(sumOfDifferences))),
  });
  const note = `${meters} meters x ${days} days of ${MINUTES} min, no gaps; limit: one bare pass that adds up the differences of the same readings`;
  return [
    benchRow({ name: 'derive_month', unit: 'intervals/s', note }, { value: rates.derive, limit: rates.bare }),
  ];
}

/** A register that rises by 0.01 to 0.1 kWh a quarter. */
function monthReadings(grid: SiteGrid, meter: number): RegisterPoint[] {
  let value: bigint = micro(`${1000 + meter}`);
  return grid.boundaries.map((atMs, k) => {
    value += BigInt(10_000 + ((k * 7919 + meter) % 90) * 1_000);
    return { atMs, value };
  });
}

function sumOfDifferences(points: readonly RegisterPoint[]): bigint {
  let sum = 0n;
  let last: bigint | null = null;
  for (const { value } of points) {
    if (last !== null) sum += value - last;
    last = value;
  }
  return sum;
}
