import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mutants } from './mutants.ts';

const script = join(import.meta.dirname, 'mutant-child.ts');

test.each(mutants)(
  'a check catches: $name',
  async ({ name }) => {
    // What the child's test runner says of a failing test is not ours to say.
    const child = fork(script, [name], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], timeout: 30_000 });
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    const exited = once(child, 'exit');
    const [caught] = await Promise.race([once(child, 'message'), exited.then(() => [`never told: ${said}`])]);
    await exited;
    expect(caught).toEqual(expect.any(String));
    expect(caught).not.toMatch(/^never told/);
  },
  60_000,
);
