/** `meterline cloud`: the service process. Exit codes: 0 stopped, 2 usage or configuration refused, 3 operating fault. */

import pino from 'pino';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { drivenClock, systemClock } from '../clock.ts';
import { type CloudConfig, type CloudSecrets, loadConfig } from '../config.ts';
import { readPark } from '../read-park.ts';
import { ParkRefusedError, startService } from '../service.ts';

const USAGE = `Usage: meterline cloud --config cloud.yaml [--check-config]

  --config FILE    the service's configuration
  --check-config   say what is wrong with it or the park document, and do not start`;

const form = { name: 'cloud', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const options = {
    config: { type: 'string' },
    'check-config': { type: 'boolean' },
  } as const;
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  if (values.config === undefined) return refuseWords(form, '--config is missing');
  const loaded = loadConfig(values.config);
  if (!loaded.ok) return refuse(loaded.problems);
  const park = readPark(loaded.config.park);
  if (!park.ok) return refuse(park.problems);
  if (values['check-config']) {
    console.error(`${values.config}: ok`);
    return 0;
  }
  if (loaded.config.clock === 'driven' && process.send === undefined)
    return refuse([`${values.config}: clock: "driven" needs a parent process that drives it`]);
  return serve(loaded.config, loaded.secrets);
}

function refuse(lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

async function serve(config: CloudConfig, secrets: CloudSecrets): Promise<number> {
  const log = pino(
    { base: { process: 'cloud' }, serializers: { error: pino.stdSerializers.err } },
    pino.destination({ dest: 2, sync: true }),
  );
  const ending = Promise.withResolvers<number>();
  process.once('SIGTERM', () => ending.resolve(0));
  process.once('SIGINT', () => ending.resolve(0));
  if (config.clock === 'driven') process.once('disconnect', () => ending.resolve(0));
  try {
    const clock = config.clock === 'driven' ? drivenClock(process) : systemClock();
    if ('started' in clock) await Promise.race([clock.started, ending.promise]);
    const service = await startService({ config, secrets, clock, log });
    // The parent shows it; a supervisor's log gets it otherwise.
    process.send?.({ type: 'ready', url: service.url, freshPassword: service.freshPassword });
    log.info({ url: service.url }, 'service up');
    if (service.freshPassword !== null && process.send === undefined)
      console.error(`operator password (shown once): ${service.freshPassword}`);
    const code = await ending.promise;
    await service.stop();
    log.info({ code }, 'service stopped');
    return code;
  } catch (error) {
    if (error instanceof ParkRefusedError) return refuse(error.problems);
    log.fatal({ error }, 'the service cannot run');
    return 3;
  } finally {
    // The channel to the parent would keep the process alive.
    if (process.connected) process.disconnect?.();
  }
}
