/** The gateway as a process: its configuration, read anew and sent by the cloud, and its own HTTP server. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { type Clock, drivenClock, systemClock } from './clock.ts';
import { type EdgeConfig, type HttpConfig, readConfig } from './config.ts';
import { configWarnings } from './config-warnings.ts';
import { keepCertificate } from './delivery/certificate-renewal.ts';
import { type Gateway, startGateway } from './gateway.ts';
import type { EdgeApiContext } from './http/context.ts';
import type { EdgeServer } from './http/start.ts';
import { ListenError } from './listen-error.ts';
import type { Profiles } from './profiles.ts';
import { RemoteConfig } from './settings/remote-config.ts';
import { watchConfig } from './settings/watch-config.ts';

export interface GatewayProcessOptions {
  /** Of the configuration, and what it holds. */
  file: string;
  config: EdgeConfig;
  profiles: Profiles;
  log: Logger;
  /** Ends the wait for driven time. */
  stopping: AbortSignal;
  onFault: (error: unknown) => void;
}

export interface GatewayProcess {
  stop(): Promise<void>;
}

/** @throws OutboxError when another process holds the data directory; ListenError when a port is taken */
export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const { profiles, log, stopping, onFault } = options;
  const file = resolve(options.file);
  const { clock: kind, dataDir } = options.config;
  const clock: Clock = kind === 'driven' ? drivenClock(process) : systemClock(tellJump(log));
  await clock.until(0, stopping);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const remote = new RemoteConfig({
    file: join(dataDir, 'remote-config.json'),
    check: (settings) => readConfig(file, profiles, undefined, settings),
    profiles,
    nowMs: clock.nowMs,
    log: log.child({ part: 'config' }),
  });
  const starting = remote.startingConfig();
  if (!starting.ok) log.error({ errors: starting.errors }, 'settings of the cloud do not go with the file');
  const config = starting.ok ? starting.config : options.config;
  for (const warning of configWarnings(config, profiles)) log.warn(warning);
  const gateway = await startGateway({
    config,
    profiles,
    clock,
    log,
    onFault,
    configStatus: () => remote.status(),
    onConfig: (payload) => void remote.take(payload),
  });
  remote.begin(gateway, () => gateway.tell());
  const reread = (): Promise<void> => reload(file, remote, gateway, options);
  const importList = listImport(file, profiles, reread);
  const stopGateway = async (): Promise<void> => {
    await remote.stop();
    await gateway.stop();
  };
  let http: EdgeServer | null = null;
  try {
    if (config.http !== undefined)
      http = await openHttp(config.http, gateway, clock.nowMs, options, importList);
  } catch (error) {
    await stopGateway();
    throw error;
  }
  log.info({ pushPort: gateway.pushPort(), http: http?.url, buses: config.buses.length }, 'gateway up');
  const endRenewal =
    config.tls === undefined
      ? () => undefined
      : keepCertificate({ gateway: config.gateway, tls: config.tls, log, nowMs: clock.nowMs });
  const unwatch = watchConfig(file, { files: config.reload }, () => void reread());
  return {
    async stop() {
      unwatch();
      endRenewal();
      await http?.close();
      await stopGateway();
    },
  };
}

const tellJump =
  (log: Logger) =>
  (jumpMs: number): void => {
    if (jumpMs === 0) log.info('the clock of this machine is followed again');
    else
      log.error(
        { aheadSeconds: jumpMs / 1000 },
        "the clock of this machine jumped away from the cloud's: not followed",
      );
  };

/** Loaded only where it is wanted: the server's libraries take some ten megabytes. @throws ListenError */
async function openHttp(
  http: HttpConfig,
  gateway: Gateway,
  nowMs: () => number,
  { profiles, log }: GatewayProcessOptions,
  importList: EdgeApiContext['importList'],
): Promise<EdgeServer> {
  const { startEdgeServer } = await import('./http/start.ts');
  const context = { gateway, profiles, nowMs, importList, log: log.child({ part: 'http' }) };
  return startEdgeServer({ http, ...context }).catch((cause: unknown) => {
    throw new ListenError('http', http, cause);
  });
}

/** A list that was taken is at work when this resolves. */
const listImport =
  (configFile: string, profiles: Profiles, reread: () => Promise<void>): EdgeApiContext['importList'] =>
  async (list) => {
    const { importMeterList } = await import('./meter-list/import-meter-list.ts');
    const fixed = { parkFile: null, defaults: {}, decimalComma: false, remove: false };
    const result = importMeterList({ ...list, ...fixed, configFile, profiles });
    if (result.ok && result.written) await reread();
    return result;
  };

/** A bad file changes nothing; a good one only what differs. */
async function reload(
  file: string,
  remote: RemoteConfig,
  gateway: Gateway,
  { profiles, log }: GatewayProcessOptions,
): Promise<void> {
  const checked = readConfig(file, profiles, undefined, remote.settings());
  if (!checked.ok) {
    for (const error of checked.errors)
      log.error({ error }, 'the new configuration is refused: the old one stays');
    return;
  }
  const changed = await gateway.reconfigure(checked.config);
  if (changed.ok) log.info(changed.changes, 'the new configuration is at work');
  else
    log.error({ error: `${file}: ${changed.detail}` }, 'the new configuration is refused: the old one stays');
}
