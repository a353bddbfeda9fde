/** The gateway: polling and pushed readings into the outbox, the outbox to the cloud. Nothing here decides; it connects. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Profile } from '../protocols/profile.ts';
import type { GatewayStatus } from '../protocols/uplink.ts';
import type { Clock } from './clock.ts';
import { createCommitter } from './committer.ts';
import type { EdgeConfig } from './config.ts';
import { type NewReading, type Outbox, openOutbox } from './outbox.ts';
import { startPolling } from './poll.ts';
import type { Profiles } from './profiles.ts';
import { type PushBroker, startPushBroker } from './push-broker.ts';
import { planPushMeter } from './push-meter.ts';
import { startUplink } from './uplink.ts';

export interface Gateway {
  status(): GatewayStatus;
  /** Port of the broker for meters that push; null without one. */
  pushPort: number | null;
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
}

/** A push that found no room is not acknowledged: the meter keeps it. */
class BufferFullError extends Error {
  override readonly name = 'BufferFullError';
  readonly code = 'buffer_full';
}

const EXPIRY_MS = 3_600_000;

/** @throws OutboxError when another process holds the data directory; Error when a port is taken */
export async function startGateway({
  config,
  profiles,
  clock,
  log,
  onFault,
}: GatewayOptions): Promise<Gateway> {
  const outbox = openGatewayOutbox(config, profiles);
  if (outbox.damage !== null)
    log.error(outbox.damage, 'the outbox was damaged: it goes on under a new epoch');
  const committer = createCommitter(outbox, { onCommit: () => uplink.wake(), onFault });
  const accept = async (readings: readonly NewReading[]): Promise<number> => {
    const refused = await committer.accept(readings);
    if (refused > 0) log.error({ buffer: outbox.stats(), refused }, 'the buffer is full: readings refused');
    return refused;
  };

  const polling = startPolling({
    config,
    profiles,
    clock,
    outbox: {
      accept: async (readings) => void (await accept(readings)),
      lastAcceptedMs: (meter, register) => outbox.lastAcceptedMs(meter, register),
    },
    log: log.child({ part: 'poll' }),
  });
  let push: PushBroker | null = null;
  const uplink = startUplink({
    ...config,
    outbox,
    clock,
    log: log.child({ part: 'uplink' }),
    buses: polling.status,
    push: () => push?.summary(),
    onFault,
  });
  push = await startPush({ config, profiles, clock, log }, outbox, accept);
  const expiry = setInterval(() => {
    const givenUp = outbox.expire(clock.nowMs() - config.outbox.maxAgeMs);
    if (givenUp > 0) log.error({ givenUp }, 'readings too old to keep were given up');
  }, EXPIRY_MS);

  return {
    status: () => uplink.status(uplink.connected()),
    pushPort: push?.port ?? null,
    async stop() {
      clearInterval(expiry);
      await Promise.all([polling.stop(), push?.stop()]);
      await committer.idle();
      await uplink.stop();
      outbox.close();
    },
  };
}

function openGatewayOutbox({ gateway, dataDir, outbox, ...config }: EdgeConfig, profiles: Profiles): Outbox {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const billing = new Set(
    [...config.buses.flatMap(({ meters }) => meters), ...config.pushMeters].flatMap(({ meter, profile }) =>
      billingRegisters(profiles.get(profile)).map((obis) => `${meter} ${obis}`),
    ),
  );
  return openOutbox({
    folder: join(dataDir, 'outbox'),
    gateway,
    maxBytes: outbox.maxBytes,
    isBilling: (meter, register) => billing.has(`${meter} ${register}`),
  });
}

const billingRegisters = (profile: Profile | undefined): string[] =>
  (profile?.registers ?? []).filter(({ billing }) => billing).map(({ obis }) => obis);

async function startPush(
  { config, profiles, clock, log }: Omit<GatewayOptions, 'onFault'>,
  outbox: Outbox,
  accept: (readings: readonly NewReading[]) => Promise<number>,
): Promise<PushBroker | null> {
  if (config.pushBroker === undefined) return null;
  const meters = config.pushMeters.flatMap((row) => planPushMeter(row, profiles.get(row.profile)) ?? []);
  return startPushBroker({
    ...config.pushBroker,
    meters,
    repeats: (reading) => outbox.repeats(reading),
    async accept(readings) {
      if ((await accept(readings)) > 0) throw new BufferFullError('the buffer is full');
    },
    clock,
    log: log.child({ part: 'push' }),
    quarantineFile: join(config.dataDir, 'push-quarantine.jsonl'),
  });
}
