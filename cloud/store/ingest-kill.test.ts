import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';

const METERS = 50;
const child = new URL('./ingest-kill-child.ts', import.meta.url).pathname;

/** Ingests from `slot` on, is killed right after its `acknowledgements`-th batch, and says what it had acknowledged. */
async function killedRun(file: string, slot: number, acknowledgements: number): Promise<number[]> {
  const process_ = spawn(process.execPath, [child, file, `${slot}`, `${METERS}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(process_, 'exit');
  const acknowledged: number[] = [];
  for await (const line of createInterface({ input: process_.stdout })) {
    acknowledged.push(Number(line));
    // The child works on meanwhile: the kill meets it anywhere in a later transaction.
    if (acknowledged.length === acknowledgements) process_.kill('SIGKILL');
  }
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  return acknowledged;
}

test('kill -9 in the middle of ingest loses nothing acknowledged, doubles nothing, and splits no batch', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'meterline-kill-'));
  const file = join(directory, 'store.db');
  try {
    let slot = 0;
    for (const [round, acknowledgements] of [1, 7, 23, 4, 41].entries()) {
      const acknowledged = await killedRun(file, slot, acknowledgements);
      const last = acknowledged.at(-1) ?? 0;
      const database = new DatabaseSync(file);
      const count = database.prepare('SELECT count(*) AS rows, max(sequence) AS last FROM reading').get();
      const held = { rows: Number(count?.rows), last: Number(count?.last) };
      const check = database.prepare('PRAGMA integrity_check').get();
      const marked = database.prepare('SELECT count(DISTINCT meter) AS n FROM dirty_day').get();
      database.close();
      expect(check?.integrity_check).toBe('ok');
      expect(held.last).toBeGreaterThanOrEqual(last);
      expect(held.rows, `round ${round}: every sequence up to the last one`).toBe(held.last);
      expect(held.rows % METERS, 'whole batches only').toBe(0);
      expect(marked?.n).toBe(METERS);
      // Start again some batches back, as a gateway does that lost its receipts.
      slot = Math.max(0, last / METERS - 3);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
