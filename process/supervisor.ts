/** Starts the processes of the line as children, restarts one that dies, and stops them all in order. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

export interface ChildPlan {
  name: string;
  /** Arguments of `meterline`. */
  args: string[];
  /** Of Node, after those of this process. */
  execArgv?: string[];
  env?: Record<string, string>;
  /** Standard error of the child is appended here; without it, it is inherited. */
  logFile?: string;
}

export interface Supervisor {
  /** Starts a child and keeps it running. `onMessage` hears its IPC messages; `onStart` each (re)start. */
  start(plan: ChildPlan, listen?: { onMessage?: (message: unknown) => void; onStart?: () => void }): void;
  /** @returns false when the child is not connected just now */
  send(name: string, message: object): boolean;
  kill(name: string, signal: NodeJS.Signals): void;
  restarts(name: string): number;
  /** SIGTERM to each in the order of starting, waiting for each; SIGKILL after 10 s. */
  stop(): Promise<void>;
}

const meterline = join(import.meta.dirname, '..', 'meterline.ts');
const stopSeconds = 10;
const restartBaseMs = 100;
const restartMaxMs = 5_000;

interface Kept {
  child: ChildProcess;
  restarts: number;
}

/** @param onExit told of a child that ended unasked, before it is started again; usage errors (exit code 2) are not retried */
export function createSupervisor(
  onExit: (name: string, code: number | null, signal: string | null) => void,
): Supervisor {
  const kept = new Map<string, Kept>();
  let stopping = false;

  function launch(plan: ChildPlan, listen: Parameters<Supervisor['start']>[1], restarts: number): void {
    const log = plan.logFile === undefined ? null : openSync(plan.logFile, 'a');
    const child = fork(meterline, plan.args, {
      stdio: ['ignore', 'inherit', log ?? 'inherit', 'ipc'],
      execArgv: [...process.execArgv, ...(plan.execArgv ?? [])],
      env: { ...inheritedEnvironment(), ...plan.env },
    });
    // The child has its own.
    if (log !== null) closeSync(log);
    kept.set(plan.name, { child, restarts });
    // A child that was killed a moment ago still looks connected: what could not be sent is told by its exit.
    child.on('error', () => undefined);
    if (listen?.onMessage !== undefined) child.on('message', listen.onMessage);
    child.once('spawn', () => listen?.onStart?.());
    child.once('exit', (code, signal) => {
      if (stopping) return;
      onExit(plan.name, code, signal);
      if (code === 2) return;
      const pause = Math.min(restartBaseMs * 2 ** restarts, restartMaxMs);
      setTimeout(() => stopping || launch(plan, listen, restarts + 1), pause);
    });
  }

  return {
    start: (plan, listen) => launch(plan, listen, 0),
    send(name, message) {
      const child = kept.get(name)?.child;
      return child?.connected === true && child.send(message, () => undefined);
    },
    kill: (name, signal) => void kept.get(name)?.child.kill(signal),
    restarts: (name) => kept.get(name)?.restarts ?? 0,
    async stop() {
      stopping = true;
      for (const { child } of kept.values()) await stopChild(child);
    },
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), stopSeconds * 1000);
  await ended;
  clearTimeout(deadline);
}

/** Children see the caller's environment, as any program started from a shell does. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  // biome-ignore lint/style/noProcessEnv: handed on whole, not read
  return process.env;
}
