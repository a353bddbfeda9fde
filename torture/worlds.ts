/** Worlds in memory, one from each number: the same number is the same world again. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { count, countAll, newTally, type Tally, type TortureOptions, type TorturePart } from './tally.ts';
import { runWorld } from './world.ts';

export const worldsTorture: TorturePart = {
  name: 'worlds',
  about:
    'simulated gateways, network and ingest under kills, power cuts, bad disks and clocks: what was accepted is stored or accounted for',
  rounds: { usual: 2_000, full: 6_000 },
  proves: [],
  run: tortureWorlds,
};

/** Of so many worlds one is run again and again, gently, under other luck. */
const SAME_AGAIN_EVERY = 20;

/** World `seed + n` in round `n`. */
async function tortureWorlds({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    tortureWorld(seed + round, tally);
    onRound(tally);
    await nextTurn();
  }
  return tally;
}

export function tortureWorld(number: number, tally: Tally): void {
  const again = `meterline torture worlds --seed ${number} --rounds 1`;
  const report = runWorld(number);
  tally.killed += report.faults;
  countAll(tally, report, again);
  if (number % SAME_AGAIN_EVERY !== 0) return;
  // What is stored in the end, whatever the network, the workers and the clocks did meanwhile.
  const [first, ...others] = ['', '/2', '/3'].map((luck, n) => {
    const report = runWorld(number, { isGentle: true, hasClockJumps: n === 2, luck });
    countAll(tally, report, `${again}, network ${n + 1}`);
    return report.state;
  });
  for (const [n, state] of others.entries()) {
    // The instants are those of the gateway's clock; keys, order and values are not.
    const isSame =
      state?.withoutInstants === first?.withoutInstants && (n === 1 || state?.whole === first?.whole);
    if (!isSame) count(tally, 'altered', 1, `${again}: network ${n + 2} left another state`);
  }
}
