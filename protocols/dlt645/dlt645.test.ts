import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SumDeframer, type SumFrameEvent, withWakeBytes } from '../sum-frame.ts';
import { buildDlt645Frame, DLT645_FRAME, parseDlt645Frame } from './frame.ts';
import {
  addressRequest,
  buildReply,
  buildRequest,
  type Dlt645Request,
  parseReply,
  parseRequest,
} from './read-data.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const none = new Uint8Array(0);
const deframe = (...chunks: Uint8Array[]): SumFrameEvent[] => {
  const deframer = new SumDeframer(DLT645_FRAME);
  return chunks.flatMap((chunk) => deframer.push(chunk));
};
const codes = (events: SumFrameEvent[]): string[] => events.map((event) => (event.ok ? 'frame' : event.code));

const meter = '000000000001';
const total: Dlt645Request = { version: 2007, address: meter, kind: 'item', item: '00010000' };
const old: Dlt645Request = { version: 1997, address: meter, kind: 'item', item: '9010' };
const TOTAL_REQUEST = '68 01 00 00 00 00 00 68 11 04 33 33 34 33 B3 16';
/** 1234.56 kWh. */
const TOTAL_REPLY = '68 01 00 00 00 00 00 68 91 08 33 33 34 33 89 67 45 33 9F 16';

describe('DL/T 645 frames', () => {
  test.each([
    ['read address', '68 AA AA AA AA AA AA 68 13 00 DF 16', 'AAAAAAAAAAAA', 0x13, ''],
    [
      'write address',
      '68 12 34 56 78 10 12 68 15 06 45 67 89 AB 43 46 8A 16',
      '121078563412',
      0x15,
      '123456781013',
    ],
    [
      'time broadcast',
      '68 99 99 99 99 99 99 68 08 06 58 44 35 45 67 89 7A 16',
      '999999999999',
      0x08,
      '251102123456',
    ],
    ['forward total', TOTAL_REQUEST, meter, 0x11, '00000100'],
    ['its answer', TOTAL_REPLY, meter, 0x91, '0000010056341200'],
  ])('%s', (_title, wire, address, control, data) => {
    const frame = { address, control, data: bytes(data) };
    expect(buildDlt645Frame(frame)).toEqual(bytes(wire));
    const events = deframe(withWakeBytes(bytes(wire)));
    expect(events.map((event) => event.ok && parseDlt645Frame(event.bytes))).toEqual([frame]);
  });
  test('each flipped bit of a frame is found', () => {
    const whole = bytes(TOTAL_REPLY);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codes(deframe(damaged))).not.toContain('frame');
    }
  });
  test('noise, half a frame and a bad sum are told, and the frame behind them is found', () => {
    const good = bytes(TOTAL_REPLY);
    expect(codes(deframe(join(bytes('00 55'), good)))).toEqual(['noise', 'frame']);
    expect(codes(deframe(join(bytes('68 01 00 00'), good)))).toEqual(['bad_frame', 'noise', 'frame']);
    expect(codes(deframe(good.with(-2, 0x9e), good))).toEqual([
      'bad_checksum',
      'noise',
      'bad_frame',
      'noise',
      'frame',
    ]);
    expect(codes(deframe(good.with(9, 201)))[0]).toBe('bad_frame');
    expect(codes(deframe(good.with(-1, 0x17)))[0]).toBe('bad_frame');
  });
  test('a silence drops half a frame', () => {
    const deframer = new SumDeframer(DLT645_FRAME);
    deframer.push(bytes(TOTAL_REPLY).subarray(0, 12));
    expect(deframer.pending).toBe(12);
    deframer.reset();
    expect(codes(deframer.push(bytes(TOTAL_REPLY)))).toEqual(['frame']);
  });
  test('any frames in any pieces come out as they went in', () => {
    const frame = fc.record({
      address: fc.stringMatching(/^\d{12}$/),
      control: fc.nat(255),
      data: fc.uint8Array({ maxLength: 200 }),
    });
    const property = fc.property(
      fc.array(frame, { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (frames, sizes) => {
        const stream = join(...frames.map((one) => withWakeBytes(buildDlt645Frame(one))));
        const chunks: Uint8Array[] = [];
        for (let at = 0, n = 0; at < stream.length; n++) {
          const size = sizes[n % sizes.length] ?? 1;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const out = deframe(...chunks).map((event) => event.ok && parseDlt645Frame(event.bytes));
        expect(out).toEqual(frames);
      },
    );
    fc.assert(property, { seed: 645, numRuns: 200 });
  });
  test('any bytes at all are read without a fault', () => {
    const property = fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
      for (const event of deframe(...chunks, bytes(TOTAL_REPLY)))
        if (event.ok) parseReply(total, parseDlt645Frame(event.bytes));
    });
    fc.assert(property, { seed: 645, numRuns: 500 });
  });
});

const frameOf = (hex: string) => parseDlt645Frame(bytes(hex));
const reply = (control: number, data: string, address = meter) => ({ address, control, data: bytes(data) });

describe('reading data over DL/T 645', () => {
  test('asks for an item, the rest of it, an address', () => {
    expect(buildDlt645Frame(buildRequest(total))).toEqual(bytes(TOTAL_REQUEST));
    expect(buildRequest({ ...total, kind: 'rest', part: 2 })).toEqual(reply(0x12, '0000010002'));
    expect(buildRequest(old)).toEqual(reply(0x01, '1090'));
    expect(buildRequest({ ...old, kind: 'rest', part: 1 })).toEqual(reply(0x02, '1090'));
    expect(buildDlt645Frame(buildRequest(addressRequest))).toEqual(
      bytes('68 AA AA AA AA AA AA 68 13 00 DF 16'),
    );
  });
  test.each<[string, Dlt645Request, ReturnType<typeof reply>, object]>([
    ['an item', total, frameOf(TOTAL_REPLY), { ok: true, data: bytes('56341200'), more: false }],
    [
      'of which there is more',
      total,
      reply(0xb1, '0000010056341200'),
      { ok: true, data: bytes('56341200'), more: true },
    ],
    [
      'the rest',
      { ...total, kind: 'rest', part: 1 },
      reply(0x92, '000001005601'),
      { ok: true, data: bytes('56'), more: false },
    ],
    [
      'not all of the rest',
      { ...total, kind: 'rest', part: 1 },
      reply(0xb2, '000001005601'),
      { ok: true, data: bytes('56'), more: true },
    ],
    ['a refusal', total, reply(0xd1, '02'), { ok: false, error: 2 }],
    ['an item of 1997', old, reply(0x81, '109056341200'), { ok: true, data: bytes('56341200'), more: false }],
    ['a refusal of 1997', old, reply(0xc1, '02'), { ok: false, error: 2 }],
    [
      'an item of whoever is there',
      { ...total, address: 'AAAAAAAAAAAA' },
      frameOf(TOTAL_REPLY),
      { ok: true, data: bytes('56341200'), more: false },
    ],
  ])('takes %s', (_title, request, frame, answer) => {
    expect(parseReply(request, frame)).toEqual({ ok: true, address: meter, answer });
    expect(buildReply(request, meter, answer as Parameters<typeof buildReply>[2])).toEqual(frame);
  });
  test('takes an address', () => {
    const frame = reply(0x93, '563412000000', '000000123456');
    expect(parseReply(addressRequest, frame)).toMatchObject({ ok: true, address: '000000123456' });
    expect(buildReply(addressRequest, '000000123456', { ok: true, data: none, more: false })).toEqual(frame);
  });
  test.each<[string, Dlt645Request, ReturnType<typeof reply>, string]>([
    ['another meter', total, reply(0x91, '0000010056341200', '000000000002'), 'wrong_unit'],
    ['another item', total, reply(0x91, '0000020056341200'), 'wrong_item'],
    ['another part', { ...total, kind: 'rest', part: 1 }, reply(0x92, '000001005602'), 'wrong_item'],
    ['the request itself', total, frameOf(TOTAL_REQUEST), 'wrong_function'],
    ['an answer to a write', total, reply(0x94, ''), 'wrong_function'],
    ['a refusal of a write', total, reply(0xd4, '02'), 'wrong_function'],
    ['the other version', total, reply(0x81, '109056341200'), 'wrong_function'],
    ['half an item', total, reply(0x91, '0000'), 'wrong_byte_count'],
    ['an empty refusal', total, reply(0xd1, ''), 'wrong_byte_count'],
    ['a short address', addressRequest, reply(0x93, '5634'), 'wrong_byte_count'],
  ])('%s is no answer', (_title, request, frame, code) => {
    expect(parseReply(request, frame)).toEqual({ ok: false, code });
  });
  test('a meter reads what a master asks, and nothing else', () => {
    const requests: Dlt645Request[] = [total, old, { ...total, kind: 'rest', part: 3 }, addressRequest];
    for (const request of requests)
      expect(parseRequest(request.version, buildRequest(request))).toEqual(request);
    for (const frame of [
      reply(0x15, '123456781013'),
      reply(0x11, '0000'),
      frameOf(TOTAL_REPLY),
      reply(0x14, ''),
    ])
      expect(parseRequest(2007, frame)).toBeNull();
    expect(parseRequest(1997, buildRequest(addressRequest))).toBeNull();
  });
});
