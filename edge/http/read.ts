/** `POST /api/v1/buses/{bus}/read` and `/registers`: one meter asked now, between two requests of the polling. */
import { z } from 'zod';
import { LiveRead, LiveReadRequest, RegisterAnswer, RegisterRequest } from '../../protocols/edge-api.ts';
import { Id } from '../../protocols/reading.ts';
import { openDriver } from '../drivers/open-driver.ts';
import { asLineFault, exceptionFault, lineFault, readFault } from '../line/live-fault.ts';
import { LiveLine } from '../line/live-line.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { askedProfileOf, busOf, liveReadings, passwordAt } from './live-bus.ts';
import { EdgeRefused } from './problems.ts';

const params = z.strictObject({ bus: Id });
/** Of a Modbus meter, for each function. */
const REGISTERS = 65_536;

export function readRoutes(api: EdgeApi, context: EdgeApiContext): void {
  api.post(
    '/api/v1/buses/:bus/read',
    {
      config: { reach: 'signed_in' },
      schema: { params, body: LiveReadRequest, response: { 200: LiveRead } },
    },
    async ({ params: { bus: id }, body }) => {
      const bus = busOf(context, id);
      const profile = askedProfileOf(context, bus, body);
      const line = new LiveLine(bus.line);
      const driver = openDriver(profile, {
        unit: body.unit,
        link: bus.link,
        password: passwordAt(bus, body.unit),
      });
      const read = await driver.read(line, { nowMs: context.nowMs, attempts: 2, pauses: true });
      return {
        bus: bus.id,
        profile: profile.id,
        unit: body.unit,
        requests: read.requests,
        waitedMilliseconds: line.waitedMilliseconds,
        readings: liveReadings(profile, read),
        fault: readFault(read, bus.link, profile.protocol),
      };
    },
  );
  api.post(
    '/api/v1/buses/:bus/registers',
    {
      config: { reach: 'signed_in' },
      schema: { params, body: RegisterRequest, response: { 200: RegisterAnswer } },
    },
    async ({ params: { bus: id }, body }) => {
      const bus = busOf(context, id);
      if (body.address + body.count > REGISTERS)
        throw new EdgeRefused('beyond_registers', `address + count: at most ${REGISTERS}`);
      const line = new LiveLine(bus.line);
      const answered = await line.read(body).then(
        (answer) => ({ answer }),
        (error: unknown) => ({ fault: lineFault(asLineFault(error), bus.link) }),
      );
      const { waitedMilliseconds } = line;
      if ('fault' in answered) return { waitedMilliseconds, registers: null, fault: answered.fault };
      const { answer } = answered;
      return answer.ok
        ? { waitedMilliseconds, registers: Buffer.from(answer.data).toString('hex'), fault: null }
        : { waitedMilliseconds, registers: null, fault: exceptionFault(answer.exception) };
    },
  );
}
