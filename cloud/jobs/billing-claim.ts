/** One billing run at a time over one store, whoever starts it: a claim that is renewed while the work goes on, and runs out when its owner dies. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Store } from '../store/store.ts';

const SCOPE = 'billing';
const LIFE_MS = 60_000;
const RENEW_MS = 15_000;

/** Another run holds the claim. */
export class BillingBusyError extends Error {
  override readonly name = 'BillingBusyError';
  readonly code = 'busy';
}

/**
 * @param wallClock real time, even where the site's is driven
 * @throws BillingBusyError, and whatever the work throws
 */
export async function withBillingClaim<T>(
  { store, wallClock }: { store: Store; wallClock: Clock },
  work: () => Promise<T>,
): Promise<T> {
  const owner = randomUUID();
  const claim = (): Promise<boolean> => {
    const nowMs = wallClock.nowMs();
    return store.claimRun({ scope: SCOPE, owner, nowMs, untilMs: nowMs + LIFE_MS });
  };
  if (!(await claim()))
    throw new BillingBusyError('another billing run is under way; one that died is given up after a minute');
  // A renewal that fails is tried again: the claim outlives three of them.
  const renewal = setInterval(() => void claim().catch(() => undefined), RENEW_MS);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await store.releaseRun(SCOPE, owner);
  }
}
