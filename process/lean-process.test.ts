import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { LEAN_ENVIRONMENT, LEAN_FLAGS } from './lean-process.ts';

const meterline = join(import.meta.dirname, '..', 'meterline.ts');

test('a gateway started by hand is lean, under the process id it was started with', async (context) => {
  if (!existsSync('/proc/self/cmdline')) return context.skip('/proc is not there');
  const folder = mkdtempSync(join(tmpdir(), 'meterline-lean-'));
  const file = join(folder, 'edge.yaml');
  // Nothing listens on the uplink's port.
  writeFileSync(file, 'gateway: gw-a\ndataDir: ./data\nbroker: mqtt://127.0.0.1:9\n');
  const gateway = spawn(process.execPath, [meterline, 'edge', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(gateway, 'exit');
  try {
    for await (const line of createInterface({ input: gateway.stderr }))
      if (line.includes('"msg":"gateway up"')) break;
    const read = (name: string) => readFileSync(`/proc/${gateway.pid}/${name}`, 'utf8').split('\0');
    expect(read('cmdline')).toEqual(expect.arrayContaining([...LEAN_FLAGS, 'edge', '--config', file]));
    const environment = Object.entries(LEAN_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
    expect(read('environ')).toEqual(expect.arrayContaining(environment));
  } finally {
    gateway.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    rmSync(folder, { recursive: true });
  }
});

test('--version tells the version of the package', () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
  expect(execFileSync(process.execPath, [meterline, '--version'], { encoding: 'utf8' })).toBe(`${version}\n`);
});
