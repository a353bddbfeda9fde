/**
 * `POST /api/v1/buses/{bus}/detect-register`: which registers of a meter, read in which way, give the digits on its face.
 * Told line by line; polling goes on between its requests, and whoever ends the connection ends it.
 */
import { z } from 'zod';
import { type DetectEvent, DetectRequest } from '../../protocols/edge-api.ts';
import { parseFace } from '../../protocols/modbus/find-decodings.ts';
import { Id } from '../../protocols/reading.ts';
import { MOST_SEARCHED, searchRegister, searchReport } from '../commissioning/search-register.ts';
import { lineFault } from '../line/live-fault.ts';
import { LiveLine } from '../line/live-line.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { sendEvents } from './event-lines.ts';
import { alone, busOf } from './live-bus.ts';
import { EdgeRefused } from './problems.ts';

export function detectRoutes(api: EdgeApi, context: EdgeApiContext): void {
  api.post(
    '/api/v1/buses/:bus/detect-register',
    {
      config: { reach: 'signed_in' },
      schema: {
        params: z.strictObject({ bus: Id }),
        body: DetectRequest,
        produces: ['application/x-ndjson'],
      },
    },
    async ({ params: { bus: id }, body }, reply) => {
      const bus = busOf(context, id);
      const face = parseFace(body.face);
      if (face === null)
        throw new EdgeRefused('not_a_face', 'digits such as 12345.67, with three that count');
      const { from = 0, to = 255 } = body;
      if (from > to || to - from >= MOST_SEARCHED)
        throw new EdgeRefused('invalid_request', `from..to: 1 to ${MOST_SEARCHED} registers`);
      const models = [...context.profiles.values()].filter((profile) => profile.protocol === 'modbus');
      const listed = bus.meters.find(({ unit }) => unit === body.unit);
      const likelyFirst = body.from === undefined && body.to === undefined;
      const profile = body.profile ?? listed?.profile ?? null;
      const search = { ...body, from, to, face, likelyFirst, profile };
      return alone(context, bus.id, 'detect', (end) =>
        sendEvents<DetectEvent>(reply, 'lines', async (send, signal) => {
          // Whoever leaves frees the bus for the next search at once: nothing more is asked for this one.
          signal.addEventListener('abort', end, { once: true });
          const line = new LiveLine(bus.line, { signal });
          try {
            const result = await searchRegister(line, search, models, {
              onRequest: (functionCode, address) => send({ type: 'progress', functionCode, address }),
            });
            const { waitedMilliseconds } = line;
            const fault = result.fault === null ? null : lineFault(result.fault, bus.link);
            send({ type: 'done', ...searchReport(search, result), waitedMilliseconds, fault });
          } finally {
            end();
          }
        }),
      );
    },
  );
}
