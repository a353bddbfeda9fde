import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSupervisor } from './supervisor.ts';

test('a message to a child that was killed a moment ago is lost, and nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-supervisor-'));
  const ended = new EventTarget();
  const supervisor = createSupervisor(() => ended.dispatchEvent(new Event('exit')));
  try {
    const { promise: started, resolve } = Promise.withResolvers<void>();
    const plan = { name: 'child', args: ['simulate', '--port', '0'], logFile: join(folder, 'log') };
    supervisor.start(plan, { onStart: resolve });
    await started;
    const exit = once(ended, 'exit');
    supervisor.kill('child', 'SIGKILL');
    for (let i = 0; i < 2_000; i += 1)
      supervisor.send('child', { type: 'clock', now: '2026-09-01T00:00:00Z' });
    await exit;
    expect(supervisor.send('child', {})).toBe(false);
  } finally {
    await supervisor.stop();
    rmSync(folder, { recursive: true });
  }
});
