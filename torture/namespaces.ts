/**
 * Gateway and cloud in network namespaces of their own, with a cable between them: packets are lost, connections reset, the cable
 * is slow, or pulled out. What the gateway accepted is in the cloud afterwards, once and unchanged.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomStream } from '../simulators/random.ts';
import { checkCloud } from './line.ts';
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
const PASSWORD = 'torture-password';
const PORT = 18_883;
const [EDGE_ADDRESS, CLOUD_ADDRESS] = ['198.18.77.1', '198.18.77.2'];
const DRAIN_MS = 90_000;
const edgeScript = join(import.meta.dirname, 'gateway-child.ts');
const cloudScript = join(import.meta.dirname, '../bench/ingest-child.ts');

export const namespacesTorture: TorturePart = {
  name: 'namespaces',
  about: 'packets lost, connections reset, a slow cable and a pulled one, between network namespaces',
  rounds: { usual: 8, full: 40 },
  proves: [],
  run: tortureNamespaces,
};

async function tortureNamespaces({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  const cable = new Cable();
  const reason = cable.lay();
  if (reason !== null) {
    cable.remove();
    return { ...tally, skipped: reason };
  }
  const folder = mkdtempSync(join(tmpdir(), 'meterline-namespaces-'));
  const random = randomStream(seed, 'torture/namespaces');
  const database = join(folder, 'cloud.db');
  let accepted = 0;
  let drained: number | null = null;
  const cloudArgs = [database, `${PORT}`, GATEWAY, PASSWORD, '', CLOUD_ADDRESS];
  const cloud = startVictim(cloudScript, cloudArgs, () => undefined, cable.inside('cloud'));
  const edgeArgs = [join(folder, 'outbox'), `mqtt://${CLOUD_ADDRESS}:${PORT}`, GATEWAY, PASSWORD];
  const hear = (line: string): void => {
    const [word, sequence] = line.split(' ');
    if (word === 'accepted') accepted = Number(sequence);
    else drained = Number(sequence);
  };
  const edge = startVictim(edgeScript, edgeArgs, hear, cable.inside('edge'));
  try {
    for (let round = 0; round < rounds; round += 1) {
      const harm = harms[round % harms.length] ?? harms[0];
      harm.begin(cable, random.between(5, 40));
      await sleep(random.between(600, 2_500));
      cable.mend();
      tally.killed += 1;
      tell(tally, harm.name);
      await sleep(random.between(200, 800));
      onRound(tally);
    }
    edge.process.send('drain');
    await Promise.race([edge.ended, sleep(DRAIN_MS, undefined, { ref: false })]);
    if (drained === null) count(tally, 'lost', 1, `not drained in ${DRAIN_MS} ms`);
    cloud.process.disconnect();
    await cloud.ended;
    checkCloud(database, Math.max(accepted, drained ?? 0), tally);
  } finally {
    for (const { process: child } of [edge, cloud]) child.kill('SIGKILL');
    await Promise.allSettled([edge.ended, cloud.ended]);
    cable.remove();
    rmSync(folder, { recursive: true });
  }
  return tally;
}

interface Harm {
  name: string;
  begin(cable: Cable, percent: number): void;
}

const harms: [Harm, ...Harm[]] = [
  { name: 'loss', begin: (cable, percent) => cable.filter(`numgen random mod 100 < ${percent} drop`) },
  { name: 'partition', begin: (cable) => cable.pull() },
  { name: 'one way', begin: (cable) => cable.filter(`ip saddr ${CLOUD_ADDRESS} drop`) },
  { name: 'resets', begin: (cable) => cable.filter(`tcp sport ${PORT} reject with tcp reset`) },
  { name: 'slow', begin: (cable) => cable.slow() },
];

/** Two namespaces and the cable between them; all names are this process's own. */
class Cable {
  readonly #edge = `ml-edge-${process.pid}`;
  readonly #cloud = `ml-cloud-${process.pid}`;

  /** @returns why it cannot be had here; null: it lies */
  lay(): string | null {
    const [near, far] = ['veth-e', 'veth-c'];
    try {
      for (const name of [this.#edge, this.#cloud]) run('ip', ['netns', 'add', name]);
      run('ip', [
        '-n',
        this.#edge,
        'link',
        'add',
        near,
        'type',
        'veth',
        'peer',
        'name',
        far,
        'netns',
        this.#cloud,
      ]);
      run('ip', ['-n', this.#edge, 'addr', 'add', `${EDGE_ADDRESS}/30`, 'dev', near]);
      run('ip', ['-n', this.#cloud, 'addr', 'add', `${CLOUD_ADDRESS}/30`, 'dev', far]);
      for (const [name, link] of [
        [this.#edge, near],
        [this.#cloud, far],
        [this.#edge, 'lo'],
        [this.#cloud, 'lo'],
      ] as const)
        run('ip', ['-n', name, 'link', 'set', link, 'up']);
      this.#nft('add table inet torture');
      this.#nft('add chain inet torture input { type filter hook input priority 0; }');
    } catch (error) {
      return `no network namespaces here: ${error instanceof Error ? error.message.split('\n')[0] : error}`;
    }
    return null;
  }

  /** How a process is started inside. */
  inside(end: 'edge' | 'cloud'): string[] {
    return ['ip', 'netns', 'exec', end === 'edge' ? this.#edge : this.#cloud];
  }

  /** At the gateway's end, of what comes from the cloud. */
  filter(rule: string): void {
    this.#nft(`add rule inet torture input ${rule}`);
  }

  pull(): void {
    run('ip', ['-n', this.#cloud, 'link', 'set', 'veth-c', 'down']);
  }

  slow(): void {
    const shape = ['root', 'tbf', 'rate', '256kbit', 'burst', '8kb', 'latency', '200ms'];
    run('ip', ['netns', 'exec', this.#edge, 'tc', 'qdisc', 'add', 'dev', 'veth-e', ...shape]);
  }

  mend(): void {
    run('ip', ['-n', this.#cloud, 'link', 'set', 'veth-c', 'up']);
    this.#nft('flush chain inet torture input');
    attempt('ip', ['netns', 'exec', this.#edge, 'tc', 'qdisc', 'del', 'dev', 'veth-e', 'root']);
  }

  remove(): void {
    for (const name of [this.#edge, this.#cloud]) attempt('ip', ['netns', 'del', name]);
  }

  #nft(command: string): void {
    run('ip', ['netns', 'exec', this.#edge, 'nft', ...command.split(' ')]);
  }
}

const run = (program: string, args: string[]): void =>
  void execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });

function attempt(program: string, args: string[]): void {
  try {
    run(program, args);
  } catch {
    // It was not there.
  }
}
