/** Worlds in memory, one from each number: the same number is the same world again. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { count, newTally, type Tally, type TortureOptions, type TorturePart } from './tally.ts';
import { runWorld } from './world.ts';

export const worldsTorture: TorturePart = {
  name: 'worlds',
  about:
    'simulated gateways, network and ingest under kills, power cuts and bad disks: what was accepted is stored or accounted for',
  rounds: { usual: 300, full: 10_000 },
  run: tortureWorlds,
};

async function tortureWorlds({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    const number = seed * 1_000_000 + round;
    const { faults, lost, duplicated, altered } = runWorld(number);
    tally.killed += faults;
    count(tally, 'lost', lost.length, `world ${number}: ${lost[0]}`);
    count(tally, 'duplicated', duplicated.length, `world ${number}: ${duplicated[0]}`);
    count(tally, 'altered', altered.length, `world ${number}: ${altered[0]}`);
    onRound(tally);
    await nextTurn();
  }
  return tally;
}
