import { describe, expect, test } from 'vitest';
import { crc16 } from './crc16.ts';
import { buildException, buildRequest, buildResponse, parseRequest, parseResponse } from './pdu.ts';
import { buildRtuFrame, parseRtuFrame, RtuDeframer } from './rtu-frame.ts';
import { buildTcpFrame, TcpDeframer } from './tcp-frame.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (data: Uint8Array): string => Array.from(data, (b) => b.toString(16).padStart(2, '0')).join('');

describe('CRC-16/MODBUS', () => {
  test('of "123456789" is 0x4B37', () => {
    expect(crc16(new TextEncoder().encode('123456789'))).toBe(0x4b37);
  });
});

describe('read PDUs', () => {
  const request = { functionCode: 3, address: 0x006b, count: 3 } as const;
  test('a request is function, address, count', () => {
    expect(hex(buildRequest(request))).toBe('03006b0003');
    expect(parseRequest(bytes('03006b0003'))).toEqual({ ok: true, request });
  });
  test.each<[string, string, number]>([
    ['0500010000', 'illegal_function', 1],
    ['1000010001020000', 'illegal_function', 1],
    ['', 'illegal_function', 1],
    ['0300000000', 'illegal_value', 3],
    ['030000007e', 'illegal_value', 3],
    ['03000000', 'illegal_value', 3],
    ['040000000100', 'illegal_value', 3],
    ['03ffff0002', 'illegal_address', 2],
  ])('a server refuses %s as %s', (pdu, code, exception) => {
    expect(parseRequest(bytes(pdu))).toMatchObject({ ok: false, code, exception });
  });
  test('the last register can be read', () => {
    expect(parseRequest(bytes('03ffff0001')).ok).toBe(true);
  });
  test('a response carries two bytes per register', () => {
    const pdu = buildResponse(3, bytes('022b00000064'));
    expect(hex(pdu)).toBe('0306022b00000064');
    expect(parseResponse(pdu, request)).toEqual({ ok: true, data: bytes('022b00000064') });
  });
  test('an exception is the function with its high bit, and the code', () => {
    expect(hex(buildException(3, 2))).toBe('8302');
    expect(parseResponse(bytes('8302'), request)).toEqual({ ok: false, code: 'exception', exception: 2 });
  });
  test.each<[string, string, string]>([
    ['another function', '0406022b00000064', 'wrong_function'],
    ['an exception to another function', '8402', 'wrong_function'],
    ['one register less', '0304022b0000', 'wrong_byte_count'],
    ['one register more', '0308022b000000640000', 'wrong_byte_count'],
    ['a byte count that is not its length', '0306022b0000', 'wrong_byte_count'],
    ['bytes after an exception', '830200', 'wrong_byte_count'],
    ['the request itself', '03006b0003', 'wrong_byte_count'],
    ['nothing', '', 'wrong_function'],
  ])('%s is no answer', (_title, pdu, code) => {
    expect(parseResponse(bytes(pdu), request)).toEqual({ ok: false, code });
  });
});

describe('TCP frames', () => {
  const one = '0001000000090b0306022b00000064';
  const two = '000200000003' + '0b8302';
  test('header, unit, PDU', () => {
    expect(hex(buildTcpFrame({ transaction: 1, unit: 11, pdu: bytes('0306022b00000064') }))).toBe(one);
  });
  test('joined frames come out in order', () => {
    expect(new TcpDeframer().push(bytes(one + two))).toEqual([
      { ok: true, transaction: 1, unit: 11, pdu: bytes('0306022b00000064') },
      { ok: true, transaction: 2, unit: 11, pdu: bytes('8302') },
    ]);
  });
  test('any split gives the same frames', () => {
    const stream = bytes(one + two);
    const whole = new TcpDeframer().push(stream);
    for (let cut = 1; cut < stream.length; cut++) {
      const deframer = new TcpDeframer();
      expect([...deframer.push(stream.subarray(0, cut)), ...deframer.push(stream.subarray(cut))]).toEqual(
        whole,
      );
      expect(deframer.pending).toBe(0);
    }
    const byteByByte = new TcpDeframer();
    expect(Array.from(stream, (_, i) => byteByByte.push(stream.subarray(i, i + 1))).flat()).toEqual(whole);
  });
  test('half a frame is held back', () => {
    const deframer = new TcpDeframer();
    expect(deframer.push(bytes(one.slice(0, 20)))).toEqual([]);
    expect(deframer.pending).toBe(10);
  });
  test.each<[string, string, string]>([
    ['protocol id 1', '0001000100030b8302', 'wrong_protocol'],
    ['length 0', '0001000000000b8302', 'wrong_length'],
    ['length 2', '0001000000020b8302', 'wrong_length'],
    ['length 255', '0001000000ff0b8302', 'wrong_length'],
    ['length 65535', '00010000ffff0b8302', 'wrong_length'],
  ])('%s ends the stream, and what follows is not read', (_title, wire, code) => {
    const deframer = new TcpDeframer();
    expect(deframer.push(bytes(wire + two))).toEqual([{ ok: false, code }]);
    expect(deframer.push(bytes(two))).toEqual([]);
  });
});

describe('RTU frames', () => {
  const request = '0b03006b0003' + '74bd';
  const response = buildRtuFrame({ unit: 11, pdu: bytes('0306022b00000064') });
  test('unit, PDU, CRC low byte first', () => {
    expect(hex(buildRtuFrame({ unit: 11, pdu: bytes('03006b0003') }))).toBe(request);
    expect(parseRtuFrame(bytes(request))).toEqual({ ok: true, unit: 11, pdu: bytes('03006b0003') });
  });
  test('each flipped bit is a bad CRC', () => {
    for (let bit = 0; bit < request.length * 4; bit++) {
      const corrupt = bytes(request);
      corrupt[bit >> 3] = (corrupt[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(parseRtuFrame(corrupt)).toEqual({ ok: false, code: 'bad_crc' });
    }
  });
  test('too short and too long are no frames', () => {
    expect(parseRtuFrame(bytes('0b830d'))).toEqual({ ok: false, code: 'wrong_length' });
    expect(parseRtuFrame(new Uint8Array(257))).toEqual({ ok: false, code: 'wrong_length' });
  });
  test('any split of two joined responses gives the same two frames', () => {
    const exception = buildRtuFrame({ unit: 11, pdu: bytes('8302') });
    const stream = Uint8Array.of(...response, ...exception);
    const expected = [
      { ok: true, unit: 11, pdu: bytes('0306022b00000064') },
      { ok: true, unit: 11, pdu: bytes('8302') },
    ];
    for (let cut = 0; cut <= stream.length; cut++) {
      const deframer = new RtuDeframer('responses');
      expect([...deframer.push(stream.subarray(0, cut)), ...deframer.push(stream.subarray(cut))]).toEqual(
        expected,
      );
    }
  });
  test('a server sees writes whole, so that it can refuse them', () => {
    const write = buildRtuFrame({ unit: 11, pdu: bytes('100001000102abcd') });
    const deframer = new RtuDeframer('requests');
    expect(deframer.push(Uint8Array.of(...bytes(request), ...write))).toEqual([
      { ok: true, unit: 11, pdu: bytes('03006b0003') },
      { ok: true, unit: 11, pdu: bytes('100001000102abcd') },
    ]);
  });
  test('after a bad CRC or an unknown function all that was received is thrown away', () => {
    const deframer = new RtuDeframer('responses');
    expect(deframer.push(bytes('0b83020000ffff'))).toEqual([{ ok: false, code: 'bad_crc' }]);
    expect(deframer.pending).toBe(0);
    expect(deframer.push(bytes('0b2b0e0100'))).toEqual([{ ok: false, code: 'unknown_function' }]);
    expect(deframer.push(response)).toHaveLength(1);
  });
  test('a silence drops half a frame', () => {
    const deframer = new RtuDeframer('responses');
    deframer.push(response.subarray(0, 4));
    expect(deframer.pending).toBe(4);
    deframer.reset();
    expect(deframer.push(response)).toHaveLength(1);
  });
});
