import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSelected, namesOneMeter, secondaryAddress, secondaryBytes } from './address.ts';
import { buildMbusFrame, MbusDeframer, type MbusEvent, type MbusFrame } from './frame.ts';
import { buildAnswer, buildCommand, isAnswer, type MbusCommand, parseCommand } from './link.ts';
import { parseTelegram } from './telegram.ts';
import { recordName, recordText, testTelegrams } from './test-telegrams.ts';

const SEED = 13757;
const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** A whole answer, and its telegram. */
function telegramOf(events: readonly MbusEvent[]) {
  const [event] = events;
  if (events.length !== 1 || !event?.ok || !isAnswer(event.frame)) throw new Error('not one answer');
  const telegram = parseTelegram(event.frame.ci, event.frame.data);
  if (!telegram.ok || !('records' in telegram)) throw new Error('not readable');
  return telegram;
}

describe('telegrams of real meters', () => {
  test.each(testTelegrams)('$of ($source)', ({ hex, header, records, more, reads }) => {
    const telegram = telegramOf(new MbusDeframer().push(bytes(hex)));
    const { id, maker, version, medium } = telegram.header ?? {};
    expect(`${id} ${maker} ${version} ${medium}`).toBe(header);
    expect(telegram).toMatchObject({ more });
    expect(telegram.records).toHaveLength(records);
    const read = Object.fromEntries(
      telegram.records.toReversed().map((one) => [recordName(one), recordText(one)]),
    );
    expect(read).toMatchObject(reads);
  });

  test.each(testTelegrams)('$of, byte by byte and behind another frame', ({ hex }) => {
    const deframer = new MbusDeframer();
    const events = Array.from(bytes(hex), (byte) => deframer.push(Uint8Array.of(byte))).flat();
    expect(events).toEqual(new MbusDeframer().push(bytes(hex)));
    const joined = new MbusDeframer().push(bytes(`e5${hex}1040014116`));
    expect(joined.map((event) => event.ok && event.frame.kind)).toEqual(['ack', 'long', 'short']);
  });

  test.each(testTelegrams)('$of: one wrong byte, wherever it is, leaves no answer', ({ hex }) => {
    const right = bytes(hex);
    for (let at = 0; at < right.length; at++)
      for (const flip of [0x01, 0x80, 0xff]) {
        const wrong = right.slice();
        wrong[at] = (wrong[at] ?? 0) ^ flip;
        const deframer = new MbusDeframer();
        const answers = deframer.push(wrong).filter((event) => event.ok && isAnswer(event.frame));
        // Bits flip in C, A or the data only with the sum; the frame's own bytes stand by themselves.
        expect(answers).toEqual([]);
      }
  });

  test.each(testTelegrams)('$of: cut off anywhere, it is no answer', ({ hex }) => {
    const right = bytes(hex);
    for (let length = 0; length < right.length; length++) {
      const deframer = new MbusDeframer();
      expect(deframer.push(right.subarray(0, length))).toEqual([]);
      expect(deframer.pending).toBe(length);
    }
  });
});

describe('frames', () => {
  test.each<[string, MbusFrame, string]>([
    ['reset of meter 1', buildCommand({ kind: 'reset', address: 1 }), '1040014116'],
    ['request for data, FCB 1', buildCommand({ kind: 'data', address: 1, fcb: true }), '107b017c16'],
    ['request for data, FCB 0', buildCommand({ kind: 'data', address: 1, fcb: false }), '105b015c16'],
    [
      'selection of every meter',
      buildCommand({ kind: 'select', pattern: 'F'.repeat(16) }),
      '680b0b6853fd52ffffffffffffffff9a16',
    ],
    [
      'selection of the ABB meter 01478077',
      buildCommand({ kind: 'select', pattern: '0147807742042002' }),
      '680b0b6853fd5277804701420420024916',
    ],
    ['acknowledgement', { kind: 'ack' }, 'e5'],
  ])('%s', (_title, frame, hex) => {
    expect(Buffer.from(buildMbusFrame(frame)).toString('hex')).toBe(hex);
    const [event] = new MbusDeframer().push(bytes(hex));
    expect(event).toMatchObject({ ok: true, frame });
    if (frame.kind !== 'ack') expect(parseCommand(frame)).not.toBeNull();
  });

  test.each([
    ['lengths that differ', '68 05 06 68 08 01 72 00 00 7b 16', 'bad_frame'],
    ['a length below C, A and CI', '68 02 02 68 08 01 09 16', 'bad_frame'],
    ['no second start', '68 03 03 69 08 01 72 7b 16', 'bad_frame'],
    ['no end', '68 03 03 68 08 01 72 7b 17', 'bad_frame'],
    ['a wrong sum', '68 03 03 68 08 01 72 7c 16', 'bad_checksum'],
    ['a short frame without end', '10 40 01 41 17', 'bad_frame'],
    ['a short frame with a wrong sum', '10 40 01 42 16', 'bad_checksum'],
    ['noise', '00 ff 55', 'noise'],
  ])('%s', (_title, hex, code) => {
    expect(new MbusDeframer().push(bytes(hex))[0]).toEqual({ ok: false, code });
  });

  test('a frame is found behind noise, and behind a broken one', () => {
    const events = new MbusDeframer().push(bytes('00ff 6803046808 e5 1040014116'));
    expect(events.flatMap((event) => (event.ok ? [event.frame.kind] : []))).toEqual(['ack', 'short']);
  });

  test('anything at all in any pieces never throws, and what is in one piece is in many (seeded)', () => {
    const parts = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom(...testTelegrams.map(({ hex }) => bytes(hex))),
      fc.constantFrom(bytes('68'), bytes('6803036808'), bytes('e5'), bytes('10')),
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 6 }), fc.integer({ min: 1, max: 50 }), (pieces, size) => {
        const stream = Buffer.concat(pieces);
        const whole = new MbusDeframer().push(stream);
        const deframer = new MbusDeframer();
        const split: MbusEvent[] = [];
        for (let at = 0; at < stream.length; at += size)
          split.push(...deframer.push(stream.subarray(at, at + size)));
        const frames = (events: MbusEvent[]) => events.filter((event) => event.ok);
        expect(frames(split)).toEqual(frames(whole));
        for (const event of whole)
          if (event.ok && event.frame.kind === 'long') parseTelegram(event.frame.ci, event.frame.data);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });
});

describe('addresses', () => {
  test('a secondary address is written as the number is printed, then maker, version and medium as on the wire', () => {
    expect(secondaryAddress(bytes('7780470142042002'))).toBe('0147807742042002');
    expect(Buffer.from(secondaryBytes('0147807742042002')).toString('hex')).toBe('7780470142042002');
  });

  test.each([
    ['0147807742042002', true],
    ['F147807742042002', false],
    ['0500023E434C1202', true],
    ['01478077FFFF2002', false],
    ['014780774204FF02', false],
    ['01478077420420FF', false],
    ['FFFFFFFFFFFFFFFF', false],
    ['0147807742042F02', true],
    ['014780774204200', false],
  ])('%s names one meter: %s', (address, expected) => {
    expect(namesOneMeter(address)).toBe(expected);
  });

  test.each([
    ['0147807742042002', true],
    ['0147807F42042002', true],
    ['F1478077FFFFFFFF', true],
    ['FFFFFFFFFFFFFFFF', true],
    ['FFFFFFFF4204FF02', true],
    ['0147807842042002', false],
    ['FFFFFFFF4304FFFF', false],
    ['FFFFFFFFFFFFFF07', false],
  ])('a selection of %s selects 0147807742042002: %s', (pattern, expected) => {
    expect(isSelected(pattern, '0147807742042002')).toBe(expected);
  });

  test('a meter hears its commands, and nothing that would write', () => {
    const commands: MbusCommand[] = [
      { kind: 'reset', address: 250 },
      { kind: 'data', address: 253, fcb: true },
      { kind: 'select', pattern: '0147807742042002' },
    ];
    for (const command of commands) expect(parseCommand(buildCommand(command))).toEqual(command);
    const setAddress: MbusFrame = {
      kind: 'long',
      control: 0x53,
      address: 1,
      ci: 0x51,
      data: bytes('017a05'),
    };
    expect(parseCommand(setAddress)).toBeNull();
    expect(parseCommand(buildAnswer(1, 0x72, new Uint8Array(0)))).toBeNull();
  });
});
