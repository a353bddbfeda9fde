/** The page for the LAN at `/`: built with the other pages, served from memory, without anything from elsewhere. */
import { z } from 'zod';
import { sendAsset, sendPage } from '../../process/http-pages.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';

export function pageRoutes(api: EdgeApi, { pages }: EdgeApiContext): void {
  if (pages === null) return;
  api.get('/', { config: { reach: 'open' }, schema: { hide: true } }, (request, reply) =>
    sendPage(pages, '/edge.html', request, reply),
  );
  api.get(
    '/assets/:name',
    { config: { reach: 'open' }, schema: { hide: true, params: z.strictObject({ name: z.string() }) } },
    (request, reply) => sendAsset(pages, request.params.name, request, reply),
  );
}
