/** One gateway that sends a hundred times as much as the others: their receipts come as before, and the cloud's memory is bounded. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { benchReading, withoutKey } from '../bench/bench-readings.ts';
import { systemClock } from '../edge/clock.ts';
import { type Outbox, openOutbox } from '../edge/outbox.ts';
import { startUplink, type Uplink } from '../edge/uplink.ts';
import { freePorts } from '../simulators/demo/free-ports.ts';
import {
  count,
  newTally,
  startVictim,
  type Tally,
  type TortureOptions,
  type TorturePart,
  tell,
} from './tally.ts';

const NOISY = 'gw-noisy';
const QUIET = Array.from({ length: 10 }, (_, n) => `gw-quiet-${n + 1}`);
const PASSWORD = 'torture-password';
/** Of the noisy one: 12 readings every 4 ms. A quiet one takes as many in a hundred times as long. */
const COMMIT_READINGS = 12;
const QUIET_EVERY_MS = 400;
const PHASE_MS = 8_000;
const TIMES = 2;
/** Below this a difference is the machine's, not the neighbour's. */
const FLOOR_MS = 50;
const MOST_GROWTH_MIB = 128;
const PATIENCE_MS = 20_000;
const edgeScript = join(import.meta.dirname, 'gateway-child.ts');
const cloudScript = join(import.meta.dirname, '../bench/ingest-child.ts');

export const noisyTorture: TorturePart = {
  name: 'noisy',
  about: `one gateway at 100 times the rate of ${QUIET.length} others: their p99 stays below twice what it was, memory bounded`,
  rounds: { usual: 1, full: 3 },
  proves: [
    {
      invariant: 22,
      promise: 'one noisy device cannot starve the others',
      of: 'quiet commits',
      atLeast: 1_000,
    },
  ],
  run: tortureNoisy,
};

async function tortureNoisy({ rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  const folder = mkdtempSync(join(tmpdir(), 'meterline-noisy-'));
  const [port = 0] = await freePorts(1);
  const broker = `mqtt://127.0.0.1:${port}`;
  const cloudArgs = [join(folder, 'cloud.db'), `${port}`, [NOISY, ...QUIET].join(','), PASSWORD];
  const cloud = startVictim(cloudScript, cloudArgs, () => undefined);
  const quiet = QUIET.map((gateway) => new QuietGateway(folder, gateway, broker));
  const took = { alone: [] as number[], beside: [] as number[] };
  try {
    await Promise.all(quiet.map((one) => one.connected()));
    await phase(quiet);
    const startMib = residentMib(cloud.process.pid);
    for (let round = 0; round < rounds; round += 1) {
      took.alone.push(...(await phase(quiet)));
      const noisy = startVictim(edgeScript, [join(folder, NOISY), broker, NOISY, PASSWORD], () => undefined);
      // It is loaded, connected and at its rate.
      await sleep(2_000);
      took.beside.push(...(await phase(quiet)));
      tally.killed += 1;
      noisy.process.kill('SIGKILL');
      await noisy.ended;
      tell(
        tally,
        'quiet commits',
        took.alone.length + took.beside.length - (tally.figures['quiet commits'] ?? 0),
      );
      onRound(tally);
    }
    const [alone, beside] = [p99(took.alone), p99(took.beside)];
    const growth = residentMib(cloud.process.pid) - startMib;
    Object.assign(tally.figures, { 'p99 ms alone': alone, 'p99 ms beside': beside, 'growth MiB': growth });
    if (beside > Math.max(TIMES * alone, FLOOR_MS))
      count(tally, 'lost', 1, `others wait ${beside} ms beside it, ${alone} ms without`);
    if (growth > MOST_GROWTH_MIB) count(tally, 'lost', 1, `the cloud grew by ${growth} MiB`);
  } finally {
    await Promise.all(quiet.map((one) => one.stop()));
    cloud.process.kill('SIGKILL');
    await cloud.ended.catch(() => null);
    rmSync(folder, { recursive: true });
  }
  return tally;
}

/** All take readings for a while, each at its own time. @returns ms from commit to receipt */
async function phase(quiet: readonly QuietGateway[]): Promise<number[]> {
  const took = quiet.map(async (one, n) => {
    await sleep((QUIET_EVERY_MS * n) / quiet.length);
    return one.work(PHASE_MS);
  });
  return (await Promise.all(took)).flat();
}

const p99 = (values: readonly number[]): number =>
  Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN);

/** What a process holds in memory. */
function residentMib(pid: number | undefined): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1024);
}

class QuietGateway {
  readonly #outbox: Outbox;
  readonly #uplink: Uplink;
  readonly #meter: string;
  #taken = 0;

  constructor(folder: string, gateway: string, broker: string) {
    this.#meter = `E-${gateway}`;
    this.#outbox = openOutbox({ folder: join(folder, gateway), gateway, maxBytes: 1 << 26 });
    this.#uplink = startUplink({
      ...{ gateway, broker, username: gateway, password: PASSWORD, outbox: this.#outbox },
      clock: systemClock(),
      log: pino({ level: 'fatal' }),
      buses: () => [],
      onFault: (error) => {
        throw error;
      },
      timing: { firstPauseMs: 50, longestPauseMs: 500 },
    });
  }

  async connected(): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!this.#uplink.connected()) {
      if (performance.now() > endMs) throw new Error('a quiet gateway never connected');
      await sleep(10);
    }
  }

  async work(ms: number): Promise<number[]> {
    const took: number[] = [];
    const endMs = performance.now() + ms;
    for (let dueMs = performance.now(); dueMs < endMs; dueMs += QUIET_EVERY_MS) {
      await sleep(Math.max(0, dueMs - performance.now()));
      const readings = Array.from({ length: COMMIT_READINGS }, () => ({
        ...withoutKey(benchReading(84 * this.#taken++)),
        meter: this.#meter,
      }));
      this.#outbox.append(readings);
      const last = this.#outbox.nextSequence - 1;
      const atMs = performance.now();
      this.#uplink.wake();
      while (this.#outbox.acknowledgedTo < last && performance.now() < atMs + PATIENCE_MS) await sleep(1);
      took.push(performance.now() - atMs);
    }
    return took;
  }

  async stop(): Promise<void> {
    await this.#uplink.stop();
    this.#outbox.close();
  }
}
