/** Puts the API together: one file per resource, the same checks for all of them. */

import assert from 'node:assert/strict';
import type { FastifyBaseLogger } from 'fastify';
import pino from 'pino';
import { securityHeaders } from '../../process/http-pages.ts';
import { refusalSender } from '../../process/http-problems.ts';
import { declaredSchema, openHttpServer } from '../../process/http-server.ts';
import { parseStrictJson } from '../../protocols/strict-json.ts';
import { systemClock } from '../clock.ts';
import { unpack } from '../decode-batch.ts';
import { type ErrorCode, Refused, refusals } from '../errors.ts';
import { createIntake } from '../take-batch.ts';
import { anomalyRoutes } from './anomalies.ts';
import { audit } from './audit.ts';
import { authenticate, SESSION_COOKIE } from './authenticate.ts';
import { batchRoutes } from './batches.ts';
import { billingRunRoutes } from './billing-runs.ts';
import { billingTermsRoutes } from './billing-terms.ts';
import { chargeRoutes } from './charges.ts';
import type { Api, ApiContext } from './context.ts';
import { creditRoutes } from './credits.ts';
import { disputeRoutes } from './disputes.ts';
import { enrolmentRoutes } from './enrolments.ts';
import { gatewayMeterRoutes } from './gateway-meters.ts';
import { gatewayRoutes } from './gateways.ts';
import { healthRoutes } from './health.ts';
import { honourIdempotencyKeys } from './idempotency.ts';
import { issuerRoutes } from './issuer.ts';
import { jobRoutes } from './jobs.ts';
import { keyRoutes } from './keys.ts';
import { ledgerRoutes } from './ledger.ts';
import { meterRoutes } from './meters.ts';
import { pageRoutes } from './pages.ts';
import { quarantineRoutes } from './quarantine.ts';
import { sessionRoutes } from './session.ts';
import { statementPdfRoutes } from './statement-pdf.ts';
import { statementRoutes } from './statements.ts';
import { tenantRoutes } from './tenant.ts';
import { treeRoutes } from './tree.ts';
import { answerUnchanged } from './weak-etag.ts';
import { webhookRoutes } from './webhooks.ts';

type Needed = 'store' | 'park' | 'clock' | 'jobs' | 'statementToken';
export type ServerOptions = Pick<ApiContext, Needed> &
  Partial<Omit<ApiContext, Needed>> & { log?: FastifyBaseLogger };

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
    route.schema = declaredSchema(route);
  });
}

function readZstd(api: Api): void {
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

/**
 * A server that is not yet listening: `inject` into it, or `listen` and `close` it.
 * `wallClock` defaults to the machine's; `pages` to none, `adminKey` to none.
 */
export async function buildServer({ log, ...options }: ServerOptions): Promise<Api> {
  const context: ApiContext = {
    wallClock: systemClock(),
    adminKey: null,
    enrolment: null,
    rotateKey: () => Promise.reject(new Refused('not_found')),
    publicUrl: null,
    allowPrivateWebhooks: false,
    brokerCounters: null,
    sendConfig: () => undefined,
    silentMs: () => 0,
    intake: createIntake({ ...options, log: log ?? pino({ level: 'silent' }) }),
    intervalMinutes: 15,
    pages: null,
    secureCookies: false,
    ...options,
  };
  const api = openHttpServer({
    log,
    requestTimeoutMs,
    cutsOpenAnswers: false,
    sendRefusal: refusalSender<ErrorCode>(refusals),
    openApi: {
      title: 'Meterline',
      description: 'Quantities and money are decimal strings; instants RFC 3339; refusals RFC 9457 problems.',
      bearer: 'key',
      cookie: SESSION_COOKIE,
    },
  });
  readZstd(api);
  requireDeclarations(api);
  authenticate(api, context);
  honourIdempotencyKeys(api, context);
  answerUnchanged(api);
  securityHeaders(api, 'data:');
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
    billingTermsRoutes,
    statementRoutes,
    statementPdfRoutes,
    ledgerRoutes,
    disputeRoutes,
    creditRoutes,
    webhookRoutes,
    issuerRoutes,
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
