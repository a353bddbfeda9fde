/** Closing a period, killed around posting, alone or against a rival: one run, one ledger entry a charge, the same bytes. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fillParkMonth } from '../bench/park-month.ts';
import { deriveDirtyIntervals } from '../cloud/jobs/derive-intervals.ts';
import { openSigningKey } from '../cloud/signing.ts';
import { openStore } from '../cloud/store/store.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import {
  count,
  newTally,
  startVictim,
  type Tally,
  type TortureOptions,
  type TorturePart,
  type Victim,
} from './tally.ts';

const PERIOD = '2026-09';
/** A quarter of the usual intervals, so that a round is short. */
const INTERVAL_MINUTES = 60;
const script = join(import.meta.dirname, 'close-child.ts');

export const closeTorture: TorturePart = {
  name: 'close',
  about: 'kill -9 of closing a period around posting: one run, one entry a charge, the same statements',
  rounds: { usual: 12, full: 60 },
  proves: [],
  run: tortureClose,
};

/** Table by table, the rows by their key. */
type State = Record<string, Map<string, string>>;

async function tortureClose({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-torture-'));
  const random = randomStream(seed, 'torture/close');
  const tally = newTally();
  const derived = join(folder, 'derived.db');
  const file = join(folder, 'round.db');
  const closer = (onLine: (line: string) => void = () => undefined): Victim =>
    startVictim(script, [file, folder, PERIOD, `${INTERVAL_MINUTES}`], onLine);
  try {
    await prepareMonth(derived, seed);
    openSigningKey(folder);
    copyFileSync(derived, file);
    const started = performance.now();
    await closer().ended;
    const usualMs = performance.now() - started;
    const undisturbed = stateOf(file);
    for (let round = 0; round < rounds; round += 1) {
      discard(file);
      copyFileSync(derived, file);
      const rival = round % 2 === 1 ? closer() : null;
      if (await killCloser(closer, random, round, usualMs)) tally.killed += 1;
      await rival?.ended;
      // Closing again, whatever the kill has left, must end in the same state.
      await closer().ended;
      compareBills(undisturbed, stateOf(file), tally);
      onRound(tally);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return tally;
}

export async function prepareMonth(file: string, seed: number): Promise<void> {
  const store = await openStore({ file });
  const { park, toMs } = await fillParkMonth(store, { seed, period: PERIOD });
  await deriveDirtyIntervals({ store, park, intervalMinutes: INTERVAL_MINUTES }, toMs);
  await store.close();
}

export const discard = (file: string): void => {
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
};

/** Most kills come within 30 ms of posting, every fourth at any time. @returns whether it came before the end */
async function killCloser(
  closer: (onLine: (line: string) => void) => Victim,
  random: Random,
  round: number,
  usualMs: number,
): Promise<boolean> {
  const anyMs = random.between(0, Math.round(usualMs));
  const afterPostingMs = random.between(0, 30);
  const kill = (): boolean => victim.process.kill('SIGKILL');
  const victim = closer((line) => {
    if (line === 'posting' && round % 4 !== 3) void sleep(afterPostingMs).then(kill);
  });
  if (round % 4 === 3) void sleep(anyMs).then(kill);
  return (await victim.ended) === 'SIGKILL';
}

const tables = {
  billing_run: ['period', 'SELECT * FROM billing_run'],
  statement: ['id', 'SELECT * FROM statement'],
  charge: ['key', 'SELECT * FROM charge'],
  ledger_entry: ['charge_key', 'SELECT * FROM ledger_entry'],
  posting: ['key', "SELECT entry || '/' || line AS key, account, amount_minor FROM posting"],
} as const;

/** @throws Error when the database is not whole, or a key stands twice */
export function stateOf(file: string): State {
  const db = new DatabaseSync(file);
  try {
    if (db.prepare('PRAGMA integrity_check').get()?.integrity_check !== 'ok')
      throw new Error(`${file} is damaged`);
    return Object.fromEntries(
      Object.entries(tables).map(([table, [key, sql]]) => {
        const rows = db.prepare(sql).all();
        const byKey = new Map(rows.map((row) => [String(row[key]), JSON.stringify(row)]));
        if (byKey.size !== rows.length) throw new Error(`${table} holds a ${key} twice`);
        return [table, byKey];
      }),
    );
  } finally {
    db.close();
  }
}

export function compareBills(expected: State, found: State, tally: Tally): void {
  for (const [table, rows] of Object.entries(expected)) {
    const others = found[table] ?? new Map<string, string>();
    for (const [key, row] of rows) {
      const other = others.get(key);
      if (other === undefined) count(tally, 'lost', 1, `${table} ${key}`);
      else if (other !== row) count(tally, 'altered', 1, `${table} ${key}: ${other} for ${row}`);
    }
    for (const key of others.keys()) if (!rows.has(key)) count(tally, 'duplicated', 1, `${table} ${key}`);
  }
}
