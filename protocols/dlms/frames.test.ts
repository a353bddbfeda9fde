import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc16X25 } from './crc16-x25.ts';
import { buildHdlcFrame, HdlcDeframer, type HdlcFrame, hdlcAddress } from './hdlc-frame.ts';
import { buildHdlcParameters, HDLC_DEFAULTS, HdlcLink, parseHdlcParameters } from './hdlc-link.ts';
import { buildWrapperFrame, WrapperDeframer } from './wrapper.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const none: Uint8Array = new Uint8Array(0);

const client = hdlcAddress(16);
const server = hdlcAddress(1, 17, 2);
/** The AARQ of a public client to the logical device 1 of the physical device 17, as in open test suites. */
const AARQ =
  '7E A0 2C 02 23 21 10 AF 9F E6 E6 00 60 1D A1 09 06 07 60 85 74 05 08 01 01 BE 10 04 0E 01 00 00 00 06 5F 1F 04 00 00 1E 1D FF FF C5 E4 7E';
/** What Gurux's server answers to it, and to a request for a link. */
const AARE =
  '7E A0 38 21 02 23 30 34 E7 E6 E7 00 61 29 A1 09 06 07 60 85 74 05 08 01 01 A2 03 02 01 00 A3 05 A1 03 02 01 00 BE 10 04 0E 08 00 06 5F 1F 04 00 00 10 14 04 B0 00 07 64 44 7E';
const SNRM =
  '7E A0 1F 02 23 21 93 21 E0 81 80 12 05 01 80 06 01 80 07 04 00 00 00 01 08 04 00 00 00 01 53 3B 7E';
const DISC = '7E A0 08 02 23 21 53 B1 A2 7E';

const deframe = (...chunks: Uint8Array[]) => {
  const deframer = new HdlcDeframer();
  return chunks.flatMap((chunk) => deframer.push(chunk));
};
const codes = (...chunks: Uint8Array[]): string[] =>
  deframe(...chunks).map((event) => (event.ok ? 'frame' : event.code));

test('the check of HDLC has the published value of its digits', () => {
  expect(crc16X25(new TextEncoder().encode('123456789'))).toBe(0x906e);
});

describe('addresses of HDLC', () => {
  test.each<[number, number | undefined, 1 | 2 | 4, string]>([
    [16, undefined, 1, '21'],
    [1, undefined, 1, '03'],
    [1, 17, 2, '02 23'],
    [1, 17, 4, '00 02 00 23'],
    [1, 16_381, 4, '00 02 FE FB'],
  ])('%i and %s in %i bytes is %s', (upper, lower, length, wire) => {
    expect(hdlcAddress(upper, lower, length)).toEqual(bytes(wire));
  });
  test.each<[number, number | undefined, 1 | 2 | 4]>([
    [128, undefined, 1],
    [1, 128, 2],
    [1, 16_384, 4],
    [1, 1, 1],
    [1, undefined, 4],
  ])('%i and %s in %i bytes is refused', (upper, lower, length) => {
    expect(() => hdlcAddress(upper, lower, length)).toThrow(RangeError);
  });
});

describe('frames of HDLC', () => {
  test.each<[string, string, HdlcFrame]>([
    [
      'information',
      AARQ,
      {
        destination: server,
        source: client,
        control: 0x10,
        information: bytes(AARQ).slice(9, -3),
        segmented: false,
      },
    ],
    [
      'none',
      DISC,
      { destination: server, source: client, control: 0x53, information: none, segmented: false },
    ],
  ])('with %s', (_title, wire, frame) => {
    expect(buildHdlcFrame(frame)).toEqual(bytes(wire));
    expect(deframe(bytes(wire))).toEqual([{ ok: true, frame, bytes: bytes(wire).slice(1, -1) }]);
  });
  test('split, joined, with a flag between them or two', () => {
    expect(codes(...Array.from(bytes(AARE), (byte) => Uint8Array.of(byte)))).toEqual(['frame']);
    expect(codes(join(bytes(AARE), bytes(SNRM)))).toEqual(['frame', 'frame']);
    expect(codes(join(bytes(AARE), bytes(SNRM).slice(1)))).toEqual(['frame', 'frame']);
    const deframer = new HdlcDeframer();
    deframer.push(bytes(AARE));
    expect(deframer.pending).toBe(0);
    deframer.push(bytes('A0'));
    expect(deframer.pending).toBe(2);
  });
  test('each flipped bit is found', () => {
    const whole = bytes(AARE);
    for (let bit = 8; bit < (whole.length - 1) * 8; bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codes(damaged)).not.toContain('frame');
    }
  });
  test('a bad frame check, a bad header check behind a good frame check, noise and half a frame are told', () => {
    expect(codes(bytes(AARE).with(-3, 0))).toEqual(['bad_crc']);
    const header = bytes(AARE).slice(1, -3).with(7, 0);
    const check = crc16X25(header);
    expect(codes(Uint8Array.of(0x7e, ...header, check & 0xff, check >> 8, 0x7e))).toEqual(['bad_crc']);
    expect(codes(join(bytes('00 FF'), bytes(AARE)))).toEqual(['noise', 'frame']);
    expect(codes(bytes('7E A0 06 02 23 21 10 7E'))[0]).toBe('bad_frame');
    expect(codes(bytes(`7E 90 ${AARE.slice(6)}`))[0]).toBe('bad_frame');
    expect(codes(join(bytes(AARE).slice(0, 20), bytes(AARE)))).toEqual(['bad_frame', 'frame']);
    // No address has three bytes.
    expect(codes(buildHdlcFrame({ ...frameOf(DISC), source: bytes('20 20 21') }))).toEqual(['bad_frame']);
  });
  test('any frames in any pieces come out as they went in', () => {
    const frame = fc.record({
      destination: fc.constantFrom(client, server, hdlcAddress(1, 300, 4)),
      source: fc.constantFrom(client, server),
      control: fc.nat(255),
      information: fc.uint8Array({ maxLength: 300 }),
      segmented: fc.boolean(),
    });
    const property = fc.property(
      fc.array(frame, { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (frames, sizes) => {
        const out = deframe(...pieces(join(...frames.map(buildHdlcFrame)), sizes));
        expect(out.map((event) => event.ok && event.frame)).toEqual(frames);
      },
    );
    fc.assert(property, { seed: 62056, numRuns: 200 });
  });
  test('any bytes at all are read without a fault', () => {
    const noise = fc.array(fc.uint8Array({ maxLength: 60 }));
    const property = fc.property(noise, (chunks) => {
      deframe(bytes('7E'), ...chunks);
      new WrapperDeframer().push(join(...chunks));
    });
    fc.assert(property, { seed: 62056, numRuns: 500 });
  });
});

function pieces(stream: Uint8Array, sizes: number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, n = 0; at < stream.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    chunks.push(stream.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

function frameOf(wire: string): HdlcFrame {
  const [event] = deframe(bytes(wire));
  if (event?.ok !== true) throw new Error(`no frame: ${wire}`);
  return event.frame;
}

describe('a link of HDLC', () => {
  const answer = (control: number, information = none, segmented = false): HdlcFrame => ({
    destination: client,
    source: server,
    control,
    information,
    segmented,
  });
  /** A link on which one request has been answered. */
  function linked(): HdlcLink {
    const link = new HdlcLink(client, server);
    expect(buildHdlcFrame(link.connect())).toEqual(bytes(SNRM));
    expect(link.hear(link.connect(), answer(0x73))).toMatchObject({ kind: 'acknowledged' });
    const request = link.carry(frameOf(AARQ).information);
    expect(buildHdlcFrame(request)).toEqual(bytes(AARQ));
    expect(link.hear(request, frameOf(AARE))).toEqual({
      ok: true,
      kind: 'information',
      information: frameOf(AARE).information,
      more: false,
    });
    return link;
  }
  test('numbers its frames, and those that it takes', () => {
    const link = linked();
    const next = link.carry(bytes('01'));
    expect(next.control).toBe(0x32);
    expect(link.hear(next, answer(0x52, bytes('02')))).toMatchObject({ ok: true, more: false });
    expect(link.carry(bytes('01')).control).toBe(0x54);
    expect(buildHdlcFrame(link.disconnect())).toEqual(bytes(DISC));
  });
  test('asks for the rest of what comes in segments, or comes late', () => {
    const link = linked();
    const request = link.carry(bytes('01'));
    expect(link.hear(request, answer(0x51))).toMatchObject({ information: none, more: true });
    expect(link.ready().control).toBe(0x31);
    expect(link.hear(link.ready(), answer(0x52, bytes('02'), true))).toMatchObject({ more: true });
    expect(link.ready().control).toBe(0x51);
    expect(link.hear(link.ready(), answer(0x54, bytes('03')))).toMatchObject({ ok: true, more: false });
  });
  test.each<[string, HdlcFrame, object]>([
    ['of another meter', { ...answer(0x52), source: hdlcAddress(1, 18, 2) }, { code: 'wrong_unit' }],
    ['to another client', { ...answer(0x52), destination: hdlcAddress(1) }, { code: 'wrong_unit' }],
    ['that came before', answer(0x30, bytes('02')), { code: 'wrong_transaction' }],
    ['that skips one', answer(0x54, bytes('02')), { code: 'wrong_transaction' }],
    ['to the request before', answer(0x32, bytes('02')), { code: 'wrong_transaction' }],
    ['that gives nobody the word', answer(0x42, bytes('02')), { code: 'wrong_function' }],
    ['to a request for a link', answer(0x73), { code: 'wrong_function' }],
    ['that acknowledges the request before', answer(0x31), { code: 'wrong_transaction' }],
    ['without a link', answer(0x1f), { ok: true, kind: 'disconnected' }],
    ['of rejection', answer(0x97, bytes('32 00 01')), { ok: true, kind: 'disconnected' }],
  ])('an answer %s', (_title, frame, heard) => {
    const link = linked();
    expect(link.hear(link.carry(bytes('01')), frame)).toMatchObject(heard);
  });
  test('an answer to a request for a link is no other', () => {
    const link = new HdlcLink(client, server);
    expect(link.hear(link.connect(), answer(0x30, bytes('02')))).toMatchObject({ code: 'wrong_function' });
    expect(link.hear(link.connect(), answer(0x1f))).toMatchObject({ kind: 'disconnected' });
  });
  test('its parameters', () => {
    const sent = '81 80 14 05 02 02 00 06 02 04 00 07 04 00 00 00 01 08 04 00 00 00 01';
    const wide = { maxTransmit: 512, maxReceive: 1024, windowTransmit: 1, windowReceive: 1 };
    expect(parseHdlcParameters(bytes(sent))).toEqual(wide);
    expect(buildHdlcParameters(wide)).toEqual(bytes(sent));
    expect(parseHdlcParameters(none)).toEqual(HDLC_DEFAULTS);
    expect(parseHdlcParameters(bytes('81 80 03 06 01 40'))).toEqual({ ...HDLC_DEFAULTS, maxReceive: 64 });
    for (const wrong of ['81', '82 80 00', '81 80 04 06 01 40', '81 80 03 06 02 40', '81 80 02 06 00'])
      expect(parseHdlcParameters(bytes(wrong))).toBeNull();
  });
});

describe('frames of the wrapper', () => {
  const wire = '00 01 00 01 00 10 00 07 C4 01 C1 00 10 00 3C';
  const frame = { source: 1, destination: 16, pdu: bytes('C4 01 C1 00 10 00 3C') };
  const unwrap = (...chunks: Uint8Array[]) => {
    const deframer = new WrapperDeframer();
    return chunks.flatMap((chunk) => deframer.push(chunk)).map((event) => event.ok && event.frame);
  };
  test('whole, split, joined', () => {
    expect(buildWrapperFrame(frame)).toEqual(bytes(wire));
    expect(unwrap(bytes(wire))).toEqual([frame]);
    expect(unwrap(...Array.from(bytes(wire), (byte) => Uint8Array.of(byte)))).toEqual([frame]);
    expect(unwrap(bytes(wire + wire))).toEqual([frame, frame]);
  });
  test('another version is no frame, and half a frame none yet', () => {
    expect(new WrapperDeframer().push(bytes(`00 02 ${wire.slice(6)}`))).toEqual([
      { ok: false, code: 'bad_frame' },
    ]);
    expect(unwrap(bytes(wire).slice(0, -1))).toEqual([]);
  });
});
