/** For tests: a line to a server that answers each request as the test says. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { buildResponse, parseRequest } from '../../protocols/modbus/pdu.ts';
import { buildRtuFrame, RtuDeframer } from '../../protocols/modbus/rtu-frame.ts';
import { buildTcpFrame, TcpDeframer } from '../../protocols/modbus/tcp-frame.ts';
import type { Exchange as LineExchange } from './exchange.ts';
import { Line, type LineOptions } from './line.ts';

export const TIMEOUT_MS = 20;
export type Kind = 'tcp' | 'rtu-over-tcp';

/** The register at an address of a unit: no two are the same, so that a foreign value shows. */
export const registersAt = (unit: number, address: number, count: number): Uint8Array => {
  const data = new Uint8Array(count * 2);
  for (let i = 0; i < count; i++)
    new DataView(data.buffer).setUint16(i * 2, (unit * 7919 + (address + i) * 31) & 0xffff);
  return data;
};

/** What a request has to be answered with; `send` writes to the client that is there then, as a serial server does. */
export interface Exchange {
  /** The right answer, wrapped for unit and transaction. */
  frame(change?: { unit?: number; transaction?: number; pdu?: Uint8Array }): Uint8Array;
  pdu: Uint8Array;
  /** The request. */
  sent: Uint8Array;
  unit: number;
  socket: Socket;
  /** What was answered before, on RTU to another unit: of the same one, nothing tells it from the right answer. */
  previous: Uint8Array | null;
  send(bytes: Uint8Array): void;
}
export type Behaviour = (exchange: Exchange) => void;

export const concat = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);
/** A device does not stand still with this process: what would be later by far is not sent. */
export const late = (ms: number, act: () => void): void => {
  const due = performance.now() + ms;
  setTimeout(() => performance.now() < due + TIMEOUT_MS / 2 && act(), ms);
};

/** Does `act` when the answer has come, and been found good. */
export function whenAnswered<T>(exchange: LineExchange<T>, act: () => void): LineExchange<T> {
  return {
    ...exchange,
    take(chunk) {
      const taken = exchange.take(chunk);
      if (taken.state === 'answer') act();
      return taken;
    },
  };
}

/** Lets `use` have a line to a server that answers request number n as `choose(n)` says; closes both. */
export async function against<T>(
  kind: Kind,
  choose: (n: number) => Behaviour,
  use: (line: Line, port: number, server: Server) => Promise<T>,
  options: Partial<LineOptions> = {},
): Promise<T> {
  let current: Socket | null = null;
  /** The last answer to each unit, the newest at the end. */
  const answered = new Map<number, Uint8Array>();
  let n = 0;
  // What it sends is on its way then, and not when the line has acknowledged what came before.
  const server: Server = createServer({ noDelay: true }, (socket) => {
    current = socket;
    socket.on('error', () => undefined);
    const deframer = kind === 'tcp' ? new TcpDeframer() : new RtuDeframer('requests');
    socket.on('data', (chunk: Buffer) => {
      for (const event of deframer.push(chunk)) {
        if (!event.ok) throw new Error(`the line sent a frame with ${event.code}`);
        const parsed = parseRequest(event.pdu);
        if (!parsed.ok) throw new Error(`the line sent a request with ${parsed.code}`);
        const { functionCode, address, count } = parsed.request;
        const pdu = buildResponse(functionCode, registersAt(event.unit, address, count));
        const frame: Exchange['frame'] = (change) =>
          'transaction' in event
            ? buildTcpFrame({ ...event, pdu, ...change })
            : buildRtuFrame({ unit: event.unit, pdu, ...change });
        const send = (bytes: Uint8Array): void => void current?.write(bytes);
        const [, previous = null] =
          [...answered].findLast(([unit]) => kind === 'tcp' || unit !== event.unit) ?? [];
        choose(n++)({ frame, pdu, sent: chunk, unit: event.unit, socket, previous, send });
        answered.delete(event.unit);
        answered.set(event.unit, frame());
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const link = { kind, host: '127.0.0.1', port };
  const line = new Line({ link, timeoutMilliseconds: TIMEOUT_MS, ...options });
  try {
    return await use(line, port, server);
  } finally {
    await line.close();
    server.close();
  }
}
