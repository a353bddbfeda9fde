/** The page for the LAN at `/`: built with the other pages, served from memory, without anything from elsewhere. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { PageFile } from '../../built-pages.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { EdgeRefused } from './problems.ts';

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function securityHeaders(api: EdgeApi): void {
  api.addHook('onSend', async (_, reply, payload) => {
    reply
      .header('content-security-policy', contentSecurityPolicy)
      .header('x-content-type-options', 'nosniff')
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

function sendFile(request: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  reply.type(file.type).header('vary', 'accept-encoding');
  reply.header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-store');
  if (file.gzip === null || !/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? '')))
    return reply.send(file.body);
  return reply.header('content-encoding', 'gzip').send(file.gzip);
}

export function pageRoutes(api: EdgeApi, { pages }: EdgeApiContext): void {
  if (pages === null) return;
  api.get('/', { config: { reach: 'open' }, schema: { hide: true } }, async (request, reply) => {
    const file = await pages.file('/edge.html');
    if (file !== null) return sendFile(request, reply, file);
    return reply.status(503).header('refresh', '2').type('text/html').send(waitingPage);
  });
  api.get(
    '/assets/:name',
    { config: { reach: 'open' }, schema: { hide: true, params: z.strictObject({ name: z.string() }) } },
    async (request, reply) => {
      const file = await pages.file(`/assets/${request.params.name}`);
      if (file === null) throw new EdgeRefused('not_found');
      return sendFile(request, reply, file);
    },
  );
}
