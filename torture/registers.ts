/** Registers that roll over, are reset, exchanged, dip and jump: no consumption is negative, and none is more than was used. */
import { deriveIntervals } from '../cloud/metering/derive-intervals.ts';
import type { Device, MeterFacts } from '../cloud/metering/meter-facts.ts';
import type { RegisterPoint } from '../cloud/metering/register-step.ts';
import { siteGrid } from '../cloud/metering/site-grid.ts';
import { formatMicro, type Micro, micro } from '../protocols/units.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { count, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';

const asMicro = (count: bigint): Micro => micro(formatMicro(count));

const CASES_A_ROUND = 50;
const QUARTER_MS = 900_000;
const QUARTERS = 192;
const FROM_MS = Date.UTC(2026, 8, 1);
const MODULUS = micro('1000000');
const MOST_A_QUARTER = 20_000_000;
/** What a quarter counts at most, times four. */
const MAX_PER_HOUR = asMicro(BigInt(MOST_A_QUARTER * 4));

export const registersTorture: TorturePart = {
  name: 'registers',
  about:
    'rollovers, exchanges, resets, dips and spikes, 50 a round: each is an event, no consumption negative or inflated',
  rounds: { usual: 4, full: 10 },
  proves: [
    { invariant: 13, promise: 'reset, rollover and exchange are explicit events', of: 'cases', atLeast: 500 },
  ],
  run: tortureRegisters,
};

async function tortureRegisters({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    for (let n = 0; n < CASES_A_ROUND; n += 1)
      torture(randomStream(seed, `torture/registers/${round}/${n}`), `case ${round}/${n}`, tally);
    onRound(tally);
  }
  return tally;
}

const KINDS = ['rollover', 'exchange', 'reset', 'dip', 'spike'] as const;
type Kind = (typeof KINDS)[number];

interface Case {
  kind: Kind;
  readings: RegisterPoint[];
  facts: MeterFacts;
  /** What was truly used. */
  used: bigint;
}

function torture(random: Random, name: string, tally: Tally): void {
  const one = makeCase(random);
  const toMs = FROM_MS + QUARTERS * QUARTER_MS;
  const grid = siteGrid({ timeZone: 'Asia/Shanghai', fromMs: FROM_MS, toMs, minutes: 15 });
  const { intervals, events, bad } = deriveIntervals({
    grid,
    readings: one.readings,
    facts: one.facts,
    fromMs: FROM_MS,
    toMs,
  });
  tally.killed += 1;
  tell(tally, 'cases');
  tell(tally, one.kind);
  const where = `${name}, ${one.kind}`;
  let sum = 0n;
  let missing = 0;
  for (const { quantity } of intervals) {
    if (quantity === null) missing += 1;
    else if (quantity < 0n) count(tally, 'altered', 1, `${where}: ${quantity}`);
    sum += quantity ?? 0n;
  }
  if (sum > one.used) count(tally, 'altered', 1, `${where}: ${sum} where ${one.used} were used`);
  // What nobody stated cannot be billed; all else has to be found to the last step.
  if (one.kind !== 'reset' && (sum !== one.used || missing > 0))
    count(tally, 'lost', 1, `${where}: ${sum} of ${one.used}, ${missing} missing`);
  const isTold =
    one.kind === 'rollover' || one.kind === 'exchange'
      ? events.some(({ kind }) => kind === one.kind)
      : bad.length > 0;
  if (!isTold) count(tally, 'unexplained', 1, `${where}: nobody tells of it`);
}

/** Two days of quarters; what goes wrong does so in the middle, and some readings are not there. */
function makeCase(random: Random): Case {
  const kind = KINDS[random.between(0, KINDS.length - 1)] ?? 'reset';
  const turn = random.between(20, QUARTERS - 20);
  const usedTo = [0n];
  for (let k = 1; k <= QUARTERS; k += 1)
    usedTo.push((usedTo[k - 1] ?? 0n) + BigInt(random.between(100, MOST_A_QUARTER / 2)));
  const before = usedTo[turn] ?? 0n;
  // Just below its top at the turn, or anywhere.
  const start =
    kind === 'rollover'
      ? MODULUS - before - BigInt(random.between(0, 99)) * 1_000n
      : micro('20000') + BigInt(random.between(0, 1_000_000)) * 100_000n;
  const fresh = kind === 'reset' ? 0n : BigInt(random.between(0, 5_000)) * 1_000_000n;
  const faceAt = (k: number): bigint => {
    const count = usedTo[k] ?? 0n;
    if ((kind === 'exchange' || kind === 'reset') && k > turn) return fresh + count - before;
    const face = (start + count) % MODULUS;
    if (k !== turn) return face;
    if (kind === 'dip') return BigInt(random.between(0, 999)) * 1_000_000n;
    return kind === 'spike' ? face + MAX_PER_HOUR * BigInt(random.between(40, 400)) : face;
  };
  const kept = (k: number): boolean =>
    k === 0 || k === QUARTERS || Math.abs(k - turn) <= 2 || random.between(0, 9) > 0;
  const readings = usedTo.flatMap((_, k) =>
    kept(k) ? [{ atMs: FROM_MS + k * QUARTER_MS, value: faceAt(k) }] : [],
  );
  const always: Device = {
    fromMs: Number.NEGATIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
    multiplier: micro('1'),
    modulus: MODULUS,
    initial: null,
    final: null,
  };
  // Exchanged right behind the reading at the turn.
  const changedMs = FROM_MS + turn * QUARTER_MS + 1;
  const devices =
    kind === 'exchange'
      ? [
          { ...always, toMs: changedMs, final: asMicro(start + before) },
          { ...always, fromMs: changedMs, initial: asMicro(fresh) },
        ]
      : [always];
  return { kind, readings, facts: { maxPerHour: MAX_PER_HOUR, devices }, used: usedTo.at(-1) ?? 0n };
}
