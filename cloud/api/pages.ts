/** The staff app at `/`, the tenant page at `/s/:token`, and their scripts and styles. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { PageFile } from '../../built-pages.ts';
import type { Api, ApiContext } from './context.ts';
import { statementOfToken } from './statement-links.ts';

/** Everything from here, nothing from elsewhere, nothing inline. uPlot and React set styles through the DOM, which this allows. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function securityHeaders(api: Api): void {
  api.addHook('onSend', async (_, reply, payload) => {
    reply
      .header('content-security-policy', contentSecurityPolicy)
      .header('x-content-type-options', 'nosniff')
      // A tenant's address is a secret: it does not travel on.
      .header('referrer-policy', 'no-referrer')
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cross-origin-resource-policy', 'same-origin');
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    return payload;
  });
}

const waitingPage = `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>Meterline</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>Meterline</h1><p>页面正在准备，马上就好。</p><p lang="en">The pages are being prepared. One moment.</p></main></body></html>
`;

function sendFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  reply.type(file.type).header('vary', 'accept-encoding');
  reply.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-store');
  if (file.gzip === null || !/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? '')))
    return reply.send(file.body);
  return reply.header('content-encoding', 'gzip').send(file.gzip);
}

export function pageRoutes(api: Api, context: ApiContext): void {
  const { pages } = context;
  if (pages === null) return;
  const sendPage = async (request: FastifyRequest, reply: FastifyReply, path: string) => {
    const file = await pages.file(path);
    if (file !== null) return sendFile(request, reply, file);
    return reply
      .status(503)
      .header('retry-after', 2)
      .header('refresh', '2')
      .type('text/html')
      .send(waitingPage);
  };

  api.get('/', { config: { access: 'open' }, schema: { hide: true } }, (request, reply) =>
    sendPage(request, reply, '/index.html'),
  );
  api.get(
    '/s/:token',
    { config: { access: 'tenant' }, schema: { hide: true, params: z.strictObject({ token: z.string() }) } },
    async (request, reply) => {
      // The page itself says that the link is not valid; the status says it to whoever does not read it.
      if ((await statementOfToken(context, request.params.token)) === null) reply.status(404);
      return sendPage(request, reply, '/tenant.html');
    },
  );
  api.get(
    '/assets/:name',
    { config: { access: 'open' }, schema: { hide: true, params: z.strictObject({ name: z.string() }) } },
    async (request, reply) => {
      const file = await pages.file(`/assets/${request.params.name}`);
      return file === null ? reply.callNotFound() : sendFile(request, reply, file);
    },
  );
}
