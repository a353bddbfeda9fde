/** Every refusal and fault leaves as one RFC 9457 problem document; faults are logged here, once. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type ErrorCode, problem, Refused, refusals } from '../errors.ts';
import type { Api } from './context.ts';

const languageOf = (request: FastifyRequest): 'zh-CN' | 'en' =>
  /^\s*zh\b/i.test(request.headers['accept-language'] ?? '') ? 'zh-CN' : 'en';

function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ErrorCode,
  detail: string,
): FastifyReply {
  request.refusal = code;
  return reply
    .status(refusals[code].status)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(problem(code, detail, languageOf(request)));
}

/** The refusals that fastify itself makes. */
const frameworkCodes: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_BAD_URL: 'not_found',
};

function refusalOf(error: FastifyError | Refused): { code: ErrorCode; detail: string } {
  if (error instanceof Refused) return { code: error.code, detail: error.message };
  if (hasZodFastifySchemaValidationErrors(error)) {
    const detail = error.validation.map(({ instancePath, message }) => {
      const where = instancePath === '' ? error.validationContext : instancePath.slice(1);
      return `${where}: ${message}`;
    });
    return { code: 'invalid_request', detail: detail.join('; ') };
  }
  const code = frameworkCodes[error.code];
  if (code !== undefined) return { code, detail: error.message };
  // A client error of the HTTP layer that has no code of ours is still the client's.
  if (error.statusCode !== undefined && error.statusCode < 500)
    return { code: 'invalid_request', detail: error.message };
  return { code: 'internal', detail: 'The fault is in the log of the service under this request id.' };
}

export function sendRefusal(
  error: FastifyError | Refused,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { code, detail } = refusalOf(error);
  if (code === 'internal')
    request.log.error({ err: error, route: request.routeOptions.url }, 'request failed');
  return sendProblem(request, reply, code, detail);
}

export function answerWithProblems(api: Api): void {
  api.decorateRequest('refusal', null);
  api.setErrorHandler(sendRefusal);
  api.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, 'not_found', refusals.not_found.title.en),
  );
}
