/** The gateway's buffer, its writer killed again and again: what was accepted is there, once, unchanged, or was receipted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { benchReading } from '../bench/bench-readings.ts';
import { openOutbox } from '../edge/outbox.ts';
import { randomStream } from '../simulators/random.ts';
import {
  count,
  newTally,
  startVictim,
  type Tally,
  type TortureOptions,
  type TorturePart,
  tell,
} from './tally.ts';

const GATEWAY = 'gw-torture';
const script = join(import.meta.dirname, 'outbox-child.ts');

export const outboxTorture: TorturePart = {
  name: 'outbox',
  about: 'kill -9 of an outbox writer: all that it called accepted is there after reopening',
  rounds: { usual: 60, full: 300 },
  proves: [
    {
      invariant: 2,
      promise: 'what the edge accepted is there after a kill of its writer',
      of: 'killed',
      atLeast: 300,
    },
  ],
  run: tortureOutbox,
};

/** What the writers have said so far, over all rounds. */
interface Said {
  accepted: number;
  receipt: number;
  epoch: string | null;
}

async function tortureOutbox({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-torture-'));
  const outboxFolder = join(folder, 'outbox');
  const random = randomStream(seed, 'torture/outbox');
  const tally = newTally();
  const said: Said = { accepted: 0, receipt: 0, epoch: null };
  try {
    for (let round = 0; round < rounds; round += 1) {
      await killWriter(outboxFolder, said, {
        lines: random.between(1, 40),
        milliseconds: random.between(0, 4),
      });
      tally.killed += 1;
      checkOutbox(outboxFolder, said, tally);
      onRound(tally);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return tally;
}

/** Kills the writer some time after its `lines`th line; it works on meanwhile. */
async function killWriter(
  outboxFolder: string,
  said: Said,
  after: { lines: number; milliseconds: number },
): Promise<void> {
  let lines = 0;
  const writer = startVictim(script, [outboxFolder, GATEWAY], (line) => {
    const [word, sequence] = line.split(' ');
    if (word === 'accepted') said.accepted = Number(sequence);
    else said.receipt = Number(sequence);
    lines += 1;
    if (lines === after.lines) void sleep(after.milliseconds).then(() => writer.process.kill('SIGKILL'));
  });
  await writer.ended;
}

function checkOutbox(outboxFolder: string, said: Said, tally: Tally): void {
  const outbox = openOutbox({ folder: outboxFolder, gateway: GATEWAY, maxBytes: 1 << 30 });
  try {
    said.epoch ??= outbox.epoch;
    const { nextSequence, acknowledgedTo } = outbox.stats();
    const kept = nextSequence - 1;
    if (outbox.damage !== null) count(tally, 'lost', 1, `damage: ${JSON.stringify(outbox.damage)}`);
    // A write that was cut between two pages may look like damage of what was accepted: then the keys are minted anew.
    if (outbox.epoch !== said.epoch) tell(tally, 'new epochs');
    said.epoch = outbox.epoch;
    count(tally, 'lost', said.accepted - kept, `accepted up to ${said.accepted}, kept up to ${kept}`);
    const early = `receipted up to ${said.receipt}, deleted up to ${acknowledgedTo}`;
    count(tally, 'lost', acknowledgedTo - said.receipt, early);
    let last = acknowledgedTo;
    for (const { sequence, json } of outbox.after(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)) {
      if (sequence !== last + 1) count(tally, 'duplicated', 1, `${sequence} follows ${last}`);
      if (json !== JSON.stringify(benchReading(sequence - 1))) count(tally, 'altered', 1, json);
      last = sequence;
    }
    count(tally, 'lost', kept - last, `items end at ${last}, accepted were ${kept}`);
    // The writer goes on from here.
    said.accepted = kept;
    said.receipt = Math.max(said.receipt, acknowledgedTo);
  } finally {
    outbox.close();
  }
}
