/** Simulated meters that speak DL/T 645 or CJ/T 188: they are read, and hear nothing else but the time. */
import { encodeBcd, isAddressed } from '../../protocols/bcd.ts';
import { encodeField } from '../../protocols/cjt188/fields.ts';
import { buildCjt188Frame, CJT188_FRAME, parseCjt188Frame } from '../../protocols/cjt188/frame.ts';
import * as cjt188 from '../../protocols/cjt188/read-data.ts';
import { buildDlt645Frame, DLT645_FRAME, parseDlt645Frame } from '../../protocols/dlt645/frame.ts';
import * as dlt645 from '../../protocols/dlt645/read-data.ts';
import { parseTimeBroadcast } from '../../protocols/dlt645/time-broadcast.ts';
import { bcdBytesOf } from '../../protocols/meter-time.ts';
import type { Cjt188Profile, Dlt645Profile } from '../../protocols/profile.ts';
import { SumDeframer, type SumFrameShape, withWakeBytes } from '../../protocols/sum-frame.ts';
import { type Dlt645Memory, keptItem, takeBroadcast } from './dlt645-memory.ts';

/** Millionths of a register's unit by OBIS code; null for what the meter cannot tell, undefined for what it lacks. */
export type MeterValues = (obis: string) => bigint | null | undefined;

export interface FramedMeter {
  shape: SumFrameShape;
  /** The frame that answers a frame on the line, or null. */
  answer(frame: Uint8Array): Uint8Array | null;
}

/** "No such data", in the error byte of DL/T 645. */
const NO_DATA = 0x02;

/** What does not fit a frame is asked for part by part. */
const PART_BYTES = 190;

/** @param memory what the meter keeps beside its registers; nothing when not given */
export function dlt645Meter(
  profile: Dlt645Profile,
  address: string,
  values: MeterValues,
  memory?: Dlt645Memory,
): FramedMeter {
  const wholeItem = (item: string, given?: string): Uint8Array | null => {
    const register = profile.registers.find(({ di }) => di === item);
    const value = register === undefined ? undefined : values(register.obis);
    if (register !== undefined && value !== undefined) return encodeBcd(register, value);
    return memory === undefined ? null : keptItem(profile, memory, item, given);
  };
  let asked: Uint8Array | null = null;
  const answerTo = (request: dlt645.Dlt645Request): dlt645.Dlt645Answer => {
    if (request.kind === 'address') return { ok: true, data: new Uint8Array(0), more: false };
    if (request.kind === 'item') asked = wholeItem(request.item, request.given);
    if (asked === null) return { ok: false, error: NO_DATA };
    const from = request.kind === 'item' ? 0 : request.part * PART_BYTES;
    const to = from + PART_BYTES;
    return { ok: true, data: asked.slice(from, to), more: asked.length > to };
  };
  let timeTaken: Temporal.PlainDate | null = null;
  return {
    shape: DLT645_FRAME,
    answer(bytes) {
      const frame = parseDlt645Frame(bytes);
      const told = parseTimeBroadcast(frame, address);
      if (told !== null && memory !== undefined) timeTaken = takeBroadcast(memory, told, timeTaken);
      const request = isAddressed(frame.address, address)
        ? dlt645.parseRequest(profile.version, frame)
        : null;
      return request && buildDlt645Frame(dlt645.buildReply(request, address, answerTo(request)));
    },
  };
}

/** Two quantities, the time, and two bytes of status: the shortest full answer. */
const ANSWER_BYTES = 19;

/** @param now what its own clock shows, local; all zero when it has none */
export function cjt188Meter(
  profile: Cjt188Profile,
  address: string,
  values: MeterValues,
  now?: () => Temporal.PlainDateTime,
): FramedMeter {
  const own = { type: profile.meterType, address };
  const all = (): Uint8Array => {
    const data: number[] = new Array(ANSWER_BYTES).fill(0);
    for (const register of profile.registers) {
      const bytes = encodeField(register, register.unit, values(register.obis) ?? null);
      // States of one byte lie side by side in it.
      for (const [index, byte] of bytes.entries())
        data[register.at + index] = 'bits' in register ? (data[register.at + index] ?? 0) | byte : byte;
    }
    if (now !== undefined && profile.clockAt !== undefined) {
      const { year, month, day, hour, minute, second } = now();
      const time = bcdBytesOf([second, minute, hour, day, month, year % 100, Math.trunc(year / 100)]);
      for (const [index, byte] of time.entries()) data[profile.clockAt + index] = byte;
    }
    return Uint8Array.from(data, (byte) => byte ?? 0);
  };
  return {
    shape: CJT188_FRAME,
    answer(bytes) {
      const frame = parseCjt188Frame(bytes);
      if (!isAddressed(frame.type, own.type) || !isAddressed(frame.address, address)) return null;
      const request = cjt188.parseRequest(frame, profile.diOrder);
      if (request === null || request.item !== profile.di) return null;
      return buildCjt188Frame(cjt188.buildReply(request, own, { ok: true, data: all() }));
    },
  };
}

/** One line with all these meters on it: takes what is heard, gives what is said. */
export function framedLine(meters: readonly FramedMeter[]): (chunk: Uint8Array) => Uint8Array[] {
  const listeners = [DLT645_FRAME, CJT188_FRAME].map((shape) => ({
    shape,
    deframer: new SumDeframer(shape),
  }));
  return (chunk) => {
    const heard = listeners.flatMap(({ shape, deframer }) =>
      deframer.push(chunk).flatMap((event) => (event.ok ? [{ shape, bytes: event.bytes }] : [])),
    );
    // A frame of one protocol may look like the beginning of a longer one of the other, which never goes on.
    for (const { shape, deframer } of listeners)
      if (heard.some((frame) => frame.shape !== shape)) deframer.reset();
    return heard.flatMap(({ shape, bytes }) =>
      meters
        .filter((meter) => meter.shape === shape)
        .map((meter) => meter.answer(bytes))
        .filter((frame) => frame !== null)
        .map(withWakeBytes),
    );
  };
}
