/** The cloud's store, the embedded one or PostgreSQL: typed operations, each in a transaction of its own where it writes. */

import type { Operations } from './port/operations.ts';
import type { PostgresPlace } from './postgres/open-database.ts';
import { openStore as openSqlite } from './sqlite/open-store.ts';

/** The same functions, whose results come later. */
export type Asynchronous<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<R> : never;
};

/** Every operation of the store, asynchronous. An operation's result is only seen after its commit. */
export type Store = Asynchronous<Operations> & {
  /**
   * Work that goes on once at a time, of all processes that share the store. Nothing is left behind by one that dies in it.
   * @returns null where another is at it
   */
  alone<T>(scope: string, work: () => Promise<T>): Promise<{ result: T } | null>;
  /** After the operations under way. */
  close(): Promise<void>;
};

/** A file, or `:memory:`; or a server. */
export type StorePlace = { file: string } | { postgres: PostgresPlace };

/** @throws StoreError; Error of the system */
export async function openStore(place: StorePlace): Promise<Store> {
  if ('file' in place) return openSqlite(place.file);
  // Who keeps a file does not load the client of the server.
  const { openStore: openPostgres } = await import('./postgres/open-store.ts');
  return openPostgres(place.postgres);
}
