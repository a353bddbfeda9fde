/** Gateway and cloud, either of them killed at any time: what the gateway accepted is in the cloud, once and unchanged. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { benchReading } from '../bench/bench-readings.ts';
import { micro } from '../protocols/units.ts';
import { compareReadings, type GivenReading } from '../simulators/compare-readings.ts';
import { freePorts } from '../simulators/demo/free-ports.ts';
import { randomStream } from '../simulators/random.ts';
import {
  count,
  countAll,
  newTally,
  startVictim,
  type Tally,
  type TortureOptions,
  type TorturePart,
  tell,
  type Victim,
} from './tally.ts';

const GATEWAY = 'gw-torture';
const PASSWORD = 'torture-password';
/** From one kill to the next: starting takes some 250 ms, so that starts are met as well. */
const SHORTEST_MS = 20;
const LONGEST_MS = 600;
const DRAIN_MS = 60_000;
const edgeScript = join(import.meta.dirname, 'gateway-child.ts');
const cloudScript = join(import.meta.dirname, '../bench/ingest-child.ts');

export const lineTorture: TorturePart = {
  name: 'line',
  about: 'kill -9 of gateway and cloud in turn: all that was accepted is stored once, unchanged',
  rounds: { usual: 120, full: 2_000 },
  proves: [
    {
      invariant: 2,
      promise: 'kill -9 of the gateway: every accepted reading is one row',
      of: 'edge',
      atLeast: 1000,
    },
    {
      invariant: 2,
      promise: 'kill -9 of the cloud: every accepted reading is one row',
      of: 'cloud',
      atLeast: 1000,
    },
  ],
  run: tortureLine,
};

async function tortureLine({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-torture-'));
  const random = randomStream(seed, 'torture/line');
  const tally = newTally();
  const [port = 0] = await freePorts(1);
  const database = join(folder, 'cloud.db');
  let accepted = 0;
  let drained: number | null = null;
  const heard = (line: string): void => {
    const [word, sequence] = line.split(' ');
    if (word === 'accepted') accepted = Math.max(accepted, Number(sequence));
    else drained = Number(sequence);
  };
  const edgeArgs = [join(folder, 'outbox'), `mqtt://127.0.0.1:${port}`, GATEWAY, PASSWORD];
  const start = {
    edge: () => startVictim(edgeScript, edgeArgs, heard),
    cloud: () => startVictim(cloudScript, [database, `${port}`, GATEWAY, PASSWORD], () => undefined),
  };
  const running: Record<keyof typeof start, Victim> = { cloud: start.cloud(), edge: start.edge() };
  try {
    for (let round = 0; round < rounds; round += 1) {
      const name = round % 2 === 0 ? 'edge' : 'cloud';
      await sleep(random.between(SHORTEST_MS, LONGEST_MS));
      running[name].process.kill('SIGKILL');
      if ((await running[name].ended) === 'SIGKILL') {
        tally.killed += 1;
        tell(tally, name);
      }
      running[name] = start[name]();
      onRound(tally);
    }
    running.edge.process.send('drain');
    await Promise.race([running.edge.ended, sleep(DRAIN_MS, undefined, { ref: false })]);
    if (drained === null) count(tally, 'lost', 1, `not drained in ${DRAIN_MS} ms`);
    running.cloud.process.disconnect();
    await running.cloud.ended;
    checkCloud(database, Math.max(accepted, drained ?? 0), tally);
  } finally {
    for (const { process: child } of Object.values(running)) child.kill('SIGKILL');
    await Promise.allSettled(Object.values(running).map(({ ended }) => ended));
    rmSync(folder, { recursive: true });
  }
  return tally;
}

/** Compares the cloud's rows with the readings that the gateway took: the first `accepted` of the bench's. */
export function checkCloud(file: string, accepted: number, tally: Tally): void {
  const db = new DatabaseSync(file);
  try {
    const held = db.prepare("SELECT detail FROM quarantine WHERE code = 'conflict'").all();
    for (const { detail } of held) count(tally, 'altered', 1, `in quarantine: ${detail}`);
    const given = new Map<string, GivenReading>();
    for (let n = 0; n < accepted; n += 1) {
      const { meter, readAt, value, unit } = benchReading(n);
      const atMs = Temporal.Instant.from(readAt).epochMilliseconds;
      given.set(`${meter} ${atMs}`, { shows: `${micro(value ?? '')} ${unit} ${n + 1}`, isDue: true });
    }
    const select = db.prepare('SELECT meter, instant, value, unit, gateway, epoch, sequence FROM reading');
    select.setReadBigInts(true);
    const stored = select.all().map(({ meter, instant, value, unit, gateway, epoch, sequence }) => ({
      at: `${meter} ${instant}`,
      key: `${gateway} ${epoch} ${sequence}`,
      shows: `${value} ${unit} ${sequence}`,
    }));
    countAll(tally, compareReadings(given, stored), 'cloud');
  } finally {
    db.close();
  }
}
