/** Whose fault an error of the database is: the store's, which no message can help, the message's own, or nobody's. */
import assert from 'node:assert/strict';

/** SQLSTATE, five characters (PostgreSQL 15, appendix A); null where the error is not the server's. */
const stateOf = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.length === 5
    ? error.code
    : null;

const constraintOf = (error: unknown): string | null =>
  error instanceof Error && 'constraint' in error && typeof error.constraint === 'string'
    ? error.constraint
    : null;

/** A row lies in no month that has a partition: check_violation of no constraint (execMain.c, ExecPartitionCheck). */
export const isWithoutPartition = (error: unknown): boolean =>
  stateOf(error) === '23514' && constraintOf(error) === null;

/** Two of us met, and the same may well go through now: serialization failure, deadlock, a key that another took at the same time. */
export const isCollision = (error: unknown): boolean => {
  const state = stateOf(error);
  return (
    state === '40001' || state === '40P01' || (state === '23505' && constraintOf(error) === 'item_key_pkey')
  );
};

/** True where the same would fail again in a sound store: class 22, data, and class 23, constraints. */
export function isOfMessage(error: unknown): boolean {
  const state = stateOf(error);
  if (state !== null)
    return (
      (state.startsWith('22') || state.startsWith('23')) && !isWithoutPartition(error) && !isCollision(error)
    );
  return (
    error instanceof RangeError ||
    error instanceof TypeError ||
    error instanceof SyntaxError ||
    error instanceof assert.AssertionError
  );
}

/** What a server says that is coming up, going down or full, and what the network says of one that is not there: it may come back. */
const AWAY = new Set(['57P01', '57P02', '57P03', '53300', '08001', '08003', '08006', '08004']);
const NETWORK = /^E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_AGAIN|NOENT$)/;

/** No connection was to be had. */
export function isAway(error: unknown): boolean {
  const state = stateOf(error);
  if (state !== null && AWAY.has(state)) return true;
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return (
    (typeof code === 'string' && NETWORK.test(code)) || error.message.startsWith('Connection terminated')
  );
}
