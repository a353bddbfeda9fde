/** The gateway's own HTTP server: its API, its figures and its page for the LAN. One file per resource. */
import assert from 'node:assert/strict';
import type { FastifyBaseLogger } from 'fastify';
import { securityHeaders } from '../../process/http-pages.ts';
import { declaredSchema, openHttpServer } from '../../process/http-server.ts';
import { authenticate } from './authenticate.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { detectRoutes } from './detect.ts';
import { doctorRoutes } from './doctor.ts';
import { evidenceRoutes } from './evidence.ts';
import { importRoutes } from './import.ts';
import { pageRoutes } from './page.ts';
import { sendEdgeRefusal } from './problems.ts';
import { readRoutes } from './read.ts';
import { refuseWrites } from './refuse-writes.ts';
import { scanRoutes } from './scan.ts';
import { statusRoutes } from './status.ts';
import { watchRoutes } from './watch.ts';

/** A client that has not sent its whole request by then is cut off. */
const requestTimeoutMs = 10_000;

/** Every route says who may reach it, and takes no query or body but the one it declares. */
function requireDeclarations(api: EdgeApi): void {
  api.addHook('onRoute', (route) => {
    assert(
      route.config?.reach !== undefined,
      `${String(route.method)} ${route.url} does not say who may reach it`,
    );
    route.schema = declaredSchema(route, route.config.body === 'bytes');
  });
}

export type EdgeServerOptions = Omit<EdgeApiContext, 'liveWork'> & { log?: FastifyBaseLogger };

/** A server that is not yet listening: `inject` into it, or `listen` and `close` it. */
export async function buildEdgeServer({ log, ...options }: EdgeServerOptions): Promise<EdgeApi> {
  const context: EdgeApiContext = { ...options, liveWork: new Map() };
  const api = openHttpServer({
    log,
    requestTimeoutMs,
    cutsOpenAnswers: true,
    sendRefusal: sendEdgeRefusal,
    openApi: {
      title: 'Meterline gateway',
      description:
        'Quantities are decimal strings; instants RFC 3339; refusals RFC 9457 problems. Nothing is written to a meter.',
      bearer: 'password',
      cookie: 'meterline_edge',
    },
  });
  requireDeclarations(api);
  securityHeaders(api, 'data: blob:');
  await api.after();
  authenticate(api, context);
  refuseWrites(api);
  for (const add of [
    statusRoutes,
    readRoutes,
    scanRoutes,
    detectRoutes,
    watchRoutes,
    doctorRoutes,
    evidenceRoutes,
    importRoutes,
    pageRoutes,
  ])
    add(api, context);
  api.get('/api/openapi.json', { config: { reach: 'signed_in' }, schema: { hide: true } }, async () =>
    api.swagger(),
  );
  await api.ready();
  return api;
}
