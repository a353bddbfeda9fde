/**
 * `meterline ingest`: one more worker beside the service, with a connection and a process of its own. The broker shares the
 * readings out among all of them. Exit codes: 0 stopped, 2 usage or configuration refused, 3 operating fault.
 */

import pino from 'pino';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { systemClock } from '../clock.ts';
import { type CloudConfig, loadConfig } from '../config.ts';
import { startIngest } from '../ingest.ts';
import { workerAccount } from '../mosquitto-config.ts';
import { openStore, type StorePlace } from '../store/store.ts';
import { readTls, storePlace } from '../store-place.ts';

const USAGE = `Usage: meterline ingest --config cloud.yaml --worker N

  --config FILE    the service's configuration; its broker must be one that is reached by url
  --worker N       2 or more, another for each worker; the service itself is the first.
                   Its account at the broker is the configured one with -N behind it`;

const form = { name: 'ingest', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const options = {
    config: { type: 'string' },
    worker: { type: 'string' },
  } as const;
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  const { config: file, worker = '' } = values;
  if (file === undefined) return refuseWords(form, '--config is missing');
  if (!/^([2-9]|[1-9]\d{1,2})$/.test(worker))
    return refuseWords(form, `--worker: "${worker}" is no number from 2 to 999`);
  const loaded = loadConfig(file);
  if (!loaded.ok) return refuse(loaded.problems);
  const { broker, clock } = loaded.config;
  if (!('url' in broker))
    return refuse([`${file}: broker: the embedded one serves one process; workers need a broker by url`]);
  if (clock === 'driven') return refuse([`${file}: clock: "driven" is for one process`]);
  return work(storePlace(loaded.config, loaded.secrets), broker, Number.parseInt(worker, 10));
}

function refuse(lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

type RemoteBroker = Extract<CloudConfig['broker'], { url: string }>;

async function work(place: StorePlace, broker: RemoteBroker, worker: number): Promise<number> {
  const log = pino({ base: { process: `ingest ${worker}` } }, pino.destination({ dest: 2, sync: true }));
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  process.once('SIGTERM', () => end());
  process.once('SIGINT', () => end());
  const opened = new AsyncDisposableStack();
  try {
    const store = await openStore(place);
    opened.defer(() => store.close());
    const { url: brokerUrl, username, password, tls } = broker;
    const account = username === undefined ? {} : { username: workerAccount(username, worker), password };
    const ingest = await startIngest({
      ...{ brokerUrl, ...account, store, clock: systemClock(), log },
      ...(tls && { tls: readTls(tls) }),
      shared: true,
      readingsOnly: true,
    });
    opened.defer(() => ingest.stop());
    process.send?.({ type: 'ready' });
    log.info({ broker: brokerUrl }, 'worker up');
    await ended;
    log.info({ counters: ingest.intake.counters }, 'worker stopped');
    return 0;
  } catch (error) {
    log.fatal({ err: error }, 'the worker cannot run');
    return 3;
  } finally {
    await opened.disposeAsync();
    if (process.connected) process.disconnect?.();
  }
}
