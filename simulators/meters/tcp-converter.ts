/** A converter: one Modbus TCP socket with many meters behind it, told apart by their unit ids. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { buildException } from '../../protocols/modbus/pdu.ts';
import { buildTcpFrame, TcpDeframer } from '../../protocols/modbus/tcp-frame.ts';
import type { Answer } from './bus-meters.ts';

export interface TcpConverter {
  readonly port: number;
  /** Cuts all connections and refuses new ones, until `on`. */
  off(): Promise<void>;
  on(): Promise<void>;
  close(): Promise<void>;
}

/** The converter's own exception: the meter behind it does not answer. */
const TARGET_SILENT = 0x0b;

/** @param port 0 for any free one */
export async function startTcpConverter(answer: Answer, port = 0, host = '127.0.0.1'): Promise<TcpConverter> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const deframer = new TcpDeframer();
    socket.on('data', (chunk: Buffer) => {
      for (const event of deframer.push(chunk)) {
        if (!event.ok) return void socket.destroy();
        const { transaction, unit } = event;
        const pdu = answer(unit, event.pdu) ?? buildException(event.pdu[0] ?? 0, TARGET_SILENT);
        socket.write(buildTcpFrame({ transaction, unit, pdu }));
      }
    });
  });
  const listen = async (at: number): Promise<number> => {
    server.listen(at, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const bound = await listen(port);
  const off = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: bound,
    off,
    async on() {
      if (!server.listening) await listen(bound);
    },
    close: off,
  };
}
