/**
 * Child of the kill test: sends the batches of a gateway from a slot on, each again until it is acknowledged, and names each on stdout
 * then. Arguments: the place as JSON, the gateway, the first slot, how many slots.
 */
import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { INGESTED_AT } from '../contract-fixtures.ts';
import { batchOfSlot } from './kill-readings.ts';
import { openStore } from './open-store.ts';

const [place = '', gateway = '', first = '0', slots = '0'] = process.argv.slice(2);
const store = await openStore(JSON.parse(place));
for (let slot = Number(first); slot < Number(slots); slot += 1) {
  for (;;) {
    try {
      await store.ingestBatch(batchOfSlot(gateway, slot), INGESTED_AT);
      break;
    } catch {
      // No receipt: a gateway sends it again.
      await setTimeout(50);
    }
  }
  writeSync(1, `${slot}\n`);
}
await store.close();
