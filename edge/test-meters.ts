/** For tests: meters on a Modbus TCP or RTU-over-TCP socket, each an image of registers. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { buildException, buildResponse, ILLEGAL_ADDRESS, parseRequest } from '../protocols/modbus/pdu.ts';
import { buildRtuFrame, RtuDeframer } from '../protocols/modbus/rtu-frame.ts';
import { buildTcpFrame, TcpDeframer } from '../protocols/modbus/tcp-frame.ts';

/** Register words by function code and address, as hex: `{ 3: { 0x0048: '44bbf333' } }`. Other addresses are illegal. */
export type MeterImage = Partial<Record<3 | 4, Record<number, string>>>;

export interface TestMeters {
  port: number;
  /** The meters by unit; a unit that is not there is silent. May be changed at any time. */
  meters: Map<number, MeterImage>;
  /** Units in the order in which requests came. */
  requests: number[];
  /** How long each answer takes; may be changed at any time. */
  delayMilliseconds: number;
  /** How many connections were made. */
  connections(): number;
  /** Ends those that there are, and waits until the other side has ended them too. */
  endConnections(): Promise<void>;
  close(): Promise<void>;
}

export async function serveMeters(
  images: Record<number, MeterImage>,
  kind: 'tcp' | 'rtu-over-tcp' = 'tcp',
): Promise<TestMeters> {
  const served = new Map(Object.entries(images).map(([unit, image]) => [Number(unit), image]));
  const requests: number[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    connections += 1;
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    const deframer = kind === 'tcp' ? new TcpDeframer() : new RtuDeframer('requests');
    socket.on('data', (chunk: Buffer) => {
      for (const event of deframer.push(chunk)) {
        if (!event.ok) return void socket.destroy();
        requests.push(event.unit);
        const image = served.get(event.unit);
        if (image === undefined) continue;
        const pdu = answer(event.pdu, image);
        const frame =
          'transaction' in event
            ? buildTcpFrame({ ...event, pdu })
            : buildRtuFrame({ unit: event.unit, pdu });
        if (meters.delayMilliseconds === 0) socket.write(frame);
        else setTimeout(() => socket.write(frame), meters.delayMilliseconds);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const meters: TestMeters = {
    port: (server.address() as AddressInfo).port,
    meters: served,
    requests,
    delayMilliseconds: 0,
    connections: () => connections,
    endConnections: async () => {
      await Promise.all([...sockets].map((socket) => once(socket.end(), 'close')));
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return meters;
}

function answer(request: Uint8Array, image: MeterImage): Uint8Array {
  const parsed = parseRequest(request);
  if (!parsed.ok) return buildException(parsed.functionCode, parsed.exception);
  const { functionCode, address, count } = parsed.request;
  const words = new Map<number, string>();
  for (const [first, hex] of Object.entries(image[functionCode] ?? {})) {
    for (let i = 0; i * 4 < hex.length; i++) words.set(Number(first) + i, hex.slice(i * 4, i * 4 + 4));
  }
  const asked = Array.from({ length: count }, (_, i) => words.get(address + i));
  if (asked.includes(undefined)) return buildException(functionCode, ILLEGAL_ADDRESS);
  return buildResponse(functionCode, Buffer.from(asked.join(''), 'hex'));
}
