import { describe, expect, test } from 'vitest';
import { createLengthGuard } from './length-guard.ts';

const limits = { connectBytes: 64, packetBytes: 300 };
/** CONNECT, MQTT 3.1.1, clean session, keepalive 60, client id "m". */
const connect = [0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x6d];
const publish = (bodyLength: number, header: number[]): number[] => [
  0x32,
  ...header,
  ...Array(bodyLength).fill(7),
];

const cases: [string, number[], string | null][] = [
  ['a CONNECT and small packets pass', [...connect, 0xc0, 0, ...publish(5, [5]), 0xe0, 0], null],
  ['a two-byte length is read low part first', [...connect, ...publish(200, [0xc8, 0x01]), 0xc0, 0], null],
  ['a packet of exactly the limit passes', [...connect, ...publish(297, [0xa9, 0x02]), 0xc0, 0], null],
  ['one byte more is refused before its body', [...connect, 0x32, 0xaa, 0x02], 'packet_too_large'],
  ['256 MiB announced before CONNECT is refused', [0x10, 0xff, 0xff, 0xff, 0x7f], 'packet_too_large'],
  ['a CONNECT above its own limit is refused', [0x10, 63], 'packet_too_large'],
  [
    '256 MiB announced after CONNECT is refused',
    [...connect, 0x30, 0xff, 0xff, 0xff, 0x7f],
    'packet_too_large',
  ],
  ['a fifth length byte is malformed', [...connect, 0x30, 0x80, 0x80, 0x80, 0x80, 0x01], 'malformed_length'],
  ['a first packet that is no CONNECT is refused', publish(5, [5]), 'not_connect'],
  ['an HTTP request is refused', [...new TextEncoder().encode('GET / HTTP/1.1\r\n')], 'not_connect'],
  [
    'a length padded with zero groups is still its value',
    [...connect, 0x30, 0x82, 0x80, 0x00, 1, 2, 0xc0, 0],
    null,
  ],
];

describe.each(cases)('%s', (_, bytes, violation) => {
  test('whole', () => {
    expect(createLengthGuard(limits).feed(Uint8Array.from(bytes))).toBe(violation);
  });
  test('byte by byte', () => {
    const guard = createLengthGuard(limits);
    const verdicts = bytes.map((byte) => guard.feed(Uint8Array.of(byte)));
    expect(verdicts.at(-1)).toBe(violation);
    expect(verdicts.slice(0, -1).every((v) => v === null || v === violation)).toBe(true);
  });
  test('cut in two anywhere', () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const guard = createLengthGuard(limits);
      guard.feed(Uint8Array.from(bytes.slice(0, cut)));
      expect(guard.feed(Uint8Array.from(bytes.slice(cut)))).toBe(violation);
    }
  });
});

test('a violation is for good', () => {
  const guard = createLengthGuard(limits);
  guard.feed(Uint8Array.of(0x30));
  expect(guard.feed(Uint8Array.from(connect))).toBe('not_connect');
});

test('until somebody is known, 64 KiB are all that may come, in however many packets', () => {
  const hello = Uint8Array.from([0x10, 2, 0, 0]);
  const packet = Uint8Array.from([0x30, 2, 1, 2]);
  const limits = { connectBytes: 100, packetBytes: 1000, unadmittedBytes: 12 };
  const guard = createLengthGuard(limits);
  expect([hello, packet, packet, packet].map((chunk) => guard.feed(chunk))).toEqual([
    null,
    null,
    null,
    'not_admitted',
  ]);
  const admitted = createLengthGuard(limits);
  admitted.feed(hello);
  admitted.admit();
  for (let n = 0; n < 10; n += 1) expect(admitted.feed(packet)).toBeNull();
  expect(admitted.packets()).toBe(11);
});
