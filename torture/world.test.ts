import { expect, test } from 'vitest';
import { runWorld } from './world.ts';

test('of 40 worlds none loses, doubles or alters what a gateway accepted', () => {
  const faulty: unknown[] = [];
  let accepted = 0;
  let faults = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const report = runWorld(seed);
    accepted += report.accepted;
    faults += report.faults;
    const { lost, duplicated, altered } = report;
    if (lost.length + duplicated.length + altered.length > 0)
      faulty.push({ seed, lost, duplicated, altered });
  }
  expect(faulty).toEqual([]);
  expect(accepted).toBeGreaterThan(20_000);
  expect(faults).toBeGreaterThan(400);
}, 120_000);

test('a world is the same again from its number', () => {
  expect(runWorld(7)).toEqual(runWorld(7));
});
