/** Meters behind a transparent converter, or on a serial line: bytes in, bytes out, as on the wire. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { openPtyPair } from './pty-pair.ts';

/** What meters say to what they hear. */
export type Hear = (chunk: Uint8Array) => Uint8Array[];

/** @param port 0 for any free one */
export async function startTransparentConverter(
  hear: Hear,
  port = 0,
  host = '127.0.0.1',
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      for (const frame of hear(chunk)) socket.write(frame);
    });
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Null where there are no pseudo terminals. */
export function startTransparentSerial(hear: Hear): { path: string; close(): void } | null {
  const pair = openPtyPair();
  pair?.onData((chunk) => {
    for (const frame of hear(chunk)) pair.write(frame);
  });
  return pair;
}
