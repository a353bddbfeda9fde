/** An answer that comes twice, and that of a second meter at the same address: how long one may pass for the next. Pure. */
import type { Link } from '../config.ts';

/** So soon after the first one it is sent, if at all. */
const REPEATED_MS = 50;
/**
 * So long it may be on its way on a socket, behind bytes that are not acknowledged: a converter's TCP holds it back until
 * they are (RFC 896), which our side does by a timer (Linux: TCP_DELACK_MAX, 200 ms) or else with the next request. Then
 * it would come as the answer to that.
 */
const HELD_BACK_MS = 250;

/**
 * Until when it may come; all of `performance.now()`.
 * @param answeredAt when the first one came; null: there is none
 * @param lastByteAt when anything came last. After what was sent later than it, nothing is held back.
 */
export function repeatedUntil({ kind }: Link, answeredAt: number | null, lastByteAt: number): number {
  if (answeredAt === null) return 0;
  const sentUntil = answeredAt + REPEATED_MS;
  const mayBeHeldBack = kind === 'rtu-over-tcp' && lastByteAt <= sentUntil;
  return mayBeHeldBack ? Math.max(sentUntil, lastByteAt + HELD_BACK_MS) : sentUntil;
}
