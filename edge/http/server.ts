/** The gateway's own HTTP server: its API, its figures and its page for the LAN. One file per resource. */
import assert from 'node:assert/strict';
import fastifySwagger from '@fastify/swagger';
import fastify, { type FastifyBaseLogger, type FastifySchema, LogController } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseStrictJson } from '../../protocols/strict-json.ts';
import { authenticate } from './authenticate.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { detectRoutes } from './detect.ts';
import { doctorRoutes } from './doctor.ts';
import { evidenceRoutes } from './evidence.ts';
import { importRoutes } from './import.ts';
import { pageRoutes, securityHeaders } from './page.ts';
import { answerWithProblems, EdgeRefused, sendEdgeRefusal } from './problems.ts';
import { readRoutes } from './read.ts';
import { refuseWrites } from './refuse-writes.ts';
import { scanRoutes } from './scan.ts';
import { statusRoutes } from './status.ts';
import { watchRoutes } from './watch.ts';

const bodyLimitBytes = 64 * 1024;
/** A client that has not sent its whole request by then is cut off. */
const requestTimeoutMs = 10_000;

/** Every route says who may reach it, and takes no query or body but the one it declares. */
function requireDeclarations(api: EdgeApi): void {
  api.addHook('onRoute', (route) => {
    assert(
      route.config?.reach !== undefined,
      `${String(route.method)} ${route.url} does not say who may reach it`,
    );
    const schema: FastifySchema = route.schema ?? {};
    const writes = [route.method].flat().every((method) => !['GET', 'HEAD', 'OPTIONS'].includes(method));
    route.schema = {
      ...schema,
      querystring: schema.querystring ?? z.strictObject({}),
      ...(writes && route.config.body !== 'bytes'
        ? { body: schema.body ?? z.strictObject({}).nullish() }
        : {}),
    };
  });
}

function readStrictJson(api: EdgeApi): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity')
      return done(new EdgeRefused('unsupported_media_type', `content-encoding ${encoding} is not read`));
    const parsed = parseStrictJson(body as Buffer);
    if (parsed.ok) done(null, parsed.value);
    else done(new EdgeRefused('invalid_json', parsed.detail));
  });
}

function describe(api: EdgeApi): void {
  api.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Meterline gateway',
        version: '1',
        description:
          'Quantities are decimal strings; instants RFC 3339; refusals RFC 9457 problems. Nothing is written to a meter.',
      },
      components: {
        securitySchemes: {
          password: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'meterline_edge' },
        },
      },
      security: [{ password: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
  });
}

export type EdgeServerOptions = Omit<EdgeApiContext, 'liveWork'> & { log?: FastifyBaseLogger };

/** A server that is not yet listening: `inject` into it, or `listen` and `close` it. */
export async function buildEdgeServer({ log, ...options }: EdgeServerOptions): Promise<EdgeApi> {
  const context: EdgeApiContext = { ...options, liveWork: new Map() };
  const api: EdgeApi = fastify({
    ...(log === undefined ? { logger: false } : { loggerInstance: log }),
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => sendEdgeRefusal(error, request, reply),
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    http: { headersTimeout: requestTimeoutMs - 2_000, connectionsCheckingInterval: 1_000 },
    routerOptions: { maxParamLength: 128 },
  }).withTypeProvider<ZodTypeProvider>();
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(serializerCompiler);
  describe(api);
  readStrictJson(api);
  answerWithProblems(api);
  requireDeclarations(api);
  securityHeaders(api);
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
