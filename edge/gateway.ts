/** The gateway: polling and pushed readings into the outbox, the outbox to the cloud. Nothing here decides; it connects. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { createCommitter } from './buffer/committer.ts';
import type { NewReading } from './buffer/outbox-items.ts';
import type { Clock } from './clock.ts';
import { type EvidenceDesk, recordEvidence } from './commissioning/evidence.ts';
import { type GatewayKey, openGatewayKey } from './commissioning/gateway-key.ts';
import type { EdgeConfig } from './config.ts';
import type { GatewayView } from './gateway-view.ts';
import { OpenGaps } from './healing/open-gaps.ts';
import { ListenError } from './listen-error.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { MeterMemory } from './polling/meter-memory.ts';
import { type BusChanges, RunningBuses } from './polling/running-buses.ts';
import type { Profiles } from './profiles.ts';
import type { PushBroker } from './push/push-broker.ts';
import { planPushMeter } from './push/push-meter.ts';
import type { ConfigStatus } from './settings/remote-config.ts';
import { startUplink } from './uplink.ts';

export interface Gateway extends GatewayView {
  /** Port of the broker for meters that push; null without one. */
  pushPort(): number | null;
  /** Goes on with another configuration, one after the other; what cannot change while it runs is refused. */
  reconfigure(config: EdgeConfig): Promise<Reconfigured>;
  /** Tells the cloud the status now. */
  tell(): void;
  /** Stops taking readings, commits what is on its way in, says goodbye to the cloud, closes the outbox. */
  stop(): Promise<void>;
}

export interface GatewayOptions {
  config: EdgeConfig;
  profiles: Profiles;
  clock: Clock;
  log: Logger;
  /** The outbox failed: nothing more is accepted, and the process should end. */
  onFault: (error: unknown) => void;
  /** Of the cloud's settings, for the status. */
  configStatus?: () => ConfigStatus;
  /** Told each message of the config topic. */
  onConfig?: (payload: Buffer) => void;
}

export type Reconfigured =
  | { ok: true; changes: BusChanges }
  | { ok: false; code: 'needs_restart'; detail: string };

/** A push that found no room is not acknowledged: the meter keeps it. */
class BufferFullError extends Error {
  override readonly name = 'BufferFullError';
  readonly code = 'buffer_full';
}

const EXPIRY_MS = 3_600_000;

/** @throws OutboxError when another process holds the data directory; GatewayKeyError; ListenError when a port is taken */
export async function startGateway({
  config,
  profiles,
  clock,
  log,
  onFault,
  configStatus,
  onConfig,
}: GatewayOptions): Promise<Gateway> {
  const running = new RunningConfig(config, profiles);
  const key = openGatewayKey(config.dataDir);
  const outbox = openGatewayOutbox(running);
  if (outbox.damage !== null)
    log.error(outbox.damage, 'the outbox was damaged: it goes on under a new epoch');
  const committer = createCommitter(outbox, { onCommit: () => uplink.wake(), onFault });
  const accept = async (readings: readonly NewReading[]): Promise<number> => {
    const refused = await committer.accept(readings);
    if (refused > 0) log.error({ buffer: outbox.stats(), refused }, 'the buffer is full: readings refused');
    return refused;
  };

  const polling = new RunningBuses({
    profiles,
    memory: openMemory(config.dataDir, log),
    clock,
    outbox: {
      accept: async (readings) => void (await accept(readings)),
      lastAcceptedMs: (meter, register) => outbox.lastAcceptedMs(meter, register),
    },
    ...(config.timeZone === undefined
      ? {}
      : {
          care: {
            timeZone: config.timeZone,
            gaps: new OpenGaps(join(config.dataDir, 'gaps.json')),
            lastAccepted: outbox.lastAccepted.bind(outbox),
          },
        }),
    log: log.child({ part: 'poll' }),
  });
  await polling.apply(config);
  let push: PushBroker | null = null;
  const uplink = startUplink({
    ...config,
    outbox,
    clock,
    log: log.child({ part: 'uplink' }),
    buses: () => polling.status(),
    push: () => push?.summary(),
    clockOffsets: () => polling.clockOffsets(),
    configStatus,
    keyId: key.keyId,
    onConfig,
    onFault,
  });
  const openPush = (current: EdgeConfig): Promise<PushBroker | null> =>
    startPush({ config: current, profiles, clock, log }, outbox, accept);
  const expiry = giveUpOld(outbox, config.outbox.maxAgeMs, log);
  const stop = async (): Promise<void> => {
    clearInterval(expiry);
    await running.settled();
    await Promise.all([polling.stop(), push?.stop()]);
    await committer.idle();
    await uplink.stop();
    outbox.close();
  };
  push = await openPush(config).catch((error: unknown) => stop().then(() => Promise.reject(error)));

  return {
    config: () => running.config,
    status: () => uplink.status(uplink.connected()),
    uplinkFault: () => uplink.fault(),
    buffer: () => outbox.stats(),
    bus: (id) => polling.bus(id),
    lastAccepted: (meter, register) => outbox.lastAccepted(meter, register),
    recordEvidence: (given) => recordEvidence(evidenceDesk(running, { outbox, key, clock, uplink }), given),
    push: () => push?.status() ?? null,
    pushPort: () => push?.port ?? null,
    tell: () => uplink.tell(),
    reconfigure: (next) =>
      running.change(next, async (before) => {
        if (!isDeepStrictEqual(before.pushMeters, next.pushMeters)) {
          const port = push?.port;
          await push?.stop();
          push = await openPush(atPort(next, port));
        }
        return polling.apply(next);
      }),
    stop,
  };
}

/** By time that passed here, whatever the clock is set to. */
function giveUpOld(outbox: Outbox, maxAgeMs: number, log: Logger): NodeJS.Timeout {
  let lookedMs = performance.now();
  return setInterval(() => {
    const nowMs = performance.now();
    const givenUp = outbox.expire(nowMs - lookedMs, maxAgeMs);
    lookedMs = nowMs;
    if (givenUp > 0) log.error({ givenUp }, 'readings that waited too long were given up');
  }, EXPIRY_MS);
}

function openMemory(dataDir: string, log: Logger): MeterMemory {
  const memory = new MeterMemory(join(dataDir, 'meters.json'));
  if (memory.damaged) log.warn('what was learned of the meters cannot be read: it is learned anew');
  return memory;
}

const evidenceDesk = (
  running: RunningConfig,
  { outbox, key, clock, uplink }: { outbox: Outbox; key: GatewayKey; clock: Clock; uplink: { wake(): void } },
): EvidenceDesk => {
  const { gateway, dataDir, buses, pushMeters } = running.config;
  const meters = [...buses.flatMap((bus) => bus.meters), ...pushMeters];
  return {
    gateway,
    key,
    photoFolder: join(dataDir, 'photos'),
    nowMs: () => clock.nowMs(),
    profileOf: (meter) => meters.find((one) => one.meter === meter)?.profile ?? null,
    append(item) {
      const placed = outbox.appendEvidence(item);
      if (placed) uplink.wake();
      return placed;
    },
  };
};

/** The configuration at work; changes come one after the other. */
class RunningConfig {
  config: EdgeConfig;
  readonly #profiles: Profiles;
  #billing: ReadonlySet<string>;
  #changed: Promise<unknown> = Promise.resolve();

  constructor(config: EdgeConfig, profiles: Profiles) {
    this.config = config;
    this.#profiles = profiles;
    this.#billing = billingRegisters(config, profiles);
  }

  isBilling = (meter: string, register: string): boolean => this.#billing.has(`${meter} ${register}`);

  change(next: EdgeConfig, apply: (before: EdgeConfig) => Promise<BusChanges>): Promise<Reconfigured> {
    const changed = this.#changed.then(async (): Promise<Reconfigured> => {
      const before = this.config;
      const fixed = fixedChanges(before, next);
      if (fixed.length > 0)
        return { ok: false, code: 'needs_restart', detail: `${fixed.join(', ')}: needs a restart` };
      this.config = next;
      this.#billing = billingRegisters(next, this.#profiles);
      return { ok: true, changes: await apply(before) };
    });
    this.#changed = changed.catch(() => undefined);
    return changed;
  }

  async settled(): Promise<void> {
    await this.#changed;
  }
}

/** What may change while the gateway runs. */
const liveKeys: ReadonlySet<keyof EdgeConfig> = new Set([
  'buses',
  'pushMeters',
  'pollIntervalSeconds',
  'reload',
]);

/** Keys of the configuration that differ and cannot change while the gateway runs. In driven time none can. */
function fixedChanges(before: EdgeConfig, next: EdgeConfig): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(next)]) as Set<keyof EdgeConfig>;
  const live = before.clock === 'driven' ? new Set() : liveKeys;
  return [...keys].filter((key) => !live.has(key) && !isDeepStrictEqual(before[key], next[key]));
}

/** Meters that push find their broker where it was. */
const atPort = (config: EdgeConfig, port: number | undefined): EdgeConfig =>
  port === undefined || config.pushBroker === undefined
    ? config
    : { ...config, pushBroker: { ...config.pushBroker, port } };

function openGatewayOutbox(running: RunningConfig): Outbox {
  const { gateway, dataDir, outbox } = running.config;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return openOutbox({
    folder: join(dataDir, 'outbox'),
    gateway,
    maxBytes: outbox.maxBytes,
    isBilling: running.isBilling,
  });
}

/** `meter register`, of all that bill something. */
const billingRegisters = ({ buses, pushMeters }: EdgeConfig, profiles: Profiles): Set<string> =>
  new Set(
    [...buses.flatMap(({ meters }) => meters), ...pushMeters].flatMap(({ meter, profile }) =>
      (profiles.get(profile)?.registers ?? [])
        .filter(({ billing }) => billing)
        .map(({ obis }) => `${meter} ${obis}`),
    ),
  );

/** Loaded only where it is wanted: a broker's library takes some megabytes. */
async function startPush(
  { config, profiles, clock, log }: Omit<GatewayOptions, 'onFault'>,
  outbox: Outbox,
  accept: (readings: readonly NewReading[]) => Promise<number>,
): Promise<PushBroker | null> {
  if (config.pushBroker === undefined) return null;
  const { startPushBroker } = await import('./push/push-broker.ts');
  const meters = config.pushMeters.flatMap((row) => planPushMeter(row, profiles.get(row.profile)) ?? []);
  const { pushBroker } = config;
  const pushing = startPushBroker({
    ...pushBroker,
    meters,
    repeats: (reading) => outbox.repeats(reading),
    async accept(readings) {
      if ((await accept(readings)) > 0) throw new BufferFullError('the buffer is full');
    },
    clock,
    log: log.child({ part: 'push' }),
    quarantineFile: join(config.dataDir, 'push-quarantine.jsonl'),
  });
  return pushing.catch((cause: unknown) => {
    throw new ListenError('pushBroker', pushBroker, cause);
  });
}
