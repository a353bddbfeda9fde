/**
 * The whole gateway on a disk of one megabyte, with nobody to send to: it fills up, refuses, and tells; what it accepted it keeps.
 * When the cloud comes it drains, and goes on by itself.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { openOutbox } from '../edge/outbox.ts';
import { UplinkItem } from '../protocols/uplink.ts';
import { freePorts } from '../simulators/demo/free-ports.ts';
import { busMeters } from '../simulators/meters/bus-meters.ts';
import { startTcpConverter } from '../simulators/meters/tcp-converter.ts';
import { Truth } from '../simulators/park/truth.ts';
import { readProfiles } from '../simulators/profiles.ts';
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
const PROFILE = 'acrel-adl400';
const METERS = 24;
const DISK = '1m';
/** What is taken away at first, so that it is full soon. */
const BALLAST_BYTES = 840 * 1024;
const FULL_ROUNDS = 3;
const PATIENCE_MS = 90_000;
const meterline = join(import.meta.dirname, '../meterline.ts');
const cloudScript = join(import.meta.dirname, '../bench/ingest-child.ts');

export const fullDiskTorture: TorturePart = {
  name: 'full-disk',
  about:
    'the whole gateway on a full tmpfs of 1 MB: nothing accepted is lost, refusals are told, it goes on by itself',
  rounds: { usual: 1, full: 2 },
  proves: [
    { invariant: 7, promise: 'a full buffer refuses and keeps what it has', of: 'refused', atLeast: 100 },
    {
      invariant: 7,
      promise: 'it takes readings again without a restart',
      of: 'accepted again',
      atLeast: 100,
    },
  ],
  run: tortureFullDisk,
};

async function tortureFullDisk({ rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'meterline-full-'));
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      rmSync(folder, { recursive: true });
      return { ...tally, skipped: 'a tmpfs cannot be mounted here' };
    }
    try {
      await fillAndDrain(folder, disk, tally);
      onRound(tally);
    } finally {
      execFileSync('umount', ['--lazy', disk]);
      rmSync(folder, { recursive: true });
    }
  }
  return tally;
}

async function fillAndDrain(folder: string, disk: string, tally: Tally): Promise<void> {
  const [port = 0] = await freePorts(1);
  const database = join(folder, 'cloud.db');
  const meters = await startMeters();
  writeConfig(folder, disk, { port, meters: meters.port });
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES));
  const gateway = new TorturedGateway(
    fork(meterline, ['edge', '--config', join(folder, 'edge.yaml')], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    }),
  );
  let cloud: ReturnType<typeof startVictim> | null = null;
  try {
    await until('is full', () => gateway.refusals.length >= FULL_ROUNDS, gateway);
    tally.killed += 1;
    cloud = startVictim(cloudScript, [database, `${port}`, GATEWAY, PASSWORD], () => undefined);
    await until('has drained', () => countRows(database) > 0 && gateway.quietForMs() > 3_000, gateway);
    const before = countRows(database);
    await until('goes on', () => countRows(database) >= before + 5 * METERS, gateway);
    tell(tally, 'accepted again', countRows(database) - before);
    await gateway.stop();
    cloud.process.disconnect();
    await cloud.ended;
    check(join(disk, 'data', 'outbox'), database, gateway, tally);
  } finally {
    gateway.child.kill('SIGKILL');
    cloud?.process.kill('SIGKILL');
    await meters.close();
  }
}

/** The process, and what its log tells. */
class TorturedGateway {
  readonly child: ChildProcess;
  /** How many readings each refusal was of. */
  readonly refusals: number[] = [];
  #refusedAtMs = performance.now();
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.child = child;
    this.#ended = once(child, 'exit');
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on('line', (line) => this.#hear(line));
  }

  quietForMs(): number {
    return performance.now() - this.#refusedAtMs;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.#ended;
  }

  #hear(line: string): void {
    if (!line.includes('the buffer is full')) return;
    this.refusals.push(Number(JSON.parse(line).refused));
    this.#refusedAtMs = performance.now();
  }
}

async function until(what: string, isSo: () => boolean, { child }: TorturedGateway): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    if (child.exitCode !== null)
      throw new Error(`the gateway ended with ${child.exitCode} before it ${what}`);
    if (performance.now() > endMs) throw new Error(`the gateway never ${what}`);
    await sleep(100);
  }
}

function countRows(database: string): number {
  try {
    const db = new DatabaseSync(database, { readOnly: true });
    try {
      return Number(db.prepare('SELECT count(*) AS n FROM reading').get()?.n);
    } finally {
      db.close();
    }
  } catch {
    // It is not there yet.
    return 0;
  }
}

/** Every sequence is in the cloud or still in the buffer, and markers tell of as many refusals as there were. */
function check(folder: string, database: string, { refusals }: TorturedGateway, tally: Tally): void {
  const outbox = openOutbox({ folder, gateway: GATEWAY, maxBytes: 1 << 26 });
  const db = new DatabaseSync(database, { readOnly: true });
  try {
    const all =
      'SELECT sequence, NULL AS count FROM reading UNION ALL SELECT sequence, count FROM gap_marker';
    const items = new Map(
      db
        .prepare(all)
        .all()
        .map((row) => [Number(row.sequence), Number(row.count ?? 0)]),
    );
    for (const { sequence, json } of outbox.after(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)) {
      const item = UplinkItem.parse(JSON.parse(json));
      items.set(sequence, item.kind === 'gap' ? item.count : 0);
    }
    for (let sequence = 1; sequence < outbox.nextSequence; sequence += 1)
      if (!items.has(sequence)) count(tally, 'lost', 1, `sequence ${sequence} of ${outbox.nextSequence - 1}`);
    if (outbox.damage !== null) count(tally, 'altered', 1, `damage: ${outbox.damage.detail}`);
    const refused = refusals.reduce((sum, one) => sum + one, 0);
    const told = [...items.values()].reduce((sum, one) => sum + one, 0);
    tell(tally, 'refused', refused);
    if (told !== refused) count(tally, 'unexplained', 1, `${refused} refused, markers tell of ${told}`);
  } finally {
    db.close();
    outbox.close();
  }
}

/** They stand still: what counts is that they are read. */
async function startMeters(): Promise<{ port: number; close(): Promise<void> }> {
  const meters = Array.from({ length: METERS }, (_, n) => ({
    meter: `E-${n + 1}`,
    profile: PROFILE,
    unit: n + 1,
  }));
  const nowMs = Date.now();
  const truth = new Truth(
    { fromMs: nowMs, toMs: nowMs + 900_000, intervalMs: 900_000 },
    meters.map(({ meter }) => ({
      ...{ meter, register: '1-0:1.8.0', unit: 'kWh' as const, stepMicro: 10_000, multiplier: 1 },
      counts: new Float64Array([0, 0]),
      devices: [{ fromMs: nowMs, offset: 1_000, modulus: 1e8 }],
    })),
  );
  const clock = { nowMs: () => nowMs, timeZone: 'Asia/Shanghai' };
  const wiring = { id: 'bus-1', link: 'tcp' as const, meters };
  return startTcpConverter(busMeters(wiring, { truth, profiles: readProfiles(), clock }));
}

function writeConfig(folder: string, disk: string, ports: { port: number; meters: number }): void {
  const meters = Array.from(
    { length: METERS },
    (_, n) => `      - { meter: E-${n + 1}, profile: ${PROFILE}, unit: ${n + 1} }`,
  );
  const lines = [
    `gateway: ${GATEWAY}`,
    `dataDir: ${join(disk, 'data')}`,
    `broker: mqtt://127.0.0.1:${ports.port}`,
    `password: ${PASSWORD}`,
    `username: ${GATEWAY}`,
    'pollIntervalSeconds: 1',
    'buses:',
    '  - id: bus-1',
    `    tcp: 127.0.0.1:${ports.meters}`,
    '    meters:',
    ...meters,
  ];
  writeFileSync(join(folder, 'edge.yaml'), `${lines.join('\n')}\n`, { mode: 0o600 });
}
