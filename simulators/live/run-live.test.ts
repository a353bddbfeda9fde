import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LiveEvent, runLive } from './run-live.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meterline-live-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const start = (httpPort: number): Promise<void> =>
  runLive({ seed: 1, folder, httpPort, onEvent: () => undefined, signal: AbortSignal.abort() });

test('a port that is taken is refused before anything starts', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await expect(start(port)).rejects.toThrow(`port ${port} is in use`);
  server.close();
});

test('a data folder that another process works on is refused, naming the process', async () => {
  writeFileSync(join(folder, 'pid'), String(process.ppid));
  await expect(start(0)).rejects.toThrow(`in use by process ${process.ppid}`);
});

test('another seed for a folder that holds a park is told', async () => {
  const state = { seed: 7, period: '2026-08', throughMs: Date.UTC(2026, 7, 1) };
  writeFileSync(join(folder, 'live.json'), JSON.stringify(state));
  const events: LiveEvent[] = [];
  const onEvent = (event: LiveEvent): void => {
    events.push(event);
    // Nothing needs to start for it.
    throw new Error('enough');
  };
  const running = runLive({ seed: 8, folder, httpPort: 0, onEvent, signal: AbortSignal.abort() });
  await expect(running).rejects.toThrow('enough');
  expect(events).toEqual([{ kind: 'other_seed', seed: 7 }]);
});
