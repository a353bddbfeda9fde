/**
 * The gateway's own broker, for meters that push. A publish is acknowledged after its readings are committed to the
 * outbox: the commit happens inside the broker's authorization, which is all that precedes its acknowledgement.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes, type AedesOptions, type PublishPacket } from 'aedes';
import { GuardedStream } from '../../process/guarded-stream.ts';
import { PushIntake, type PushIntakeOptions } from './push-intake.ts';
import type { PushStatus } from './push-status.ts';

export interface PushBrokerOptions extends PushIntakeOptions {
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** The most bytes of a packet: a batch of a collector may need more than the usual 64 KiB. */
  maxPacketBytes?: number;
}

/** `closed` counts connections by the violation that ended them. */
export type PushBrokerStatus = PushStatus & { closed: Readonly<Record<string, number>> };

export interface PushBroker {
  port: number;
  status(): PushBrokerStatus;
  /** The part of it that the cloud is told. */
  summary(): ReturnType<PushIntake['summary']>;
  stop(): Promise<void>;
}

/** What the broker's library lets pass and MQTT 3.1.1 does not: the connection is closed. */
class PacketError extends Error {
  override readonly name = 'PacketError';
  readonly code: 'packet_id_zero' | 'malformed_topic';
  constructor(code: PacketError['code']) {
    super(`MQTT packet refused: ${code}`);
    this.code = code;
  }
}

const CONNECT_BYTES = 4 * 1024;
const PACKET_BYTES = 64 * 1024;
const MOST_CONNECTIONS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const DRAIN_TIMEOUT_MS = 3_000;
/** Where every publish of a client ends once it is taken: nobody may listen there, so no client reaches another. */
const TAKEN_TOPIC = 'meterline/taken';

export async function startPushBroker(options: PushBrokerOptions): Promise<PushBroker> {
  const { host, port, log, maxPacketBytes = PACKET_BYTES } = options;
  const intake = new PushIntake(options, (topic, payload) =>
    aedes.publish(
      { cmd: 'publish', topic, payload: Buffer.from(payload), qos: 0, retain: false, dup: false },
      (error) => {
        if (error) log.warn({ topic, error: error.message }, 'command not sent');
      },
    ),
  );
  const aedes = await Aedes.createBroker({
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    ...rules(intake),
  });
  const closed: Record<string, number> = {};
  const noteClosed = (client: string | null, error: Error): void => {
    const code = violation(error);
    closed[code] = (closed[code] ?? 0) + 1;
    log.info({ client, code, error: error.message }, 'push connection closed');
  };
  aedes.on('connectionError', (_, error) => noteClosed(null, error));
  aedes.on('clientError', ({ id }, error) => noteClosed(id, error));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(new GuardedStream(socket, { connectBytes: CONNECT_BYTES, packetBytes: maxPacketBytes }));
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening').catch(async (error: unknown) => {
    await new Promise<void>((resolve) => aedes.close(resolve));
    throw error;
  });
  return {
    port: (server.address() as AddressInfo).port,
    status: () => ({ ...intake.status(), closed }),
    summary: () => intake.summary(),
    async stop() {
      server.close();
      await new Promise<void>((resolve) => aedes.close(resolve));
      for (const socket of sockets) socket.destroy();
    },
  };
}

function rules(intake: PushIntake): AedesOptions {
  return {
    preConnect(_client, packet, done) {
      packet.clean = true;
      done(null, true);
    },
    authorizePublish(client, packet, done) {
      const { topic } = packet;
      const wrong = packetError(packet);
      if (wrong !== null) {
        done(wrong);
        return;
      }
      packet.retain = false;
      packet.topic = TAKEN_TOPIC;
      intake.take(client?.id ?? null, topic, Buffer.from(packet.payload)).then(
        () => done(null),
        // Not accepted: the connection ends without an acknowledgement, and the meter sends it again.
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
    authorizeSubscribe(_client, subscription, done) {
      done(null, intake.mayListen(subscription.topic) ? subscription : null);
    },
  };
}

/** Packet id 0 (2.3.1-1), a topic with U+0000 or that is no UTF-8 (1.5.3-1, 1.5.3-2). A will has no packet id at all. */
function packetError({ topic, qos, messageId }: PublishPacket): PacketError | null {
  if (qos > 0 && messageId === 0) return new PacketError('packet_id_zero');
  return /[\0\ufffd]/.test(topic) ? new PacketError('malformed_topic') : null;
}

/** Ours by their codes, those of sockets as one, and all that the broker's library finds as another. */
function violation(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'protocol_violation';
  return /^E[A-Z]+/.test(code) ? 'connection_lost' : code;
}
