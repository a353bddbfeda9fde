import { expect, type TestContext, test } from 'vitest';
import { missingPeer } from '../process/peers.ts';
import { powerTorture, torturePower } from './power.ts';
import { syscallsTorture } from './syscalls.ts';
import type { Tally } from './tally.ts';

const none = { lost: 0, duplicated: 0, altered: 0, unexplained: 0, findings: [] };
const options = (rounds: number) => ({ seed: 1, rounds, onRound: () => undefined });

const run = (context: TestContext, tally: Tally): Tally =>
  tally.skipped === undefined ? tally : (missingPeer(context, tally.skipped) ?? tally);

test('28 system calls of the writer fail or kill it: nothing that it called accepted is missing', async (context) => {
  const tally = run(context, await syscallsTorture.run(options(syscallsTorture.rounds.usual)));
  expect(tally).toMatchObject(none);
  expect(tally.killed).toBeGreaterThan(14);
}, 120_000);

test('five power cuts: nothing that was accepted is missing', async (context) => {
  const tally = run(context, await powerTorture.run(options(powerTorture.rounds.usual)));
  expect(tally).toMatchObject({ ...none, killed: 5 });
}, 60_000);

test('a writer that does not flush loses by a power cut, so that they are real', async (context) => {
  const tally = run(context, await torturePower(options(2), 'a commit is not flushed'));
  expect(tally.lost).toBeGreaterThan(0);
}, 60_000);
