/** `meterline edge`: the gateway process. Exit codes: 0 stopped, 2 usage or configuration refused, 3 operating fault. */

import pino from 'pino';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { becomeLean } from '../../process/lean-process.ts';
import { hashPassword } from '../../process/secrets.ts';
import { type EdgeConfig, edgePassword, readConfig } from '../config.ts';
import { configWarnings } from '../config-warnings.ts';
import { startGatewayProcess } from '../gateway-process.ts';
import { ListenError } from '../listen-error.ts';
import { loadProfiles, type Profiles } from '../profiles.ts';

const USAGE = `Usage: meterline edge --config edge.yaml [--check-config]
       METERLINE_EDGE_PASSWORD=... meterline edge --hash-password

  --config FILE    the gateway's configuration; SIGHUP reads it anew
  --check-config   say what is wrong with it, and do not start
  --hash-password  print what stands for the password in http.passwordHash`;

const form = { name: 'edge', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const options = {
    config: { type: 'string' },
    'check-config': { type: 'boolean' },
    'hash-password': { type: 'boolean' },
  } as const;
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  if (values['hash-password']) {
    const password = edgePassword();
    if (password === undefined) return refuse(['meterline edge: METERLINE_EDGE_PASSWORD is not set']);
    console.log(await hashPassword(password));
    return 0;
  }
  if (values.config === undefined) return refuseWords(form, '--config is missing');
  const loaded = loadProfiles();
  if (!loaded.ok) return refuse(loaded.errors);
  const checked = readConfig(values.config, loaded.profiles);
  if (!checked.ok) return refuse(checked.errors);
  // Compiled here, and for the process that stays: before the service starts as well as before it starts anew.
  await loadParts(checked.config);
  if (values['check-config']) {
    for (const warning of configWarnings(checked.config, loaded.profiles))
      console.error(`${values.config}: ${warning}`);
    console.error(`${values.config}: ok`);
    return 0;
  }
  if (checked.config.clock === 'driven' && process.send === undefined)
    return refuse([`${values.config}: clock: "driven" needs a parent process that drives it`]);
  becomeLean();
  return serve(values.config, checked.config, loaded.profiles);
}

function refuse(lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

/** What a gateway loads only where it is configured. */
async function loadParts({ http, pushBroker, buses }: EdgeConfig): Promise<void> {
  if (http !== undefined) await import('../http/start.ts');
  if (pushBroker !== undefined) await import('../push/push-broker.ts');
  if (buses.some(({ link }) => link.kind === 'serial')) await import('../line/serial-stream.ts');
}

async function serve(file: string, config: EdgeConfig, profiles: Profiles): Promise<number> {
  const log = pino(
    { base: { gateway: config.gateway }, serializers: { error: pino.stdSerializers.err } },
    pino.destination({ dest: 2, sync: true }),
  );
  const ending = Promise.withResolvers<number>();
  const stopping = new AbortController();
  const end = (code: number): void => {
    stopping.abort();
    ending.resolve(code);
  };
  process.once('SIGTERM', () => end(0));
  process.once('SIGINT', () => end(0));
  if (config.clock === 'driven') process.once('disconnect', () => end(0));
  const onFault = (error: unknown): void => {
    log.fatal({ err: error }, 'the outbox failed');
    ending.resolve(3);
  };
  try {
    const { signal } = stopping;
    const gateway = await startGatewayProcess({ file, config, profiles, log, stopping: signal, onFault });
    const code = await ending.promise;
    await gateway.stop();
    log.info({ code }, 'gateway stopped');
    return code;
  } catch (error) {
    if (stopping.signal.aborted) return 0;
    const reason = error instanceof ListenError ? `: ${file}: ${error.message}` : '';
    log.fatal({ err: error }, `the gateway cannot run${reason}`);
    return 3;
  } finally {
    // The channel to the parent would keep the process alive.
    if (process.connected) process.disconnect?.();
  }
}
