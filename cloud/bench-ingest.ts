/** Child of the benchmark: broker, ingest and store in a process of their own. It tells where it listens over IPC, and ends with its parent. */
import pino from 'pino';
import { INGESTED_MS } from '../bench-readings.ts';
import { startBroker } from './broker.ts';
import { startIngest } from './ingest.ts';
import { openStore } from './store/store.ts';

const [file = '', gateway = '', password = ''] = process.argv.slice(2);
const log = pino({ level: 'warn' }, pino.destination(2));
const store = await openStore({ file });
const broker = await startBroker({ host: '127.0.0.1', port: 0, gateways: [{ gateway, password }], log });
const clock = { nowMs: () => INGESTED_MS };
const ingest = await startIngest({ brokerUrl: broker.url, ...broker.ingestCredential, store, clock, log });
process.once('disconnect', async () => {
  await ingest.stop();
  await broker.close();
  await store.close();
});
process.send?.(broker.url);
