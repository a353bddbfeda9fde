import type { Session } from './session.ts';

/**
 * The next position of a table whose rows are read by a cursor, inside the caller's transaction. Whoever adds rows does so alone until
 * its commit: what is read after a position is never found to have come before it.
 */
export async function nextPosition(
  session: Session,
  table: 'statement' | 'charge' | 'run_seal' | 'outbox_event',
): Promise<number> {
  await session.rows(`SELECT pg_advisory_xact_lock(hashtextextended('meterline: ${table}', 0))`);
  const [row] = await session.rows(`SELECT coalesce(max(position), 0) + 1 AS next FROM ${table}`);
  return Number(row?.next);
}
