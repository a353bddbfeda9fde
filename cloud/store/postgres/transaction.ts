import { setTimeout } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { isAway, isCollision } from './fault.ts';
import { type Session, session } from './session.ts';

/** What collides is tried again so often; then it is a fault. */
const TRIES = 8;
const COLLISION_MS = 10;
/** A server that starts again is waited for so long, with rests that double between these bounds. */
const PATIENCE_MS = 5_000;
const REST_MS = { first: 50, most: 1_000 };

const jittered = (ms: number): number => ms * (0.5 + Math.random() / 2);

/** A connection of the pool. While the server is away, tried again with backoff. */
export async function acquire(pool: Pool, patienceMs = PATIENCE_MS): Promise<PoolClient> {
  const since = performance.now();
  for (let restMs = REST_MS.first; ; restMs = Math.min(restMs * 2, REST_MS.most)) {
    try {
      return await pool.connect();
    } catch (error) {
      if (!isAway(error) || performance.now() - since + restMs > patienceMs) throw error;
      await setTimeout(jittered(restMs));
    }
  }
}

/** Lends a connection to `work`; one that broke meanwhile is not used again. */
export async function lend<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await acquire(pool);
  let broken: Error | undefined;
  // Without a listener, a connection that ends while nothing is asked of it ends the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  try {
    return await work(client);
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** Runs `work` in one transaction: all of it is committed, or nothing is. It is run again where it met another's. */
export async function transaction<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await lend(pool, (client) => once(client, work));
    } catch (error) {
      if (attempt === TRIES || !isCollision(error)) throw error;
      await setTimeout(jittered(COLLISION_MS * 2 ** attempt));
    }
  }
}

async function once<T>(client: PoolClient, work: (session: Session) => Promise<T>): Promise<T> {
  // Not waited for: the first statement of the work is on its way behind it.
  const begun = client.query('BEGIN');
  begun.catch(() => undefined);
  try {
    const result = await work(session(client));
    await begun;
    const { command } = await client.query('COMMIT');
    // A transaction in which a statement failed answers COMMIT with ROLLBACK.
    if (command !== 'COMMIT') throw new Error(`the transaction ended in ${command}`);
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
