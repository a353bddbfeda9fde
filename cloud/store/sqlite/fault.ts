/** Whose fault an error of the database is: the store's, which no message can help, or the message's own. */
import assert from 'node:assert/strict';

/** Primary result codes of SQLite (sqlite.org/rescode.html) that speak of what was to be stored: TOOBIG, CONSTRAINT, MISMATCH, RANGE. */
const OF_THE_MESSAGE = new Set([18, 19, 20, 25]);

/** True where the same would fail again in a sound store; false for a full disk, a locked or damaged database, and what nobody foresaw. */
export function isOfMessage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // The low byte of an extended code is the primary one.
  if ('errcode' in error && typeof error.errcode === 'number')
    return OF_THE_MESSAGE.has(error.errcode & 0xff);
  return (
    error instanceof RangeError ||
    error instanceof TypeError ||
    error instanceof SyntaxError ||
    error instanceof assert.AssertionError
  );
}
