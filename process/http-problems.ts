/** How the HTTP servers of gateway and service refuse: one table each of codes, and RFC 9457 problem documents made of it. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Problem, Wording } from '../protocols/api.ts';

export interface Refusal {
  status: number;
  title: Wording;
}

export const refusal = (status: number, zh: string, en: string): Refusal => ({
  status,
  title: { 'zh-CN': zh, en },
});

/** What a server finds out before any resource of it is asked. Stands in every table. */
export const commonRefusals = {
  invalid_request: refusal(400, '请求不符合格式', 'The request does not have the documented shape'),
  invalid_json: refusal(400, '请求体不是严格的 JSON', 'The body is not strict JSON'),
  not_found: refusal(404, '没有这个地址', 'There is nothing at this address'),
  body_too_large: refusal(413, '请求体过大', 'The body is too large'),
  unsupported_media_type: refusal(415, '只接受 application/json', 'Only plain application/json is read'),
} as const satisfies Record<string, Refusal>;
type CommonCode = keyof typeof commonRefusals | 'internal';

/** A refusal as a value to throw inside a request: the error handler turns it into a problem document. */
export class HttpRefused<Code extends string = CommonCode> extends Error {
  override readonly name: string = 'HttpRefused';
  readonly code: Code;
  constructor(code: Code, detail = '') {
    super(detail);
    this.code = code;
  }
}

/** Where the catalogue stands: `type` of a problem is this and the code. */
const CATALOGUE = 'https://meterline.dev/problems';

/** The document of a code; the title follows the reader's language. */
export function problemOf(
  code: string,
  { status, title }: Refusal,
  detail: string,
  language: keyof Wording,
): Problem {
  return { type: `${CATALOGUE}/${code}`, title: title[language], status, code, detail };
}

const languageOf = ({ headers }: FastifyRequest): keyof Wording =>
  /^\s*zh\b/i.test(headers['accept-language'] ?? '') ? 'zh-CN' : 'en';

/** The refusals that fastify itself makes. */
const frameworkCodes: Record<string, CommonCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_BAD_URL: 'not_found',
};

type Thrown<Code extends string> = FastifyError | HttpRefused<Code>;

function refusalOf<Code extends string>(error: Thrown<Code>): { code: Code | CommonCode; detail: string } {
  if (error instanceof HttpRefused) return { code: error.code, detail: error.message };
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
  return { code: 'internal', detail: 'The fault is in the log under this request id.' };
}

export type SendRefusal<Code extends string> = (
  error: Thrown<Code>,
  request: FastifyRequest,
  reply: FastifyReply,
) => FastifyReply;

/** Faults are logged here, once. */
export const refusalSender =
  <Code extends string>(table: Readonly<Record<Code | CommonCode, Refusal>>): SendRefusal<Code> =>
  (error, request, reply) => {
    const { code, detail } = refusalOf(error);
    if (code === 'internal')
      request.log.error({ err: error, route: request.routeOptions.url }, 'request failed');
    request.refusal = code;
    return reply
      .status(table[code].status)
      .type('application/problem+json')
      .serializer((value: unknown) => JSON.stringify(value))
      .send(problemOf(code, table[code], detail, languageOf(request)));
  };

declare module 'fastify' {
  interface FastifyRequest {
    /** The code it was refused with; null: it was not. */
    refusal: string | null;
  }
}
