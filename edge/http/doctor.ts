/** `GET /api/v1/doctor`: what is wrong with this gateway's buses, outbox and uplink, found through its own lines. */
import { z } from 'zod';
import { EdgeFinding } from '../../protocols/edge-api.ts';
import type { Finding } from '../../protocols/finding.ts';
import { examineMeters } from '../commissioning/doctor.ts';
import { LiveLine } from '../line/live-line.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';

export function doctorRoutes(api: EdgeApi, context: EdgeApiContext): void {
  const { gateway, profiles, nowMs } = context;
  api.get(
    '/api/v1/doctor',
    {
      config: { reach: 'signed_in' },
      schema: { response: { 200: z.strictObject({ ok: z.boolean(), findings: z.array(EdgeFinding) }) } },
    },
    async () => {
      const buses = gateway.status().buses.flatMap(({ bus }) => gateway.bus(bus) ?? []);
      const examined = await Promise.all(
        buses.map((bus) => examineMeters(new LiveLine(bus.line), bus, profiles, nowMs)),
      );
      const findings = [...examined.flat(), examineUplink(context), examineOutbox(context)];
      return { ok: findings.every(({ state }) => state !== 'wrong'), findings };
    },
  );
}

function examineUplink({ gateway }: EdgeApiContext): Finding {
  const { online, lastReceiptAt } = gateway.status();
  const last = lastReceiptAt === null ? 'no receipt yet' : `last receipt ${lastReceiptAt}`;
  if (online) return { check: 'uplink', state: 'ok', detail: `connected; ${last}` };
  const next = 'see the log for the reason: address, credential, or a broker that is away';
  return { check: 'uplink', state: 'wrong', detail: `not connected; ${last}`, next };
}

function examineOutbox({ gateway }: EdgeApiContext): Finding {
  const { rows, bytes, refused } = gateway.buffer();
  const detail = `${rows} rows wait, ${bytes} bytes`;
  if (refused === 0) return { check: 'outbox', state: 'ok', detail };
  const next = 'the buffer was full: restore the uplink, or give it more room (outbox.maxBytes)';
  return { check: 'outbox', state: 'wrong', detail: `${detail}; ${refused} readings refused`, next };
}
