/** One hostile device on a socket or a pseudo terminal: it plays the turns of a behaviour until it is told to behave. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RtuDeframer } from '../../protocols/modbus/rtu-frame.ts';
import { TcpDeframer } from '../../protocols/modbus/tcp-frame.ts';
import { openPtyPair } from '../meters/pty-pair.ts';
import type { Behaviour, Step, Transport } from './behaviour.ts';
import { answerFrame, echoFrame, type HeardRequest } from './hostile-frames.ts';

export interface HostileMeter {
  /** Where it is reached: a port of 127.0.0.1, or a device file. */
  readonly port: number;
  readonly path: string;
  /** From now on it does what a meter should. */
  behave(): Promise<void>;
  close(): Promise<void>;
}

/** Where bytes go: the client that is there when they are sent. */
interface Outlet {
  write(bytes: Uint8Array): void;
  end(how: 'fin' | 'rst'): void;
}

const IDLE_MS = 30;

/** @returns null where this platform has no pseudo terminals */
export async function startHostileMeter(
  behaviour: Behaviour,
  transport: Transport,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<HostileMeter | null> {
  const player = new Player(behaviour);
  return transport === 'rtu' ? onTerminal(player) : onSocket(player, behaviour, { transport, host, port });
}

/** Plays the turns, one request after the other, whatever comes meanwhile. */
class Player {
  readonly #behaviour: Behaviour;
  #behaving = false;
  #turn = 0;
  #held: Uint8Array = new Uint8Array(0);
  #previous: Uint8Array = new Uint8Array(0);

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
  }

  get behaving(): boolean {
    return this.#behaving;
  }

  behave(): void {
    this.#behaving = true;
  }

  async play(heard: HeardRequest, outlet: Outlet): Promise<void> {
    const { turns } = this.#behaviour;
    const steps: Step[] = this.#behaving ? ['answer'] : (turns[this.#turn++ % turns.length] ?? []);
    const previous = this.#previous;
    this.#previous = answerFrame(heard);
    let segment: Uint8Array[] = [];
    let gapMs = 0;
    const flush = async (): Promise<void> => {
      const bytes = Buffer.concat(segment);
      segment = [];
      if (gapMs === 0) return bytes.length > 0 ? outlet.write(bytes) : undefined;
      for (let at = 0; at < bytes.length; at += 1) {
        outlet.write(bytes.subarray(at, at + 1));
        await sleep(gapMs);
      }
    };
    for (const step of steps) {
      if (step === 'hold') this.#held = answerFrame(heard);
      else if (step === 'fin' || step === 'rst') {
        await flush();
        outlet.end(step);
      } else if (typeof step === 'object' && 'byteGapMilliseconds' in step) gapMs = step.byteGapMilliseconds;
      else if (typeof step === 'object' && !('answer' in step) && !('raw' in step)) {
        await flush();
        await sleep(waitOf(step, this.#behaviour));
      } else segment.push(bytesOf(step, heard, { held: this.#held, previous }));
    }
    await flush();
  }
}

const waitOf = (
  step: { waitMilliseconds: number } | { waitTimeouts: number },
  { timeoutMilliseconds }: Behaviour,
): number => ('waitTimeouts' in step ? step.waitTimeouts * timeoutMilliseconds : step.waitMilliseconds);

type Sending = 'answer' | 'echo' | 'held' | 'previous' | Extract<Step, { answer: object } | { raw: string }>;

function bytesOf(
  step: Sending,
  heard: HeardRequest,
  kept: { held: Uint8Array; previous: Uint8Array },
): Uint8Array {
  switch (step) {
    case 'answer':
      return answerFrame(heard);
    case 'echo':
      return echoFrame(heard);
    case 'held':
    case 'previous':
      return kept[step];
    default:
      return 'raw' in step ? Buffer.from(step.raw, 'hex') : answerFrame(heard, step.answer);
  }
}

function onTerminal(player: Player): HostileMeter | null {
  const pair = openPtyPair();
  if (pair === null) return null;
  const deframer = new RtuDeframer('requests');
  let closed = false;
  const outlet: Outlet = { write: (bytes) => !closed && pair.write(bytes), end: () => undefined };
  pair.onData((chunk) => {
    for (const event of deframer.push(chunk))
      if (event.ok) void player.play({ ...event, transaction: null }, outlet);
  });
  return {
    port: 0,
    path: pair.path,
    behave: async () => player.behave(),
    async close() {
      closed = true;
      pair.close();
    },
  };
}

async function onSocket(
  player: Player,
  { connection }: Behaviour,
  { transport, host, port }: { transport: Transport; host: string; port: number },
): Promise<HostileMeter> {
  const sockets = new Set<Socket>();
  let current: Socket | null = null;
  // A serial server sends what comes late to whoever is there by then; a meter of Modbus TCP to whoever asked.
  const outletFor = (asker: Socket): Outlet => {
    const socket = (): Socket => (transport === 'tcp' ? asker : (current ?? asker));
    return {
      write: (bytes) => void (socket().writable && socket().write(bytes)),
      end: (how) => void (how === 'fin' ? socket().end() : socket().resetAndDestroy()),
    };
  };
  const server: Server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    const turnedAway = connection === 'closed_at_once' || (connection === 'one_client' && sockets.size > 0);
    if (turnedAway && !player.behaving) return void socket.resume().end();
    sockets.add(socket);
    current = socket;
    socket.on('close', () => sockets.delete(socket));
    if (connection === 'closed_when_idle') socket.setTimeout(IDLE_MS, () => !player.behaving && socket.end());
    const deframer = transport === 'tcp' ? new TcpDeframer() : new RtuDeframer('requests');
    socket.on('data', (chunk: Buffer) => {
      for (const event of deframer.push(chunk))
        if (event.ok) void player.play({ transaction: null, ...event }, outletFor(socket));
    });
  });
  const listen = async (at: number): Promise<number> => {
    server.listen(at, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  const bound = await listen(port);
  if (connection === 'refused') await close();
  return {
    port: bound,
    path: '',
    async behave() {
      player.behave();
      if (!server.listening) await listen(bound);
    },
    close,
  };
}
