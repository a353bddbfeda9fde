/**
 * Nothing here writes to a meter: whoever asks for it is told so, before anything else of the request is looked at. The
 * polling has no such function either: `protocols/modbus/pdu.ts` builds 3 and 4 only.
 */
import { z } from 'zod';
import type { EdgeApi } from './context.ts';
import { EdgeRefused } from './problems.ts';

/** Write coil, register, coils, registers; mask write; read and write at once. */
const WRITE_FUNCTIONS = new Set([5, 6, 15, 16, 22, 23]);

/** Keys under which a request may name the Modbus function it wants. */
const NAMES = ['functionCode', 'function', 'fc', 'functionCodes'];

function namesWrite(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const asked = NAMES.flatMap((name) => (body as Record<string, unknown>)[name] ?? []);
  return asked.some((code) => WRITE_FUNCTIONS.has(Number(code)));
}

async function refuseWrite(): Promise<never> {
  throw new EdgeRefused('write_refused');
}

export function refuseWrites(api: EdgeApi): void {
  api.addHook('preValidation', async (request) => {
    if (namesWrite(request.body)) throw new EdgeRefused('write_refused');
  });
  for (const url of ['/api/v1/buses/:bus/write', '/api/v1/buses/:bus/write/'])
    api.route({
      method: ['POST', 'PUT', 'PATCH', 'DELETE'],
      url,
      config: { reach: 'signed_in' },
      schema: { hide: true, params: z.unknown(), body: z.unknown() },
      // Before the body, of whatever type it is.
      onRequest: refuseWrite,
      handler: refuseWrite,
    });
}
