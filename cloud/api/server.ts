/** Puts the API together: one file per resource, the same checks for all of them. */

import assert from 'node:assert/strict';
import fastifySwagger from '@fastify/swagger';
import fastify, { type FastifyBaseLogger, type FastifySchema, LogController } from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import pino from 'pino';
import { z } from 'zod';
import { parseStrictJson } from '../../protocols/strict-json.ts';
import { systemClock } from '../clock.ts';
import { unpack } from '../decode-batch.ts';
import { Refused } from '../errors.ts';
import { createIntake } from '../take-batch.ts';
import { anomalyRoutes } from './anomalies.ts';
import { audit } from './audit.ts';
import { authenticate, isWrite } from './authenticate.ts';
import { batchRoutes } from './batches.ts';
import { billingRunRoutes } from './billing-runs.ts';
import { chargeRoutes } from './charges.ts';
import type { Api, ApiContext } from './context.ts';
import { enrolmentRoutes } from './enrolments.ts';
import { gatewayMeterRoutes } from './gateway-meters.ts';
import { gatewayRoutes } from './gateways.ts';
import { healthRoutes } from './health.ts';
import { honourIdempotencyKeys } from './idempotency.ts';
import { jobRoutes } from './jobs.ts';
import { keyRoutes } from './keys.ts';
import { meterRoutes } from './meters.ts';
import { pageRoutes, securityHeaders } from './pages.ts';
import { answerWithProblems, sendRefusal } from './problems.ts';
import { quarantineRoutes } from './quarantine.ts';
import { sessionRoutes } from './session.ts';
import { statementRoutes } from './statements.ts';
import { tenantRoutes } from './tenant.ts';
import { treeRoutes } from './tree.ts';
import { answerUnchanged } from './weak-etag.ts';

type Needed = 'store' | 'park' | 'clock' | 'jobs' | 'statementToken';
export type ServerOptions = Pick<ApiContext, Needed> &
  Partial<Omit<ApiContext, Needed>> & { log?: FastifyBaseLogger };

const bodyLimitBytes = 64 * 1024;
/** A client that has not sent its whole request by then is cut off, so that a thousand of them are gone in ten seconds. */
const requestTimeoutMs = 6_000;

/** Every route says who may use it, and takes no query or body but the one it declares. The list of them is kept. */
function requireDeclarations(api: Api): void {
  const declared: Api['declaredRoutes'][number][] = [];
  api.decorate('declaredRoutes', declared);
  api.addHook('onRoute', (route) => {
    const access = route.config?.access;
    assert(access !== undefined, `${String(route.method)} ${route.url} does not say who may use it`);
    declared.push({ method: String(route.method), url: route.url, access });
    const schema: FastifySchema = route.schema ?? {};
    const methods = [route.method].flat();
    route.schema = {
      ...schema,
      querystring: schema.querystring ?? z.strictObject({}),
      ...(methods.every(isWrite) ? { body: schema.body ?? z.strictObject({}).nullish() } : {}),
    };
  });
}

function readStrictJson(api: Api): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity')
      return done(new Refused('unsupported_media_type', `content-encoding ${encoding} is not read`));
    const parsed = parseStrictJson(body as Buffer);
    if (parsed.ok) done(null, parsed.value);
    else done(new Refused('invalid_json', parsed.detail));
  });
  api.addContentTypeParser('application/zstd', { parseAs: 'buffer' }, (request, body, done) => {
    if (request.routeOptions.config.zstd !== true) return done(new Refused('unsupported_media_type'));
    const unpacked = unpack(body as Buffer);
    if (!unpacked.ok) {
      const code = unpacked.code === 'batch_too_large' ? 'body_too_large' : 'not_a_batch';
      return done(new Refused(code, `${unpacked.code}: ${unpacked.detail}`));
    }
    const parsed = parseStrictJson(unpacked.bytes);
    if (parsed.ok) done(null, parsed.value);
    else done(new Refused('invalid_json', parsed.detail));
  });
}

function describe(api: Api): void {
  api.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Meterline',
        version: '1',
        description:
          'Quantities and money are decimal strings; instants RFC 3339; refusals RFC 9457 problems.',
      },
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'meterline_session' },
        },
      },
      security: [{ key: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
  });
}

/**
 * A server that is not yet listening: `inject` into it, or `listen` and `close` it.
 * `wallClock` defaults to the machine's; `pages` to none, `adminKey` to none.
 */
export async function buildServer({ log, ...options }: ServerOptions): Promise<Api> {
  const context: ApiContext = {
    wallClock: systemClock(),
    adminKey: null,
    enrolment: null,
    brokerCounters: null,
    sendConfig: () => undefined,
    intake: createIntake({ ...options, log: log ?? pino({ level: 'silent' }) }),
    intervalMinutes: 15,
    pages: null,
    secureCookies: false,
    ...options,
  };
  const api: Api = fastify({
    ...(log === undefined ? { logger: false } : { loggerInstance: log }),
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => sendRefusal(error, request, reply),
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    http: { headersTimeout: requestTimeoutMs - 2_000, connectionsCheckingInterval: 1_000 },
    routerOptions: { maxParamLength: 128 },
  }).withTypeProvider<ZodTypeProvider>();
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(serializerCompiler);
  describe(api);
  readStrictJson(api);
  answerWithProblems(api);
  requireDeclarations(api);
  authenticate(api, context);
  honourIdempotencyKeys(api, context);
  answerUnchanged(api);
  securityHeaders(api);
  audit(api, context);
  await api.after();

  const resources = [
    sessionRoutes,
    keyRoutes,
    healthRoutes,
    meterRoutes,
    treeRoutes,
    anomalyRoutes,
    chargeRoutes,
    billingRunRoutes,
    statementRoutes,
    jobRoutes,
    gatewayRoutes,
    batchRoutes,
    gatewayMeterRoutes,
    enrolmentRoutes,
    quarantineRoutes,
    tenantRoutes,
    pageRoutes,
  ];
  for (const add of resources) add(api, context);
  api.get('/api/openapi.json', { config: { access: 'signed_in' }, schema: { hide: true } }, async () =>
    api.swagger(),
  );
  await api.ready();
  return api;
}
