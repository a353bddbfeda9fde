/** The staff app at `/`, the tenant page at `/s/:token`, and their scripts and styles. */
import { z } from 'zod';
import { sendAsset, sendPage } from '../../process/http-pages.ts';
import type { Api, ApiContext } from './context.ts';
import { statementOfToken } from './statement-links.ts';

export function pageRoutes(api: Api, context: ApiContext): void {
  const { pages } = context;
  if (pages === null) return;
  api.get('/', { config: { access: 'open' }, schema: { hide: true } }, (request, reply) =>
    sendPage(pages, '/index.html', request, reply),
  );
  api.get(
    '/s/:token',
    { config: { access: 'tenant' }, schema: { hide: true, params: z.strictObject({ token: z.string() }) } },
    async (request, reply) => {
      // The page itself says that the link is not valid; the status says it to whoever does not read it.
      if ((await statementOfToken(context, request.params.token)) === null) reply.status(404);
      return sendPage(pages, '/tenant.html', request, reply);
    },
  );
  api.get(
    '/assets/:name',
    { config: { access: 'open' }, schema: { hide: true, params: z.strictObject({ name: z.string() }) } },
    (request, reply) => sendAsset(pages, request.params.name, request, reply),
  );
}
