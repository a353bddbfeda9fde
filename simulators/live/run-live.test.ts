import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runLive } from './run-live.ts';

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
