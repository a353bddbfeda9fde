/**
 * Broker, ingest and store in a process of their own, for benchmarks and fault runs. Arguments: database, port (0: any),
 * gateways with commas between them, their password, the files of a broker with TLS as JSON or nothing, and the address to
 * listen at. It tells over IPC where gateways connect, and stops when its parent disconnects or is gone.
 */
import pino from 'pino';
import { startBroker } from '../cloud/broker.ts';
import type { BrokerTls } from '../cloud/broker-certificates.ts';
import { startIngest } from '../cloud/ingest.ts';
import { openStore } from '../cloud/store/store.ts';
import { INGESTED_MS } from './bench-readings.ts';

const [file = '', port = '0', names = '', password = '', files = '', host = '127.0.0.1'] =
  process.argv.slice(2);
const tls: BrokerTls | undefined = files === '' ? undefined : JSON.parse(files);
const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));
const store = await openStore({ file });
const gateways = names.split(',').map((gateway) => ({ gateway, password }));
const broker = await startBroker({ host, port: Number(port), gateways, tls, log });
const clock = { nowMs: () => INGESTED_MS };
const ingest = await startIngest({ brokerUrl: broker.url, ...broker.ingestCredential, store, clock, log });
process.once('disconnect', async () => {
  await ingest.stop();
  await broker.close();
  await store.close();
});
process.send?.(tls === undefined ? broker.url : `mqtts://127.0.0.1:${broker.port}`);
