/** A process that takes little of a small machine: 256 meters in 117 MB instead of 192. */
import { flushCompileCache, getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/** What is young is collected after one megabyte of it, not after sixteen. Node takes this at its start only. */
export const LEAN_FLAGS = ['--max-semi-space-size=1'];

/** One heap for all threads below Node, which gives back what is free; a C library that knows neither ignores them. */
export const LEAN_ENVIRONMENT = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };

/**
 * Starts this process anew, as the same process of the system, with the same arguments. All that was loaded before is
 * compiled then: the stripper of types alone takes twenty megabytes. Does nothing in a process that is lean already, has a
 * channel to a parent, or cannot be replaced.
 */
export function becomeLean(): void {
  const isLean = LEAN_FLAGS.every((flag) => process.execArgv.includes(flag));
  if (isLean || process.send !== undefined || process.platform === 'win32') return;
  flushCompileCache();
  const cache = getCompileCacheDir();
  const flags = [...process.execArgv, ...LEAN_FLAGS];
  const environment = {
    // biome-ignore lint/style/noProcessEnv: it is handed on, not read
    ...process.env,
    ...LEAN_ENVIRONMENT,
    // Named so, it serves the first file too; Node adds a folder of its version.
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }),
  };
  process.execve?.(process.execPath, [process.execPath, ...flags, ...process.argv.slice(1)], environment);
}
