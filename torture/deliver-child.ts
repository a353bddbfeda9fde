/** Child of the torture: one of the workers that hand the outbox to a webhook, with time going a hundred times as fast. */
import { writeSync } from 'node:fs';
import { openStore } from '../cloud/store/store.ts';
import { startDeliveries } from '../cloud/webhooks/deliver-events.ts';

const [file = ''] = process.argv.slice(2);
const hurry = 100;

process.once('disconnect', () => process.exit());
const store = await openStore({ file });
const silent = { warn: () => undefined, error: () => undefined };
startDeliveries({
  ...{ store, clock: { nowMs: () => Date.now() * hurry }, source: 'urn:meterline:torture' },
  ...{ allowPrivate: true, log: silent, timeoutMs: 5_000, idleMs: 10 },
});
writeSync(1, 'delivering\n');
