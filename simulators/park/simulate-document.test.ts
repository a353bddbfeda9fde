import { describe, expect, test } from 'vitest';
import { readProfiles } from '../profiles.ts';
import { generatePark } from './generate-park.ts';
import { simulateDocument } from './simulate-document.ts';

const profiles = readProfiles();
const { park } = generatePark({ seed: 1, period: '2026-09', profiles });
const options = { seed: 2, period: '2026-09', profiles };

describe('a park document of any origin', () => {
  const { truth, wiring } = simulateDocument(park, options);

  test('has every meter on a bus, at most 32 on one', () => {
    const wired = wiring.buses.flatMap(({ meters }) => meters.map(({ meter }) => meter));
    expect(wired.sort()).toEqual(park.meters.map(({ id }) => id).sort());
    for (const { meters } of wiring.buses) expect(meters.length).toBeLessThanOrEqual(32);
  });
  test.each(park.meters)('$id counts, and never beyond its rating', ({ id, maxPerHour }) => {
    const { counts, stepMicro } = truth.of(id);
    const steps = Array.from(counts.subarray(1), (count, i) => count - (counts[i] ?? 0));
    expect(Math.max(...steps) * stepMicro * 4).toBeLessThanOrEqual(Number(maxPerHour) * 1_000_000);
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
    expect(counts.at(-1)).toBeGreaterThan(0);
  });
  test.each(park.meters.filter(({ serves }) => serves.kind === 'branch'))(
    '$id counts what is below it, and a small loss',
    ({ id }) => {
      const { fromMs, toMs } = truth.grid;
      const used = (meter: string): number => truth.consumedMicro(truth.of(meter), fromMs, toMs);
      const below = park.meters
        .filter(({ parent }) => parent === id)
        .reduce((sum, child) => sum + used(child.id), 0);
      const { stepMicro, multiplier } = truth.of(id);
      expect(Math.abs(used(id) - below * 1.002)).toBeLessThanOrEqual(stepMicro * multiplier);
    },
  );
  test('with a billing register that no model has is refused', () => {
    const [first, ...rest] = park.meters;
    if (first === undefined) throw new Error('an empty park');
    const odd = { ...park, meters: [{ ...first, register: '1-0:9.9.9' }, ...rest] };
    expect(() => simulateDocument(odd, options)).toThrow(/E-0: no simulated model/);
  });
});
