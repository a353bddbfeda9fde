/** Every refusal and fault leaves as one RFC 9457 problem document; the one table of them: code, HTTP status, title. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { EdgeApi } from './context.ts';

interface Refusal {
  status: number;
  title: { 'zh-CN': string; en: string };
}

const refusal = (status: number, zh: string, en: string): Refusal => ({
  status,
  title: { 'zh-CN': zh, en },
});

/** Listed, with what to do about each, in `edge/http/README.md`; a test compares the two. */
export const edgeRefusals = {
  invalid_request: refusal(400, '请求不符合格式', 'The request does not have the documented shape'),
  invalid_json: refusal(400, '请求体不是严格的 JSON', 'The body is not strict JSON'),
  unauthenticated: refusal(401, '需要登录', 'Sign in first'),
  wrong_password: refusal(401, '密码不正确', 'The password is wrong'),
  write_refused: refusal(403, '不向表计写入', 'Nothing is ever written to a meter'),
  cross_site: refusal(403, '拒绝来自其他网站的请求', 'A request from another site is refused'),
  foreign_host: refusal(403, '拒绝以其他主机名访问', 'Asked under a foreign host name'),
  not_found: refusal(404, '没有这个地址', 'There is nothing at this address'),
  unknown_bus: refusal(404, '没有这条总线', 'No such bus'),
  unknown_meter: refusal(404, '没有这块表', 'No such meter'),
  unknown_photo: refusal(404, '没有这张照片', 'No such photo'),
  unknown_profile: refusal(404, '没有这个表型', 'No such meter model'),
  bus_busy: refusal(409, '该总线上正在扫描或识别', 'Another search runs along this bus'),
  body_too_large: refusal(413, '请求体过大', 'The body is too large'),
  unsupported_media_type: refusal(415, '只接受 application/json', 'Only plain application/json is read'),
  wrong_unit: refusal(422, '地址与表型不符', 'A meter of this model cannot have this address here'),
  not_a_face: refusal(422, '不是表面读数', 'These are not the digits of a face'),
  evidence_refused: refusal(422, '证据未被接受', 'The evidence is refused'),
  too_many_attempts: refusal(429, '尝试次数过多，请稍后再试', 'Too many attempts: wait a while'),
  internal: refusal(500, '网关内部故障', 'A fault inside the gateway'),
  not_ready: refusal(503, '网关尚未就绪', 'The gateway is not ready'),
} as const satisfies Record<string, Refusal>;

export type EdgeErrorCode = keyof typeof edgeRefusals;

const CATALOGUE = 'https://meterline.dev/problems';

/** A refusal as a value to throw inside a request: the error handler turns it into a problem document. */
export class EdgeRefused extends Error {
  override readonly name = 'EdgeRefused';
  readonly code: EdgeErrorCode;
  constructor(code: EdgeErrorCode, detail = '') {
    super(detail);
    this.code = code;
  }
}

const languageOf = (request: FastifyRequest): 'zh-CN' | 'en' =>
  /^\s*zh\b/i.test(request.headers['accept-language'] ?? '') ? 'zh-CN' : 'en';

/** The refusals that fastify itself makes. */
const frameworkCodes: Record<string, EdgeErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_BAD_URL: 'not_found',
};

function refusalOf(error: FastifyError | EdgeRefused): { code: EdgeErrorCode; detail: string } {
  if (error instanceof EdgeRefused) return { code: error.code, detail: error.message };
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
  return { code: 'internal', detail: 'The fault is in the log of the gateway under this request id.' };
}

export function sendEdgeRefusal(
  error: FastifyError | EdgeRefused,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { code, detail } = refusalOf(error);
  if (code === 'internal')
    request.log.error({ err: error, route: request.routeOptions.url }, 'request failed');
  const { status, title } = edgeRefusals[code];
  request.edgeRefusal = code;
  return reply
    .status(status)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send({ type: `${CATALOGUE}/${code}`, title: title[languageOf(request)], status, code, detail });
}

export function answerWithProblems(api: EdgeApi): void {
  api.decorateRequest('edgeRefusal', null);
  api.setErrorHandler(sendEdgeRefusal);
  api.setNotFoundHandler((request, reply) => sendEdgeRefusal(new EdgeRefused('not_found'), request, reply));
}
