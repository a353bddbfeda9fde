/** `GET /api/v1/buses/{bus}/watch`: the live values of one meter as server-sent events, until the reader leaves. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { LiveRead } from '../../protocols/edge-api.ts';
import { Id } from '../../protocols/reading.ts';
import { openDriver } from '../drivers/open-driver.ts';
import { readFault } from '../line/live-fault.ts';
import { LiveLine } from '../line/live-line.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { sendEvents } from './event-lines.ts';
import { askedProfileOf, busOf, liveReadings, passwordAt } from './live-bus.ts';

/** Everything in a query is text: a unit id, or the digits printed on a meter. */
const unitText = z
  .string()
  .regex(/^(\d{1,5}|[0-9A-Fa-f]{8,32})$/)
  .transform((text) => (text.length <= 5 ? Number(text) : text));
const intervalText = z
  .string()
  .regex(/^[1-9]\d{0,3}$/)
  .transform(Number)
  .refine((seconds) => seconds <= 3600, 'at most 3600 seconds')
  .default(5);

export function watchRoutes(api: EdgeApi, context: EdgeApiContext): void {
  api.get(
    '/api/v1/buses/:bus/watch',
    {
      config: { reach: 'signed_in' },
      schema: {
        params: z.strictObject({ bus: Id }),
        querystring: z.strictObject({ unit: unitText, profile: Id, interval: intervalText }),
        produces: ['text/event-stream'],
      },
    },
    async ({ params: { bus: id }, query: { unit, profile: profileId, interval } }, reply) => {
      const bus = busOf(context, id);
      const profile = askedProfileOf(context, bus, { profile: profileId, unit });
      const driver = openDriver(profile, { unit, link: bus.link, password: passwordAt(bus, unit) });
      return sendEvents<LiveRead>(reply, 'events', async (send, signal) => {
        for (;;) {
          const startedAt = performance.now();
          const line = new LiveLine(bus.line, { signal });
          const read = await driver.read(line, { nowMs: context.nowMs, attempts: 1, pauses: true });
          if (signal.aborted) return;
          send({
            bus: bus.id,
            profile: profile.id,
            unit,
            requests: read.requests,
            waitedMilliseconds: line.waitedMilliseconds,
            readings: liveReadings(profile, read),
            fault: readFault(read, bus.link, profile.protocol),
          });
          const leftMs = Math.max(startedAt + interval * 1000 - performance.now(), 0);
          await sleep(leftMs, undefined, { signal });
        }
      });
    },
  );
}
