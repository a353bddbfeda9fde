import { expect, test } from 'vitest';
import { newTally } from './tally.ts';
import { runWorld } from './world.ts';
import { tortureWorld } from './worlds.ts';

const none = { lost: 0, duplicated: 0, altered: 0, unexplained: 0, findings: [] };

test('of 2,000 worlds none loses, doubles, alters or invents what a gateway accepted, whatever the network does', () => {
  const tally = newTally();
  for (let number = 1; number <= 2_000; number += 1) tortureWorld(number, tally);
  expect(tally).toMatchObject(none);
  expect(tally.killed).toBeGreaterThan(20_000);
}, 240_000);

test.each([[2105, 'the note of what was refused found no room behind a commit']])(
  'world %i, in which a defect was found, holds: %s',
  (number) => {
    expect(runWorld(number)).toMatchObject(none);
  },
);

test('a world is the same again from its number', () => {
  expect(runWorld(7)).toEqual(runWorld(7));
});

test('a backlog of thousands is taken, and clocks are set', () => {
  expect(runWorld(200)).toMatchObject({ ...none, marked: 0 });
  expect(runWorld(200).accepted).toBeGreaterThan(4_000);
  const gentle = { isGentle: true };
  const jumped = runWorld(20, { ...gentle, hasClockJumps: true });
  const steady = runWorld(20, { ...gentle, hasClockJumps: false });
  expect(jumped.state?.withoutInstants).toBe(steady.state?.withoutInstants);
  expect(jumped.state?.whole).not.toBe(steady.state?.whole);
});
