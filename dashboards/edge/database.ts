/** Photos and signed proofs that wait for the gateway, in the browser's own database; in memory where there is none. */
const NAME = 'meterline-gateway';
const stores = ['photos', 'evidence'] as const;
export type StoreName = (typeof stores)[number];

export interface Database {
  put(store: StoreName, key: string, value: unknown): Promise<void>;
  get<T>(store: StoreName, key: string): Promise<T | undefined>;
  all<T>(store: StoreName): Promise<T[]>;
  remove(store: StoreName, key: string): Promise<void>;
}

let opened: Promise<Database> | null = null;
export function openDatabase(): Promise<Database> {
  opened ??= openStored().catch(inMemory);
  return opened;
}

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function openStored(): Promise<Database> {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => {
    for (const store of stores) opening.result.createObjectStore(store);
  };
  const database = await settled(opening);
  const at = (store: StoreName, mode: IDBTransactionMode): IDBObjectStore =>
    database.transaction(store, mode).objectStore(store);
  return {
    put: async (store, key, value) => void (await settled(at(store, 'readwrite').put(value, key))),
    get: (store, key) => settled(at(store, 'readonly').get(key)),
    all: (store) => settled(at(store, 'readonly').getAll()),
    remove: async (store, key) => void (await settled(at(store, 'readwrite').delete(key))),
  };
}

function inMemory(): Database {
  const held = new Map<string, unknown>();
  const name = (store: StoreName, key: string): string => `${store} ${key}`;
  return {
    put: async (store, key, value) => void held.set(name(store, key), value),
    get: async <T>(store: StoreName, key: string) => held.get(name(store, key)) as T | undefined,
    all: async <T>(store: StoreName) =>
      [...held].filter(([key]) => key.startsWith(`${store} `)).map(([, value]) => value as T),
    remove: async (store, key) => void held.delete(name(store, key)),
  };
}
