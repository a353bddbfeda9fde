/** Meters that spoil their replies: late, foreign, doubled, over Modbus TCP or over RTU on a pseudo terminal. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Link } from '../edge/config.ts';
import { buildResponse, parseRequest, type ReadRequest } from '../protocols/modbus/pdu.ts';
import { buildRtuFrame, RtuDeframer } from '../protocols/modbus/rtu-frame.ts';
import { buildTcpFrame, TcpDeframer } from '../protocols/modbus/tcp-frame.ts';
import { openPtyPair } from '../simulators/meters/pty-pair.ts';
import type { Random } from '../simulators/random.ts';

export interface SpoiledMeter {
  readonly link: Link;
  /** Replies that were not the one right answer in time. */
  spoiled(): number;
  close(): Promise<void>;
}

/** What every register of every unit holds: no two of one unit are alike, so that a foreign value shows. */
export function registersAt(
  unit: number,
  { address, count }: Pick<ReadRequest, 'address' | 'count'>,
): Buffer {
  const data = Buffer.alloc(count * 2);
  for (let i = 0; i < count; i += 1) data.writeUInt16BE((unit * 7919 + (address + i) * 31) & 0xffff, i * 2);
  return data;
}

interface Asked {
  unit: number;
  /** Whose registers answer; `unit` if not given. */
  slave?: number;
  transaction: number | null;
  request: ReadRequest;
}

/** Wrapped as an answer to `asked`, of whatever registers and unit. */
function reply(asked: Asked, change: Partial<Asked> = {}): Uint8Array {
  const { unit, slave = unit, transaction, request } = { ...asked, ...change };
  const pdu = buildResponse(request.functionCode, registersAt(slave, request));
  return transaction === null ? buildRtuFrame({ unit, pdu }) : buildTcpFrame({ transaction, unit, pdu });
}

interface Scene {
  asked: Asked;
  /** The right answer. */
  right: Uint8Array;
  /** The one to the request before. */
  previous: Uint8Array;
  timeoutMs: number;
  random: Random;
  send(...frames: Uint8Array[]): void;
  /** The same after a while. */
  later(ms: number, ...frames: Uint8Array[]): void;
}
type Spoiler = (scene: Scene) => void;

const DOUBLED_WITHIN_MS = 12;
const STALL_MS = 15;
const latency = ({ timeoutMs, random }: Scene): number => (timeoutMs * random.between(110, 160)) / 100;

const spoilers: Spoiler[] = [
  (scene) => scene.later(latency(scene), scene.right),
  (scene) => scene.later(latency(scene), scene.right, scene.right),
  ({ asked, send }) => send(reply(asked, { unit: (asked.unit % 3) + 1 })),
  ({ asked, right, send }) => send(reply(asked, { unit: (asked.unit % 3) + 1 }), right),
  ({ asked, send }) => send(reply(asked, { request: { ...asked.request, count: asked.request.count + 1 } })),
  ({ right, send }) => send(right, right),
  ({ previous, right, send }) => send(previous, right),
  ({ right, send, later, random }) => {
    send(right);
    later(random.between(1, DOUBLED_WITHIN_MS), right);
  },
  // Two slaves have one address.
  ({ asked, right, send }) => send(right, reply(asked, { slave: asked.unit + 100 })),
  ({ asked, right, send, later, random }) => {
    send(right);
    later(random.between(1, DOUBLED_WITHIN_MS), reply(asked, { slave: asked.unit + 100 }));
  },
  // The rest of an answer comes when its beginning is forgotten, and to another connection if there is one by then.
  (scene) => {
    const torn = scene.random.between(1, scene.right.length - 1);
    scene.send(scene.right.subarray(0, torn));
    scene.later(latency(scene), scene.right.subarray(torn));
  },
];
/** Only a transaction tells the answers to two reads of as many registers apart. */
const transactionSpoilers: Spoiler[] = [
  ({ previous, send }) => send(previous),
  ({ asked, send }) => send(reply(asked, { transaction: ((asked.transaction ?? 0) - 256) & 0xffff })),
  ({ asked, send }) => {
    const request = { ...asked.request, address: asked.request.address + 1 };
    send(reply(asked, { transaction: ((asked.transaction ?? 0) - 1) & 0xffff, request }));
  },
];

/** Every second reply on average is spoiled, as `random` says. @returns null where there are no pseudo terminals */
export async function startSpoiledMeter(
  kind: 'tcp' | 'rtu',
  { random, timeoutMs }: { random: Random; timeoutMs: number },
): Promise<SpoiledMeter | null> {
  const kinds = kind === 'tcp' ? [...spoilers, ...transactionSpoilers] : spoilers;
  let spoiled = 0;
  let closed = false;
  let previous: Uint8Array = new Uint8Array(0);
  const play = (asked: Asked, write: (bytes: Uint8Array) => void): void => {
    const right = reply(asked);
    const send = (...frames: Uint8Array[]): void => {
      if (!closed) write(Buffer.concat(frames));
    };
    const later = (ms: number, ...frames: Uint8Array[]): void => {
      const due = performance.now() + ms;
      // Meters do not stand still with this process: what it would send far too late is not sent.
      setTimeout(() => performance.now() < due + STALL_MS && send(...frames), ms);
    };
    const spoiler = kinds[random.between(0, 2 * kinds.length - 1)];
    if (spoiler === undefined || previous.length === 0) send(right);
    else {
      spoiled += 1;
      spoiler({ asked, right, previous, timeoutMs, random, send, later });
    }
    previous = right;
  };
  const hear =
    (deframer: TcpDeframer | RtuDeframer, write: (bytes: Uint8Array) => void) => (chunk: Buffer) => {
      for (const event of deframer.push(chunk)) {
        const parsed = event.ok ? parseRequest(event.pdu) : null;
        if (!event.ok || !parsed?.ok) throw new Error('the line sent what is no read');
        const transaction = 'transaction' in event ? event.transaction : null;
        play({ unit: event.unit, transaction, request: parsed.request }, write);
      }
    };
  const pty = kind === 'rtu' ? openPtyPair() : null;
  if (kind === 'rtu') {
    if (pty === null) return null;
    pty.onData(hear(new RtuDeframer('requests'), (bytes) => pty.write(bytes)) as (chunk: Uint8Array) => void);
    return {
      link: { kind: 'serial', path: pty.path, baudRate: 115_200, parity: 'none' },
      spoiled: () => spoiled,
      async close() {
        closed = true;
        pty.close();
      },
    };
  }
  const sockets = new Set<Socket>();
  // As a serial server does: late bytes go to whoever is connected by then.
  let current: Socket | null = null;
  const server = createServer({ noDelay: true }, (socket) => {
    current = socket;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on(
      'data',
      hear(new TcpDeframer(), (bytes) => void (current?.writable && current.write(bytes))),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    link: { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    spoiled: () => spoiled,
    async close() {
      closed = true;
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
