/** The cloud's store: typed operations that run in a worker thread, each in a transaction of its own where it writes. */
import { Worker } from 'node:worker_threads';
import type { Operations } from './sqlite/operations.ts';

/** Every operation of the store, asynchronous. An operation's result is only seen after its commit. */
export type Store = {
  [K in keyof Operations]: (...args: Parameters<Operations[K]>) => Promise<ReturnType<Operations[K]>>;
} & {
  /** Ends the worker after the operations under way. */
  close(): Promise<void>;
};

export interface StoreReply {
  id: number;
  value?: unknown;
  error?: { message: string; code: string | undefined; ofMessage: boolean };
}

/** An operation failed in the worker: nothing of it was committed. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly operation: string;
  readonly code: string | undefined;
  /** What was to be stored cannot be, in the soundest store: to try again is no use. */
  readonly ofMessage: boolean;
  constructor(operation: string, message: string, code: string | undefined, ofMessage = false) {
    super(`${operation}: ${message}`);
    this.operation = operation;
    this.code = code;
    this.ofMessage = ofMessage;
  }
}

/** @param file path of the database, or `:memory:` */
export function openStore({ file }: { file: string }): Promise<Store> {
  const worker = new Worker(new URL('./sqlite/worker.ts', import.meta.url), { workerData: { file } });
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

  const store = new Proxy({} as Store, {
    get: (_, name) => {
      // A promise resolving with the store asks it for `then`.
      if (typeof name !== 'string' || name === 'then') return undefined;
      if (name === 'close') return () => call('close', []).then(() => undefined);
      return (...args: unknown[]) => call(name, args);
    },
  });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    call('ready', []).then(() => resolve(store), reject);
  });
}
