/**
 * The gateway's own broker, for meters that push. A publish is acknowledged after its readings are committed to the
 * outbox: the commit happens inside the broker's authorization, which is all that precedes its acknowledgement. What is
 * no reading is counted and logged by its code, and acknowledged, so that the meter does not send it for ever.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes, type AedesOptions } from 'aedes';
import type { Logger } from 'pino';
import { GuardedStream } from '../guarded-stream.ts';
import { mapPush, type PushRefusal } from '../protocols/mqtt/json-mapping.ts';
import type { MqttProfile } from '../protocols/profile.ts';
import type { Clock } from './clock.ts';
import type { NewReading } from './outbox.ts';

export interface PushMeterPlan {
  meter: string;
  topic: string;
  profile: MqttProfile;
}

export interface PushBrokerOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  meters: readonly PushMeterPlan[];
  /** Resolves after the commit; rejects when the readings were not accepted. */
  accept: (readings: NewReading[]) => Promise<void>;
  /** True when the reading is the last accepted one of its register, sent again. */
  repeats: (reading: NewReading) => boolean;
  clock: Clock;
  log: Logger;
}

export interface PushBroker {
  port: number;
  counters(): Readonly<PushCounters>;
  stop(): Promise<void>;
}

export interface PushCounters {
  accepted: number;
  repeated: number;
  /** By code: a `PushRefusal`, `unknown_topic`, or `ahead_of_time`. */
  refused: Record<string, number>;
}

const limits = { connectBytes: 4 * 1024, packetBytes: 64 * 1024 };
const MOST_CONNECTIONS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const DRAIN_TIMEOUT_MS = 3_000;
/** A meter's clock may run ahead of ours by this; a reading further in the future is none. */
const MOST_AHEAD_MS = 10 * 60_000;

export async function startPushBroker(options: PushBrokerOptions): Promise<PushBroker> {
  const { host, port, log } = options;
  const counters: PushCounters = { accepted: 0, repeated: 0, refused: {} };
  const aedes = await Aedes.createBroker({
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    ...rules(options, counters),
  });
  aedes.on('connectionError', (_, error) => log.info({ error: error.message }, 'push connection closed'));
  aedes.on('clientError', ({ id }, error) =>
    log.info({ client: id, error: error.message }, 'push connection closed'),
  );
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(new GuardedStream(socket, limits));
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    counters: () => counters,
    async stop() {
      server.close();
      await new Promise<void>((resolve) => aedes.close(resolve));
      for (const socket of sockets) socket.destroy();
    },
  };
}

function rules(options: PushBrokerOptions, counters: PushCounters): AedesOptions {
  const meters = new Map(options.meters.map((plan) => [plan.topic, plan]));
  return {
    preConnect(_client, packet, done) {
      packet.clean = true;
      done(null, true);
    },
    authorizePublish(client, packet, done) {
      packet.retain = false;
      const payload = Buffer.from(packet.payload);
      take(options, counters, meters.get(packet.topic), payload).then(
        (refusal) => {
          if (refusal !== null) {
            counters.refused[refusal.code] = (counters.refused[refusal.code] ?? 0) + 1;
            options.log.warn({ client: client?.id, topic: packet.topic, ...refusal }, 'push refused');
          }
          done(null);
        },
        // Not accepted: the connection ends without an acknowledgement, and the meter sends it again.
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
    authorizeSubscribe(_client, _subscription, done) {
      done(null, null);
    },
  };
}

interface Refusal {
  code: PushRefusal | 'unknown_topic' | 'ahead_of_time';
  detail: string;
}

async function take(
  { accept, repeats, clock }: PushBrokerOptions,
  counters: PushCounters,
  plan: PushMeterPlan | undefined,
  payload: Buffer,
): Promise<Refusal | null> {
  if (plan === undefined) return { code: 'unknown_topic', detail: `${payload.length} bytes` };
  const push = mapPush(plan.profile, payload);
  if (!push.ok) return { code: push.code, detail: push.detail };
  const readAt = Temporal.Instant.fromEpochMilliseconds(push.readAtMs).toString();
  if (push.readAtMs > clock.nowMs() + MOST_AHEAD_MS) return { code: 'ahead_of_time', detail: readAt };
  const readings = push.values
    .map(
      ({ obis, value, unit, code }): NewReading => ({
        meter: plan.meter,
        register: obis,
        readAt,
        value,
        unit,
        ...(code === undefined ? {} : { code }),
        source: 'push',
      }),
    )
    .filter((reading) => !repeats(reading));
  if (readings.length === 0) {
    counters.repeated += 1;
    return null;
  }
  await accept(readings);
  counters.accepted += readings.length;
  return null;
}
