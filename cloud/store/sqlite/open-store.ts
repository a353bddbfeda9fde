/** The embedded store: its operations run in a worker thread, one after the other. */
import { Worker } from 'node:worker_threads';
import type { Store } from '../store.ts';
import { StoreError } from '../store-error.ts';

export interface StoreReply {
  id: number;
  value?: unknown;
  error?: { message: string; code: string | undefined; ofMessage: boolean };
}

/** @param file path of the database, or `:memory:` */
export function openStore(file: string): Promise<Store> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { file } });
  const pending = new Map<
    number,
    { name: string; resolve: (v: unknown) => void; reject: (e: Error) => void }
  >();
  let nextId = 0;
  let failure: Error | null = null;

  const fail = (cause: Error): void => {
    failure = cause;
    for (const call of pending.values()) call.reject(cause);
    pending.clear();
  };
  worker.on('message', ({ id, value, error }: StoreReply) => {
    const call = pending.get(id);
    pending.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new StoreError(call.name, error.message, error.code, error.ofMessage));
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new StoreError('store', 'the store is closed', 'store_closed')));

  const call = (name: string, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (failure !== null) return reject(failure);
      nextId += 1;
      pending.set(nextId, { name, resolve, reject });
      worker.postMessage({ id: nextId, name, args });
    });

  const alone = aloneHere();
  const store = new Proxy({} as Store, {
    get: (_, name) => {
      // A promise resolving with the store asks it for `then`.
      if (typeof name !== 'string' || name === 'then') return undefined;
      if (name === 'alone') return alone;
      if (name === 'close') return () => call('close', []).then(() => undefined);
      return (...args: unknown[]) => call(name, args);
    },
  });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    call('ready', []).then(() => resolve(store), reject);
  });
}

/** Only one process does more than ingest on a file, so that what it knows itself is enough. */
function aloneHere(): Store['alone'] {
  const held = new Set<string>();
  return async (scope, work) => {
    if (held.has(scope)) return null;
    held.add(scope);
    try {
      return { result: await work() };
    } finally {
      held.delete(scope);
    }
  };
}
