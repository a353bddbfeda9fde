/** An answer that tells what happens while it happens: JSON lines, or server-sent events. It ends when the reader leaves. */
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';

const forms = {
  lines: { type: 'application/x-ndjson', text: (event: unknown) => `${JSON.stringify(event)}\n` },
  events: { type: 'text/event-stream', text: (event: unknown) => `data: ${JSON.stringify(event)}\n\n` },
};

/** @param work ends early when its signal says that nobody reads any more */
export function sendEvents<E>(
  reply: FastifyReply,
  form: keyof typeof forms,
  work: (send: (event: E) => void, signal: AbortSignal) => Promise<void>,
): FastifyReply {
  const { type, text } = forms[form];
  const body = new PassThrough();
  const leaving = new AbortController();
  reply.raw.once('close', () => leaving.abort());
  work((event) => void (leaving.signal.aborted || body.write(text(event))), leaving.signal).then(
    () => body.end(),
    (error: unknown) => {
      if (!leaving.signal.aborted) reply.log.error({ err: error }, 'live work failed');
      body.destroy();
    },
  );
  // A proxy that gathers what is small would hold it back.
  return reply
    .type(type)
    .header('x-accel-buffering', 'no')
    .serializer((value: unknown) => String(value))
    .send(body);
}
