/** Late, foreign and doubled replies by the thousand, over Modbus TCP and RTU: no value is ever another request's. */
import { Line, LineFault } from '../edge/line/line.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { registersAt, type SpoiledMeter, startSpoiledMeter } from './spoiled-meter.ts';
import { count, newTally, type Tally, type TortureOptions, type TorturePart } from './tally.ts';

const LINES_OF_A_KIND = 10;
const SPOILED_A_LINE = 5;
const TIMEOUT_MS = 30;
/** Transactions wrap within the first rounds. */
const FIRST_TRANSACTION = 0xfff0;
const UNITS = 3;
const ADDRESSES = 1000;

export const repliesTorture: TorturePart = {
  name: 'replies',
  about: 'replies late, foreign and doubled, 100 a round: no value is taken from one that is not its own',
  rounds: { usual: 10, full: 100 },
  proves: [{ invariant: 12, promise: 'a value comes from its own request', of: 'killed', atLeast: 10000 }],
  run: tortureReplies,
};

interface Lane {
  kind: string;
  meter: SpoiledMeter;
  line: Line;
  random: Random;
  right: number;
}

async function tortureReplies({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  const lanes = await openLanes(seed);
  try {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(lanes.map((lane) => pollUntilSpoiled(lane, SPOILED_A_LINE * (round + 1), tally)));
      tally.killed = lanes.reduce((sum, { meter }) => sum + meter.spoiled(), 0);
      onRound(tally);
    }
    const idle = lanes.filter(({ right }) => right < rounds);
    if (idle.length > 0) throw new Error(`${idle.length} lines hardly got a value`);
  } finally {
    await Promise.all(lanes.map(({ line }) => line.close()));
    await Promise.all(lanes.map(({ meter }) => meter.close()));
  }
  return tally;
}

async function openLanes(seed: number): Promise<Lane[]> {
  const lanes: Lane[] = [];
  for (const kind of ['tcp', 'rtu'] as const) {
    for (let n = 0; n < LINES_OF_A_KIND; n += 1) {
      const random = randomStream(seed, `torture/replies/${kind}/${n}`);
      const meter = await startSpoiledMeter(kind, { random, timeoutMs: TIMEOUT_MS });
      if (meter === null) continue;
      const { link } = meter;
      const line = new Line({
        link,
        timeoutMilliseconds: TIMEOUT_MS,
        firstTransaction: FIRST_TRANSACTION,
      });
      lanes.push({ kind, meter, line, random, right: 0 });
    }
  }
  return lanes;
}

/** Polls until the meter has spoiled so many replies in all. */
async function pollUntilSpoiled(lane: Lane, spoiled: number, tally: Tally): Promise<void> {
  const { kind, meter, line, random } = lane;
  while (meter.spoiled() < spoiled) {
    const request = {
      unit: random.between(1, UNITS),
      functionCode: 3 as const,
      address: random.between(0, ADDRESSES),
      // Mostly as many registers: by their length such replies cannot be told apart.
      count: random.between(0, 3) === 0 ? 4 : 2,
    };
    try {
      const answer = await line.read(request);
      const own = answer.ok && registersAt(request.unit, request).equals(answer.data);
      if (own) lane.right += 1;
      else
        count(
          tally,
          'altered',
          1,
          `${kind}: unit ${request.unit}, address ${request.address}: another value`,
        );
    } catch (error) {
      if (!(error instanceof LineFault)) throw error;
    }
  }
}
