/** What the HTTP servers of gateway and service have in common: strict JSON, declared shapes, OpenAPI, deadlines, problems. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifySchema,
  LogController,
  type RawServerDefault,
} from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { z } from 'zod';
import { parseStrictJson } from '../protocols/strict-json.ts';
import { HttpRefused, type SendRefusal } from './http-problems.ts';

export type HttpApi = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export interface HttpServerOptions<Code extends string> {
  log: FastifyBaseLogger | undefined;
  /** A client that has not sent its whole request by then is cut off. */
  requestTimeoutMs: number;
  /** Whether what is open is cut when the server ends: answers that go on until their reader leaves. */
  cutsOpenAnswers: boolean;
  sendRefusal: SendRefusal<Code>;
  openApi: { title: string; description: string; bearer: string; cookie: string };
}

const bodyLimitBytes = 64 * 1024;

/** Without any route yet. */
export function openHttpServer<Code extends string>(options: HttpServerOptions<Code>): HttpApi {
  const { log, requestTimeoutMs, cutsOpenAnswers, sendRefusal } = options;
  const api: HttpApi = fastify({
    ...(log === undefined ? { logger: false } : { loggerInstance: log }),
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendRefusal,
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    ...(cutsOpenAnswers ? { forceCloseConnections: true } : {}),
    http: { headersTimeout: requestTimeoutMs - 2_000, connectionsCheckingInterval: 1_000 },
    routerOptions: { maxParamLength: 128 },
  }).withTypeProvider<ZodTypeProvider>();
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(serializerCompiler);
  describe(api, options.openApi);
  readStrictJson(api);
  api.decorateRequest('refusal', null);
  api.setErrorHandler(sendRefusal);
  api.setNotFoundHandler((request, reply) => sendRefusal(new HttpRefused('not_found'), request, reply));
  return api;
}

function describe(
  api: HttpApi,
  { title, description, bearer, cookie }: HttpServerOptions<string>['openApi'],
): void {
  api.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, version: '1', description },
      components: {
        securitySchemes: {
          [bearer]: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: cookie },
        },
      },
      security: [{ [bearer]: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
  });
}

function readStrictJson(api: HttpApi): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity')
      return done(new HttpRefused('unsupported_media_type', `content-encoding ${encoding} is not read`));
    const parsed = parseStrictJson(body as Buffer);
    if (parsed.ok) done(null, parsed.value);
    else done(new HttpRefused('invalid_json', parsed.detail));
  });
}

export const isWrite = (method: string): boolean => !['GET', 'HEAD', 'OPTIONS'].includes(method);

/** A route takes no query but the one it declares, and if it writes no body but that, or a file. */
export function declaredSchema(
  route: { method: string | string[]; schema?: FastifySchema },
  takesFile = false,
): FastifySchema {
  const schema = route.schema ?? {};
  const writes = !takesFile && [route.method].flat().every(isWrite);
  return {
    ...schema,
    querystring: schema.querystring ?? z.strictObject({}),
    ...(writes ? { body: schema.body ?? z.strictObject({}).nullish() } : {}),
  };
}
