/** Bits that flip and files that end early in a gateway's buffer: what can be read goes up, and a marker tells of the rest. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { benchReading, benchReadings, withoutKey } from '../bench/bench-readings.ts';
import { type Outbox, openOutbox } from '../edge/outbox.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { count, newTally, type Tally, type TortureOptions, type TorturePart, tell } from './tally.ts';

const READINGS = 240;
const HARMS_A_ROUND = 10;
/** Segments of 16 KiB: some seventy readings. */
const MOST_BYTES = 400 * 1024;

export const corruptionTorture: TorturePart = {
  name: 'corruption',
  about:
    'bits flipped and files cut short in the buffer, 10 a round: no wrong value, no silent loss, no crash loop',
  rounds: { usual: 10, full: 100 },
  proves: [
    { invariant: 9, promise: 'corruption is detected, and the rest delivered', of: 'harms', atLeast: 1_000 },
  ],
  run: tortureCorruption,
};

async function tortureCorruption({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  const folder = mkdtempSync(join(tmpdir(), 'meterline-corruption-'));
  const [box, pristine] = [join(folder, 'outbox'), join(folder, 'pristine')];
  try {
    const outbox = open(box);
    for (let n = 0; n < READINGS; n += 20) outbox.append(benchReadings(n, 20).map(withoutKey));
    outbox.close();
    const names = readdirSync(box).filter((name) => !['lock', 'reserve'].includes(name));
    copyAll(names, box, pristine);
    for (let round = 0; round < rounds; round += 1) {
      const random = randomStream(seed, `torture/corruption/${round}`);
      for (let harm = 0; harm < HARMS_A_ROUND; harm += 1) {
        rmSync(box, { recursive: true });
        copyAll(names, pristine, box);
        const what = harmOne(box, names, random);
        tell(tally, 'harms');
        check(box, what, tally);
      }
      onRound(tally);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return tally;
}

const open = (folder: string): Outbox => openOutbox({ folder, gateway: 'gw-torture', maxBytes: MOST_BYTES });

function copyAll(names: readonly string[], from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of names) copyFileSync(join(from, name), join(to, name));
}

/** @returns what was done, in words */
function harmOne(box: string, names: readonly string[], random: Random): string {
  const name = names[random.between(0, names.length - 1)] ?? '';
  const bytes = readFileSync(join(box, name));
  const at = random.between(0, bytes.length - 1);
  if (random.between(0, 3) === 0) {
    truncateSync(join(box, name), at);
    return `${name} cut at ${at}`;
  }
  const bit = random.between(0, 7);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  writeFileSync(join(box, name), bytes);
  return `bit ${bit} of byte ${at} of ${name}`;
}

/** Each sequence is its reading, unchanged, or the marker of its loss; and the next start finds nothing to mend. */
function check(box: string, what: string, tally: Tally): void {
  const outbox = open(box);
  let next = 1;
  let holes = 0;
  for (const { sequence, json } of outbox.after(0, READINGS * 2, Number.MAX_SAFE_INTEGER)) {
    if (sequence !== next) count(tally, 'lost', 1, `${what}: ${sequence} follows ${next - 1}`);
    next = sequence + 1;
    if (JSON.parse(json).kind === 'gap') holes += 1;
    else if (json !== JSON.stringify(benchReading(sequence - 1)))
      count(tally, 'altered', 1, `${what}: ${json}`);
  }
  count(tally, 'lost', READINGS + 1 - next, `${what}: ends at ${next - 1}`);
  count(
    tally,
    'lost',
    Math.abs((outbox.damage?.lost ?? 0) - holes),
    `${what}: told of other holes than there are`,
  );
  if (outbox.damage !== null) tally.killed += 1;
  outbox.close();
  const again = open(box);
  if (again.damage !== null) count(tally, 'altered', 1, `${what}: not mended: ${again.damage.detail}`);
  again.close();
}
