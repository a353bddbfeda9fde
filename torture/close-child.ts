/**
 * Child of the torture: closes a period over a store that holds a derived month. It says `posting` just before it issues the
 * run, and `issued` or `already` when it is done.
 */
import { writeSync } from 'node:fs';
import { closePeriod } from '../cloud/jobs/close-period.ts';
import { openSigningKey } from '../cloud/signing.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import { Park } from '../protocols/park.ts';

const [file = '', keyFolder = '', period = '', intervalMinutes = ''] = process.argv.slice(2);

process.once('disconnect', () => process.exit());
const store = await openStore({ file });
const current = await store.currentPark();
if (current === null) throw new Error('the store holds no park');
const told: Store = Object.assign(Object.create(store), {
  issueRun(...run: Parameters<Store['issueRun']>) {
    writeSync(1, 'posting\n');
    return store.issueRun(...run);
  },
});
const closed = await closePeriod({
  store: told,
  park: Park.parse(JSON.parse(current.document)),
  parkDigest: current.digest,
  period,
  issuedAt: '2026-10-01T02:00:00Z',
  acceptEstimates: null,
  signingKey: openSigningKey(keyFolder),
  intervalMinutes: Number(intervalMinutes),
});
if (!closed.ok) throw new Error(`${closed.code}: ${closed.detail}`);
await store.close();
writeSync(1, closed.already ? 'already\n' : 'issued\n');
process.disconnect?.();
