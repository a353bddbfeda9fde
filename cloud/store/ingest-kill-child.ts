/** Child of the kill test: ingests batches without end and names each on stdout once it is acknowledged. */
import { writeSync } from 'node:fs';
import { INGESTED_AT, slotBatches } from './contract-fixtures.ts';
import { openStore } from './store.ts';

const [file = '', firstSlot = '0', meters = '1'] = process.argv.slice(2);
const store = await openStore({ file });
const batches = slotBatches({ meters: Number(meters), slots: 2000 });
for (const batch of batches.slice(Number(firstSlot))) {
  await store.ingestBatch(batch, INGESTED_AT);
  writeSync(1, `${batch.to}\n`);
}
await store.close();
