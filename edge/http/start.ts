/** Opens the gateway's HTTP server as the configuration says. */
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { dashboardPages } from '../../process/built-pages.ts';
import { sameSecret, verifyPassword } from '../../process/secrets.ts';
import type { HttpConfig } from '../config.ts';
import type { GatewayView } from '../gateway-view.ts';
import type { Profiles } from '../profiles.ts';
import type { EdgeApiContext } from './context.ts';
import { buildEdgeServer } from './server.ts';

export interface EdgeServer {
  url: string;
  close(): Promise<void>;
}

export interface StartOptions {
  http: HttpConfig;
  gateway: GatewayView;
  profiles: Profiles;
  nowMs: () => number;
  importList: EdgeApiContext['importList'];
  log: Logger;
}

/** @throws Error when the port is taken */
export async function startEdgeServer({ http, log, ...context }: StartOptions): Promise<EdgeServer> {
  const api = await buildEdgeServer({
    ...context,
    verifyPassword: passwordCheck(http),
    pages: dashboardPages((error) => log.error({ err: error }, 'the page cannot be built'), 'edge.html'),
    log,
  });
  await api.listen({ host: http.host, port: http.port });
  const { port } = api.server.address() as AddressInfo;
  const host = http.host.includes(':') ? `[${http.host}]` : http.host;
  return {
    url: `http://${host}:${port}`,
    async close() {
      await api.close();
    },
  };
}

function passwordCheck({ password, passwordHash }: HttpConfig) {
  if (password !== undefined) return async (given: string) => sameSecret(given, password);
  return passwordHash === undefined ? null : (given: string) => verifyPassword(given, passwordHash);
}
