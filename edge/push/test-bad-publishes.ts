/** For tests: what must not become a value at the broker for meters that push, each with the counter that tells of it. */

const AT = '"ts":"2026-09-01T00:15:00Z"';
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const pushed = (value: string): Uint8Array => text(`{${AT},"total_m3":${value}}`);
const stamped = (stamp: string): Uint8Array => text(`{"ts":${stamp},"total_m3":"1"}`);

/** The topic of the only meter, whose profile finds `ts` (RFC 3339) and `total_m3`. */
export const METER_TOPIC = 'meters/W-1/up';

/** Payloads in a packet that is sound: acknowledged, refused by the code, set aside. */
export const badPayloads: [string, Uint8Array, string, string?][] = [
  ['empty', text(''), 'empty_payload'],
  ['{}', text('{}'), 'missing_timestamp'],
  ['truncated JSON', text('{"ts": "2026-'), 'not_json'],
  ['two documents', text('{} {}'), 'not_json'],
  ['a comment', text(`{${AT},/* */"total_m3":1}`), 'not_json'],
  ['invalid UTF-8', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), 'not_utf8'],
  ['UTF-16', Uint8Array.from(Buffer.from('{}', 'utf16le')), 'not_json'],
  ['byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'not_json'],
  ['a list', text('[1]'), 'not_an_object'],
  ['null', text('null'), 'not_an_object'],
  ['30,000 lists deep', text(`${'['.repeat(30_000)}${']'.repeat(30_000)}`), 'not_json'],
  ['60,000 bytes of something else', text(`{"x":"${'x'.repeat(60_000)}"}`), 'missing_timestamp'],
  ['no value', text(`{${AT}}`), 'missing_value'],
  ['a value that is inherited', text(`{${AT},"__proto__":{"total_m3":"1"}}`), 'ambiguous_json'],
  ['a value that stands twice', text(`{${AT},"total_m3":"1","total_m3":"2"}`), 'ambiguous_json'],
  ['33 lists deep', text(`{${AT},"total_m3":"1","x":${'['.repeat(32)}${']'.repeat(32)}}`), 'ambiguous_json'],
  ['decimal comma', pushed('"12,5"'), 'not_a_number'],
  ['thousands', pushed('"1,234.5"'), 'not_a_number'],
  ['a unit behind it', pushed('"12.5 m3"'), 'not_a_number'],
  ['a leading plus', pushed('"+12.5"'), 'not_a_number'],
  ['full-width digits', pushed('"１２"'), 'not_a_number'],
  ['hexadecimal', pushed('"0x1F"'), 'not_a_number'],
  ['Infinity as a string', pushed('"Infinity"'), 'not_a_number'],
  ['bare NaN', pushed('NaN'), 'not_json'],
  ['a boolean', pushed('true'), 'not_a_number'],
  ['a list of values', pushed('[1]'), 'not_a_number'],
  ['1e400', pushed('1e400'), 'out_of_range'],
  ['1e-400', pushed('1e-400'), 'out_of_range'],
  ['31 digits', pushed('9'.repeat(31)), 'out_of_range'],
  ['seven decimals', pushed('0.1234567'), 'out_of_range'],
  ['no offset', stamped('"2026-09-01T00:15:00"'), 'bad_timestamp'],
  ['2026-02-30', stamped('"2026-02-30T00:00:00Z"'), 'bad_timestamp'],
  ['hour 24', stamped('"2026-09-01T24:00:00Z"'), 'bad_timestamp'],
  ['Unix seconds', stamped('1788220800'), 'bad_timestamp'],
  ['a null stamp', stamped('null'), 'bad_timestamp'],
  ['no stamp', text('{"total_m3":"1"}'), 'missing_timestamp'],
  ['another topic', pushed('"1"'), 'unknown_topic', 'meters/W-2/up'],
  ['a topic of ours', pushed('"1"'), 'unknown_topic', 'meterline/1/gw-a/readings'],
  ['a topic with a slash more', pushed('"1"'), 'unknown_topic', `${METER_TOPIC}/`],
  ['a topic in another case', pushed('"1"'), 'unknown_topic', 'meters/w-1/up'],
];

/** Stamps that are sound and cannot be true: the value is kept beside a reading without one. */
export const wrongStamps: [string, string][] = [
  ['eleven minutes ahead', '2026-09-10T00:11:00Z'],
  ['ten years ahead', '2036-09-01T00:00:00Z'],
  ['epoch 0', '1970-01-01T00:00:00Z'],
  ['seconds sent as milliseconds', '1970-01-21T16:43:40.8Z'],
];

const field = (value: Uint8Array | string): number[] => {
  const bytes = Buffer.from(value);
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes];
};

/** A packet with its remaining length (MQTT 3.1.1, 2.2.3). */
function packet(first: number, body: readonly number[]): number[] {
  const length: number[] = [];
  for (let rest = body.length; ; rest >>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) return [first, ...length, ...body];
  }
}

const good = [...pushed('"1"')];
const QOS1 = 0x32;
const publish = (first: number, topic: Uint8Array | string, id: number[]): number[] =>
  packet(first, [...field(topic), ...id, ...good]);

/** CONNECT of MQTT 3.1.1: clean session, keepalive 60, client id "m". */
export const connectPacket = packet(0x10, [...field('MQTT'), 4, 2, 0, 60, ...field('m')]);

/** Packets after a good CONNECT: the connection is closed, and counted by the code. */
export const badPackets: [string, number[], string][] = [
  ['QoS 3', publish(0x36, METER_TOPIC, [0, 1]), 'protocol_violation'],
  ['packet id 0', publish(QOS1, METER_TOPIC, [0, 0]), 'packet_id_zero'],
  ['packet id 0 of QoS 2', publish(0x34, METER_TOPIC, [0, 0]), 'packet_id_zero'],
  ['no packet id', packet(QOS1, field(METER_TOPIC)), 'protocol_violation'],
  ['a second CONNECT', connectPacket, 'protocol_violation'],
  ['+ in the topic', publish(QOS1, 'meters/+/up', [0, 1]), 'protocol_violation'],
  ['# in the topic', publish(QOS1, 'meters/#', [0, 1]), 'protocol_violation'],
  ['an empty topic', publish(QOS1, '', [0, 1]), 'protocol_violation'],
  ['NUL in the topic', publish(QOS1, `${METER_TOPIC}\0`, [0, 1]), 'malformed_topic'],
  ['a topic that is no UTF-8', publish(QOS1, Uint8Array.of(0x6d, 0xff, 0xfe), [0, 1]), 'malformed_topic'],
  ['a topic of 101 levels', publish(QOS1, Array(101).fill('a').join('/'), [0, 1]), 'protocol_violation'],
  ['a topic of 65,535 bytes', publish(QOS1, 'a'.repeat(65_535), [0, 1]), 'packet_too_large'],
  ['a topic longer than its packet', packet(QOS1, [0xff, 0xff, 0x6d]), 'protocol_violation'],
  ['length FF FF FF 7F', [QOS1, 0xff, 0xff, 0xff, 0x7f], 'packet_too_large'],
  ['a length of five bytes', [QOS1, 0x80, 0x80, 0x80, 0x80, 0x01], 'malformed_length'],
  ['packet type 0', [0x00, 0x00], 'protocol_violation'],
  ['packet type 15', [0xf0, 0x00], 'protocol_violation'],
  ['SUBSCRIBE with wrong flags', packet(0x80, [0, 1, ...field('#'), 1]), 'protocol_violation'],
];

/** First bytes on a socket: closed, and counted by the code. */
export const badGreetings: [string, number[], string][] = [
  ['256 MB before CONNECT', [0x10, 0xff, 0xff, 0xff, 0x7f], 'packet_too_large'],
  ['PUBLISH before CONNECT', publish(QOS1, METER_TOPIC, [0, 1]), 'not_connect'],
  ['HTTP', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'not_connect'],
  // Its first byte has the type of a CONNECT.
  ['TLS', [0x16, 0x03, 0x01, 0x02, 0x00, 0x01], 'protocol_violation'],
  [
    'a protocol of another name',
    packet(0x10, [...field('MQIsdq'), 4, 2, 0, 60, ...field('m')]),
    'protocol_violation',
  ],
];
