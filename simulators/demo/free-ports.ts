/** Ports that nobody listens on just now, for processes whose addresses must be known before they start. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** All different: they are held together and let go together. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  for (const server of servers) {
    server.listen(0, host);
    await once(server, 'listening');
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports;
}
