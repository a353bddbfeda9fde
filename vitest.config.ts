import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Real sockets, disks and child processes share two cores: more workers than this only adds noise.
    maxWorkers: 2,
  },
});
