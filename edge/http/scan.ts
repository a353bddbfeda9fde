/**
 * `POST /api/v1/buses/{bus}/scan`: who answers on a bus, told line by line while it is found out. Polling goes on between
 * its requests, and whoever ends the connection ends the scan.
 */
import { z } from 'zod';
import { type AddressSearch, type ScanEvent, ScanRequest } from '../../protocols/edge-api.ts';
import { Id } from '../../protocols/reading.ts';
import { ScanEta } from '../commissioning/scan-eta.ts';
import { type FoundMeter, scanReport, scanUnits } from '../commissioning/scan-units.ts';
import { modelsToSearch, searchAddresses } from '../commissioning/search-addresses.ts';
import type { MeterUnit } from '../line/exchange.ts';
import { asLineFault, lineFault } from '../line/live-fault.ts';
import { LiveLine } from '../line/live-line.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { sendEvents } from './event-lines.ts';
import { alone, busOf } from './live-bus.ts';

const LAST_UNIT = 247;

/** Those that the bus lists, then all others. */
function everyUnit(listed: readonly (number | string)[]): number[] {
  const all = Array.from({ length: LAST_UNIT }, (_, at) => at + 1);
  const first = new Set(listed);
  return [...all.filter((unit) => first.has(unit)), ...all.filter((unit) => !first.has(unit))];
}

export function scanRoutes(api: EdgeApi, context: EdgeApiContext): void {
  api.post(
    '/api/v1/buses/:bus/scan',
    {
      config: { reach: 'signed_in' },
      schema: { params: z.strictObject({ bus: Id }), body: ScanRequest, produces: ['application/x-ndjson'] },
    },
    async ({ params: { bus: id }, body }, reply) => {
      const bus = busOf(context, id);
      const listed = new Set(bus.meters.map(({ unit }) => unit));
      const units = body.units ?? everyUnit([...listed]);
      const models = [...context.profiles.values()].filter((profile) => profile.protocol === 'modbus');
      const { timeoutMilliseconds } = body;
      return alone(context, bus.id, 'scan', (end) =>
        sendEvents<ScanEvent>(reply, 'lines', async (send, signal) => {
          // Whoever leaves frees the bus for the next search at once: nothing more is asked for this one.
          signal.addEventListener('abort', end, { once: true });
          // A meter that is polled keeps the patience of its bus: a late answer of it must meet no poll.
          const patience = (unit: MeterUnit) =>
            listed.has(unit) ? {} : { timeoutMilliseconds, worstReplyMilliseconds: 0 };
          const line = new LiveLine(bus.line, { patience, signal });
          try {
            send({ type: 'start', units, polling: 'goes_on' });
            let found = 0;
            const onFound = (meter: FoundMeter): void => {
              found += 1;
              send({ type: 'found', meter: scanReport(meter) });
            };
            const eta = new ScanEta(units, (unit) => listed.has(unit), timeoutMilliseconds);
            let asking: { unit: number; sinceMs: number } | null = null;
            await scanUnits(line, units, models, {
              nowMs: context.nowMs,
              onProbe(unit, probed) {
                const sinceMs = performance.now();
                if (asking !== null) eta.asked(asking.unit, sinceMs - asking.sinceMs);
                asking = { unit, sinceMs };
                const etaSeconds = eta.seconds();
                send({ type: 'progress', unit, probed, total: units.length, found, etaSeconds });
              },
              onFound,
            });
            const unclear: AddressSearch[] = [];
            const searching: LiveLine[] = [];
            await searchAddresses({
              link: bus.link,
              profiles: modelsToSearch(context.profiles, bus.meters),
              nowMs: context.nowMs,
              lineFor(longestMilliseconds) {
                const slow = { timeoutMilliseconds: longestMilliseconds, worstReplyMilliseconds: 0 };
                const way = new LiveLine(bus.line, {
                  patience: (unit) => (listed.has(unit) ? {} : slow),
                  signal,
                });
                searching.push(way);
                return way;
              },
              onSearch: (search) => send({ type: 'searching', search }),
              onFound,
              onUnclear: (search) => void unclear.push(search),
            });
            const waitedMilliseconds = [line, ...searching].reduce(
              (sum, one) => sum + one.waitedMilliseconds,
              0,
            );
            send({ type: 'done', probed: units.length, found, unclear, waitedMilliseconds });
          } catch (error) {
            send({ type: 'failed', fault: lineFault(asLineFault(error), bus.link) });
          } finally {
            end();
          }
        }),
      );
    },
  );
}
