/** How gateway and service serve their pages: from memory, nothing from elsewhere, nothing inline. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageFile, Pages } from './built-pages.ts';
import { HttpRefused } from './http-problems.ts';
import type { HttpApi } from './http-server.ts';

/** uPlot, React and Preact set styles through the DOM, which this allows. @param images besides the server's own */
const contentSecurityPolicy = (images: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' ${images}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

export function securityHeaders(api: HttpApi, images: string): void {
  const policy = contentSecurityPolicy(images);
  api.addHook('onSend', async (_, reply, payload) => {
    reply
      .header('content-security-policy', policy)
      .header('x-content-type-options', 'nosniff')
      // An address may be a secret, as a tenant's is: it does not travel on.
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
<body><main><h1>Meterline</h1><p>页面正在准备，马上就好。</p><p lang="en">The page is being prepared. One moment.</p></main></body></html>
`;

/** A page that asks again by itself until it is built. */
export async function sendPage(
  pages: Pages,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const file = await pages.file(path);
  if (file !== null) return sendFile(request, reply, file);
  return reply
    .status(503)
    .header('retry-after', 2)
    .header('refresh', '2')
    .type('text/html')
    .send(waitingPage);
}

/** A script or a style. @throws HttpRefused `not_found` */
export async function sendAsset(
  pages: Pages,
  name: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const file = await pages.file(`/assets/${name}`);
  if (file === null) throw new HttpRefused('not_found');
  return sendFile(request, reply, file);
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  reply.type(file.type).header('vary', 'accept-encoding');
  reply.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-store');
  if (file.gzip === null || !/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? '')))
    return reply.send(file.body);
  return reply.header('content-encoding', 'gzip').send(file.gzip);
}
