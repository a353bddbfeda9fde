/** The real uplink and the real ingest, with a bad network between them: all that was accepted is stored once, unchanged. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../simulators/demo/free-ports.ts';
import { noFaults, type ProxyFaults, startFaultProxy } from '../simulators/fault-proxy.ts';
import { checkCloud } from './line.ts';
import { count, newTally, startVictim, type Tally, type TortureOptions, type TorturePart } from './tally.ts';

const GATEWAY = 'gw-torture';
const PASSWORD = 'torture-password';
/** Each network for so long. */
const ROUND_MS = 1_200;
const DRAIN_MS = 90_000;
const edgeScript = join(import.meta.dirname, 'gateway-child.ts');
const cloudScript = join(import.meta.dirname, '../bench/ingest-child.ts');

/** What networks do: TCP keeps order and bytes, or the connection is gone. */
const networks: Partial<ProxyFaults>[] = [
  { delayMs: 30, jitterMs: 120 },
  { cut: 60 },
  { halfClose: 30, delayMs: 5 },
  { stall: 100, stallMs: 400 },
  { duplicate: 30 },
  { reorder: 30 },
  { corrupt: 30 },
  { cut: 15, halfClose: 10, stall: 30, stallMs: 200, jitterMs: 60, duplicate: 5, corrupt: 5 },
];

export const networkTorture: TorturePart = {
  name: 'network',
  about: 'delays, cuts in frames, half-closed, stalled, repeated, swapped and damaged bytes under the uplink',
  rounds: { usual: 16, full: 80 },
  proves: [],
  run: tortureNetwork,
};

async function tortureNetwork({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-torture-'));
  const tally = newTally();
  const [port = 0] = await freePorts(1);
  const database = join(folder, 'cloud.db');
  let accepted = 0;
  let drained: number | null = null;
  const cloud = startVictim(cloudScript, [database, `${port}`, GATEWAY, PASSWORD], () => undefined);
  const proxy = await startFaultProxy({ target: port, seed, faults: {} });
  const edgeArgs = [join(folder, 'outbox'), `mqtt://127.0.0.1:${proxy.port}`, GATEWAY, PASSWORD];
  const edge = startVictim(edgeScript, edgeArgs, (line) => {
    const [word, sequence] = line.split(' ');
    if (word === 'accepted') accepted = Number(sequence);
    else drained = Number(sequence);
  });
  try {
    for (let round = 0; round < rounds; round += 1) {
      proxy.set({ ...noFaults, ...networks[round % networks.length] });
      await sleep(ROUND_MS);
      tally.killed = Object.values(proxy.done).reduce((sum, times) => sum + times, 0);
      onRound(tally);
    }
    proxy.set(noFaults);
    edge.process.send('drain');
    await Promise.race([edge.ended, sleep(DRAIN_MS, undefined, { ref: false })]);
    if (drained === null) count(tally, 'lost', 1, `not drained in ${DRAIN_MS} ms`);
    cloud.process.disconnect();
    await cloud.ended;
    checkCloud(database, Math.max(accepted, drained ?? 0), tally);
  } finally {
    for (const { process: child } of [edge, cloud]) child.kill('SIGKILL');
    await Promise.allSettled([edge.ended, cloud.ended]);
    await proxy.close();
    rmSync(folder, { recursive: true });
  }
  return tally;
}
