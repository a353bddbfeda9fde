/** Weak validators: a curve that has not changed is answered with 304 and no body. */
import { digestOf } from '../../process/secrets.ts';
import type { Api } from './context.ts';

export function answerUnchanged(api: Api): void {
  api.addHook('onSend', async (request, reply, payload) => {
    if (request.routeOptions.config.weakEtag !== true || reply.statusCode !== 200) return payload;
    if (typeof payload !== 'string') return payload;
    const etag = `W/"${digestOf(payload).slice(0, 24)}"`;
    reply.header('etag', etag).header('cache-control', 'private, no-cache');
    const known = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim());
    if (!known.includes(etag)) return payload;
    reply.status(304).removeHeader('content-type');
    return '';
  });
}
