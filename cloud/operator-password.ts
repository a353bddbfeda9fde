/** The operator's password: taken from the configuration, or minted once when the store has none. */
import { hashPassword, mintToken, verifyPassword } from '../process/secrets.ts';
import type { Store } from './store/store.ts';

/**
 * Makes sure that there is a password.
 * @param given from the environment: replaces the stored one, and ends the sessions that were opened with it
 * @returns the fresh password, to be shown once to whoever starts the process; null when there was one already
 */
export async function ensureOperatorPassword(store: Store, given: string | null): Promise<string | null> {
  const stored = await store.operatorPasswordHash();
  if (given !== null) {
    if (stored === null || !(await verifyPassword(given, stored)))
      await store.putOperatorPasswordHash(await hashPassword(given));
    return null;
  }
  if (stored !== null) return null;
  const fresh = mintToken().slice(0, 20);
  await store.putOperatorPasswordHash(await hashPassword(fresh));
  return fresh;
}
