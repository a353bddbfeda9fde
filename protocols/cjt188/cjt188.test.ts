import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SumDeframer, type SumFrameEvent, withWakeBytes } from '../sum-frame.ts';
import { formatMicro, micro, type Unit } from '../units.ts';
import { Cjt188Field, decodeField, encodeField, fieldBytes } from './fields.ts';
import { buildCjt188Frame, CJT188_FRAME, parseCjt188Frame } from './frame.ts';
import { buildReply, buildRequest, type Cjt188Request, parseReply, parseRequest } from './read-data.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const deframe = (...chunks: Uint8Array[]): SumFrameEvent[] => {
  const deframer = new SumDeframer(CJT188_FRAME);
  return chunks.flatMap((chunk) => deframer.push(chunk));
};

const REQUEST = '68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16';
const REPLY =
  '68 10 06 00 04 00 00 00 00 81 16 1F 90 00 12 34 56 78 2C 23 45 67 89 2C 0A 0F 0C 17 0B 11 14 21 84 9D 16';
/** Its identifier goes high byte first. */
const OLD_REPLY =
  '68 10 12 00 00 00 00 00 00 81 16 90 1F 00 10 00 10 00 2C 10 00 10 00 2C 00 00 00 00 00 00 00 00 FF 67 16';
const meter = { type: '10', address: '00000000040006' };
const read: Cjt188Request = { ...meter, item: '901F', order: 'low_first', serial: 0 };
const old: Cjt188Request = {
  type: '10',
  address: '00000000000012',
  item: '901F',
  order: 'high_first',
  serial: 0,
};

describe('CJ/T 188 frames', () => {
  test.each([
    ['request', REQUEST, '78330011223344', 0x01, '1F9000'],
    ['answer', REPLY, meter.address, 0x81, '1F9000123456782C234567892C0A0F0C170B11142184'],
    ['answer in the old order', OLD_REPLY, old.address, 0x81, '901F00100010002C100010002C0000000000000000FF'],
  ])('%s', (_title, wire, address, control, data) => {
    const frame = { type: '10', address, control, data: bytes(data) };
    expect(buildCjt188Frame(frame)).toEqual(bytes(wire));
    const events = deframe(withWakeBytes(bytes(wire)));
    expect(events.map((event) => event.ok && parseCjt188Frame(event.bytes))).toEqual([frame]);
  });
  test('each flipped bit of a frame is found', () => {
    const whole = bytes(REPLY);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(deframe(damaged).some(({ ok }) => ok)).toBe(false);
    }
  });
  test('any cut of two joined frames gives the same two', () => {
    const stream = join(bytes(REPLY), bytes('FE FE'), bytes(OLD_REPLY));
    for (let cut = 0; cut <= stream.length; cut++)
      expect(deframe(stream.subarray(0, cut), stream.subarray(cut))).toEqual([
        { ok: true, bytes: bytes(REPLY) },
        { ok: true, bytes: bytes(OLD_REPLY) },
      ]);
  });
  test('any bytes at all are read without a fault', () => {
    const property = fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
      for (const event of deframe(...chunks, bytes(REPLY)))
        if (event.ok) parseReply(read, parseCjt188Frame(event.bytes));
    });
    fc.assert(property, { seed: 188, numRuns: 500 });
  });
  test('any frame comes out as it went in', () => {
    const frame = fc.record({
      type: fc.constantFrom('10', '20', '30'),
      address: fc.stringMatching(/^\d{14}$/),
      control: fc.nat(255),
      data: fc.uint8Array({ maxLength: 100 }),
    });
    const property = fc.property(frame, fc.nat(115), (one, cut) => {
      const wire = buildCjt188Frame(one);
      const out = deframe(wire.subarray(0, cut), wire.subarray(cut));
      expect(out.map((event) => event.ok && parseCjt188Frame(event.bytes))).toEqual([one]);
    });
    fc.assert(property, { seed: 188, numRuns: 300 });
  });
});

describe('reading data over CJ/T 188', () => {
  test('asks for an item in either order', () => {
    const request = { ...read, address: '78330011223344' };
    expect(buildCjt188Frame(buildRequest(request))).toEqual(bytes(REQUEST));
    expect(buildRequest({ ...old, serial: 7 }).data).toEqual(bytes('901F07'));
  });
  test.each([
    [REPLY, read, '123456782C234567892C0A0F0C170B11142184'],
    [OLD_REPLY, old, '100010002C100010002C0000000000000000FF'],
  ])('takes the answer %s', (wire, request, data) => {
    const frame = parseCjt188Frame(bytes(wire));
    const answer = { ok: true as const, data: bytes(data) };
    expect(parseReply(request, frame)).toEqual({ ok: true, address: request.address, answer });
    expect(buildReply(request, request, answer)).toEqual(frame);
  });
  test('takes a refusal, with its status', () => {
    const frame = { ...meter, control: 0xc1, data: bytes('000500') };
    expect(parseReply(read, frame)).toEqual({
      ok: true,
      address: meter.address,
      answer: { ok: false, status: 5 },
    });
    expect(buildReply(read, meter, { ok: false, status: 5 })).toEqual(frame);
  });
  test.each<[string, Partial<ReturnType<typeof parseCjt188Frame>>, string]>([
    ['another meter', { address: '00000000040007' }, 'wrong_unit'],
    ['another kind of meter', { type: '20' }, 'wrong_unit'],
    ['an answer to an address read', { control: 0x83 }, 'wrong_function'],
    ['the request itself', { control: 0x01 }, 'wrong_function'],
    ['another item', { data: bytes('2F9000123456782C') }, 'wrong_item'],
    ['the other order', { data: bytes('901F00123456782C') }, 'wrong_item'],
    ['the answer to an earlier request', { data: bytes('1F90FF123456782C') }, 'wrong_item'],
    ['a refusal of an earlier request', { control: 0xc1, data: bytes('FF0500') }, 'wrong_item'],
    ['half an identifier', { data: bytes('1F') }, 'wrong_byte_count'],
    ['an empty refusal', { control: 0xc1, data: bytes('') }, 'wrong_byte_count'],
  ])('%s is no answer', (_title, change, code) => {
    expect(parseReply(read, { ...parseCjt188Frame(bytes(REPLY)), ...change })).toEqual({ ok: false, code });
  });
  test('a meter reads what a master asks, and nothing that would move its valve', () => {
    expect(parseRequest(buildRequest(read), 'low_first')).toEqual(read);
    expect(parseRequest(buildRequest(old), 'high_first')).toEqual(old);
    const valve = { ...meter, control: 0x04, data: bytes('17A00055') };
    expect(parseRequest(valve, 'low_first')).toBeNull();
  });
});

describe('a field of a CJ/T 188 answer', () => {
  const total = Cjt188Field.parse({ at: 0, format: 'XXXXXX.XX', unitByte: true });
  const valve = Cjt188Field.parse({ at: 17, bits: { from: 6, count: 2 } });
  test.each<[Unit, string, string]>([
    ['m3', '123456782C', '785634.12'],
    ['m3', '1000100029', '1.0001'],
    ['kWh', '1000100005', '1000.1'],
    ['kWh', '1000100008', '1000100'],
    ['W', '5002000017', '2500'],
    ['m3/h', '5002000035', '2.5'],
    ['m3', '123456782D', 'unknown_unit'],
    ['m3', '1234567805', 'unknown_unit'],
    ['kWh', '1000100011', 'unknown_unit'],
    ['m3', '1234567A2C', 'illegal_digit'],
    ['m3', 'FFFFFFFF2C', 'not_available'],
  ])('%s %s is %s', (unit, hex, expected) => {
    const decoded = decodeField(total, unit, bytes(hex));
    expect(decoded.value === null ? decoded.code : formatMicro(decoded.value)).toBe(expected);
  });
  test('has a state in some bits', () => {
    expect(
      [0x00, 0x40, 0xc0, 0x3f].map((byte) => decodeField(valve, '1', Uint8Array.of(byte)).value),
    ).toEqual([0n, 1n, 3n, 0n].map((state) => state * 1_000_000n));
    expect(encodeField(valve, '1', micro('3'))).toEqual(bytes('C0'));
  });
  test('has no state in a byte of all ones', () => {
    const none = { value: null, code: 'not_available' };
    for (const bits of [
      { from: 0, count: 2 },
      { from: 2, count: 1 },
    ])
      expect(decodeField(Cjt188Field.parse({ at: 17, bits }), '1', bytes('FF'))).toEqual(none);
  });
  test('is encoded in its usual unit', () => {
    expect(encodeField(total, 'm3', micro('785634.12'))).toEqual(bytes('123456782C'));
    expect(encodeField(total, 'kWh', micro('1000.1'))).toEqual(bytes('1000100005'));
    expect(encodeField(total, 'm3', null)).toEqual(bytes('FFFFFFFF2C'));
    expect(() => encodeField(total, 'V', 0n)).toThrow(RangeError);
    expect([fieldBytes(total), fieldBytes(valve)]).toEqual([5, 1]);
  });
});
