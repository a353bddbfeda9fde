/** The store on PostgreSQL: its operations run in this process, each in a transaction of its own where it writes. */
import type { Store } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { isOfMessage } from './fault.ts';
import { openDatabase, type PostgresPlace } from './open-database.ts';
import { operations } from './operations.ts';

/** A fault that has a code and a meaning already is left as it is: `period_closed`, `quarantine_full`. */
function asStoreError(operation: string, error: unknown): unknown {
  if (error instanceof StoreError) return error;
  const { message, code } = error as { message: string; code?: string };
  return new StoreError(operation, message, code, isOfMessage(error));
}

/** @throws StoreError */
export async function openStore(place: PostgresPlace): Promise<Store> {
  try {
    const database = await openDatabase(place);
    const table: Record<string, (...args: never[]) => Promise<unknown>> = operations(database);
    const entries = Object.entries(table).map(([name, operation]) => [
      name,
      (...args: never[]) =>
        operation(...args).catch((error: unknown) => Promise.reject(asStoreError(name, error))),
    ]);
    const { alone, close } = database;
    return { ...Object.fromEntries(entries), alone, close } as Store;
  } catch (error) {
    throw asStoreError('open', error);
  }
}
