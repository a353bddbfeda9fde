/** Reads a meter of DL/T 645: a request per register. An answer has to name meter and item, and to be as long as it. */
import { bcdBytes, decodeBcd } from '../../protocols/bcd.ts';
import { buildDlt645Frame, DLT645_FRAME, parseDlt645Frame } from '../../protocols/dlt645/frame.ts';
import {
  buildRequest,
  type Dlt645Answer,
  type Dlt645Request,
  parseReply,
} from '../../protocols/dlt645/read-data.ts';
import type { Dlt645Profile } from '../../protocols/profile.ts';
import type { Exchange } from '../line/exchange.ts';
import { framedExchange } from '../line/framed-exchange.ts';
import { askOptions, askRepeatedly, type MeterDriver, nothingRead, registerValue } from './meter-driver.ts';

/** @param address the 12 digits printed on the meter */
export function dlt645Driver(
  { version }: Dlt645Profile,
  registers: Dlt645Profile['registers'],
  address: string,
): MeterDriver {
  return {
    async read(line, options) {
      const { nowMs, attempts, wanted, isCut } = options;
      const read = nothingRead();
      for (const register of registers) {
        if (isCut?.() === true) break;
        if (wanted?.has(register.obis) === false) continue;
        const request: Dlt645Request = { version, address, kind: 'item', item: register.di };
        const ask = () => line.ask(dlt645Exchange(request, bcdBytes(register)), askOptions(options));
        const reply = await askRepeatedly(ask, attempts, read);
        if (reply === null) return read;
        const { answer } = reply;
        if (answer.ok) {
          const decoded = decodeBcd(register, answer.data);
          read.values.push(registerValue(register, decoded, answer.data, nowMs()));
        } else {
          read.failures += 1;
          read.exception = answer.error;
        }
      }
      return read;
    },
  };
}

/**
 * What a meter answers, and which one it was, when the address asked for stands for any.
 * @param bytes how long the data has to be, and all of it; any length when not given
 */
export function dlt645Exchange(
  request: Dlt645Request,
  bytes?: number,
): Exchange<{ address: string; answer: Dlt645Answer }> {
  return framedExchange({
    unit: request.address,
    shape: DLT645_FRAME,
    frame: buildDlt645Frame(buildRequest(request)),
    parse(frame) {
      const reply = parseReply(request, parseDlt645Frame(frame));
      if (!reply.ok) return reply;
      const { address, answer } = reply;
      if (bytes !== undefined && answer.ok && (answer.more || answer.data.length !== bytes))
        return { ok: false, code: 'wrong_byte_count' };
      return { ok: true, answer: { address, answer } };
    },
  });
}
