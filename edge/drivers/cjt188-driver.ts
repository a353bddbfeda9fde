/** Reads a meter of CJ/T 188: one request for all registers. An answer has to name meter, item and request. */
import { decodeField, fieldBytes } from '../../protocols/cjt188/fields.ts';
import { buildCjt188Frame, CJT188_FRAME, parseCjt188Frame } from '../../protocols/cjt188/frame.ts';
import {
  buildRequest,
  type Cjt188Answer,
  type Cjt188Request,
  parseReply,
} from '../../protocols/cjt188/read-data.ts';
import type { Cjt188Profile } from '../../protocols/profile.ts';
import type { Exchange } from '../line/exchange.ts';
import { framedExchange } from '../line/framed-exchange.ts';
import {
  askOptions,
  askRepeatedly,
  isWanted,
  type MeterDriver,
  type MeterRead,
  nothingRead,
  registerValue,
  welcome,
} from './meter-driver.ts';

/** @param address the 14 digits printed on the meter */
export function cjt188Driver(
  { meterType: type, di: item, diOrder: order }: Cjt188Profile,
  registers: Cjt188Profile['registers'],
  address: string,
): MeterDriver {
  let serial = 0;
  return {
    async read(line, options) {
      const { nowMs, attempts } = options;
      const read = nothingRead();
      if (options.isCut?.() === true || !isWanted(registers, options)) return read;
      const ask = () => {
        const request: Cjt188Request = { type, address, item, order, serial };
        serial = (serial + 1) & 0xff;
        return line.ask(cjt188Exchange(request), askOptions(options));
      };
      const reply = await askRepeatedly(ask, attempts, read);
      if (reply === null) return read;
      const { answer } = reply;
      if (answer.ok) take(answer.data, welcome(registers, options), nowMs(), read);
      else {
        read.failures += 1;
        read.exception = answer.status;
      }
      return read;
    },
  };
}

/** A short answer ends before the last registers: those have no value then, and the request counts as failed. */
function take(
  data: Uint8Array,
  registers: Cjt188Profile['registers'],
  readAtMs: number,
  read: MeterRead,
): void {
  for (const register of registers) {
    const bytes = data.subarray(register.at, register.at + fieldBytes(register));
    if (bytes.length < fieldBytes(register)) continue;
    read.values.push(registerValue(register, decodeField(register, register.unit, bytes), bytes, readAtMs));
  }
  if (read.values.length < registers.length) read.failures += 1;
}

/** What a meter answers, and which one it was, when type and address asked for stand for any. */
export function cjt188Exchange(
  request: Cjt188Request,
): Exchange<{ type: string; address: string; answer: Cjt188Answer }> {
  return framedExchange({
    unit: request.address,
    shape: CJT188_FRAME,
    frame: buildCjt188Frame(buildRequest(request)),
    parse(bytes) {
      const frame = parseCjt188Frame(bytes);
      const reply = parseReply(request, frame);
      return reply.ok
        ? { ok: true, answer: { type: frame.type, address: reply.address, answer: reply.answer } }
        : reply;
    },
  });
}
