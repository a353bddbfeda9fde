/** A gateway that starts with a million readings in its buffer, and one that drains a backlog beside live readings. */
import { deliveryDrain, deliveryRestart } from '../bench/delivery-rows.ts';
import type { BenchRow } from '../bench/measure.ts';
import { count, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';

const BACKLOG = { usual: 50_000, full: 300_000 };
const BUFFERED = { usual: 100_000, full: 1_000_000 };

export const millionTorture: TorturePart = {
  name: 'million',
  about: 'a start with a million readings in the buffer; a backlog drained beside live readings',
  rounds: { usual: 1, full: 2 },
  proves: [
    {
      invariant: 23,
      promise: 'the first receipt within 5 s of a start',
      of: 'buffered',
      atLeast: BUFFERED.full,
    },
    {
      invariant: 23,
      promise: 'a backlog drains ten times as fast as readings come',
      of: 'backlog',
      atLeast: BACKLOG.full,
    },
  ],
  run: tortureMillion,
};

/** The first round is short; a second one has the full figures. */
async function tortureMillion({ rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    const size = round === 0 ? 'usual' : 'full';
    const rows = [
      ...(await deliveryRestart({ readings: BUFFERED[size] })),
      ...(await deliveryDrain({ backlog: BACKLOG[size] })),
    ];
    tally.figures = { ...tally.figures, buffered: BUFFERED[size], backlog: BACKLOG[size] };
    tally.killed += 1;
    for (const row of rows) judge(row, tally);
    onRound(tally);
  }
  return tally;
}

/** A rate is to reach its limit, a time to stay below it. */
function judge({ name, value, unit, limit }: BenchRow, tally: Tally): void {
  tell(tally, `${name} ${unit}`, value - (tally.figures[`${name} ${unit}`] ?? 0));
  const isGood = unit === 's' ? value <= limit : value >= limit;
  if (!isGood) count(tally, 'lost', 1, `${name}: ${value} ${unit}, asked for is ${limit}`);
}
