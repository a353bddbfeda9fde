/**
 * Broker, ingest and store in a process of their own, for benchmarks and fault runs. Arguments: database, port (0: any),
 * gateway, its password. It tells where it listens over IPC, and stops when its parent disconnects or is gone.
 */
import pino from 'pino';
import { startBroker } from '../cloud/broker.ts';
import { startIngest } from '../cloud/ingest.ts';
import { openStore } from '../cloud/store/store.ts';
import { INGESTED_MS } from './bench-readings.ts';

const [file = '', port = '0', gateway = '', password = ''] = process.argv.slice(2);
const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));
const store = await openStore({ file });
const gateways = [{ gateway, password }];
const broker = await startBroker({ host: '127.0.0.1', port: Number(port), gateways, log });
const clock = { nowMs: () => INGESTED_MS };
const ingest = await startIngest({ brokerUrl: broker.url, ...broker.ingestCredential, store, clock, log });
process.once('disconnect', async () => {
  await ingest.stop();
  await broker.close();
  await store.close();
});
process.send?.(broker.url);
