import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BcdFormat,
  bcdBytes,
  bytesFromDigits,
  decodeBcd,
  digitsFromBytes,
  encodeBcd,
  isAddressed,
} from './bcd.ts';
import { formatMicro, micro } from './units.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const format = (digits: string, more: Partial<BcdFormat> = {}): BcdFormat =>
  BcdFormat.parse({ format: digits, ...more });

describe('a BCD register', () => {
  test.each<[string, string, Partial<BcdFormat>, string]>([
    ['56341200', 'XXXXXX.XX', {}, '1234.56'],
    ['99999999', 'XXXXXX.XX', {}, '999999.99'],
    ['00000000', 'XXXXXX.XX', {}, '0'],
    ['0523', 'XXX.X', {}, '230.5'],
    ['001500', 'XXX.XXX', {}, '1.5'],
    ['001580', 'XXX.XXX', { signed: true }, '-1.5'],
    ['563492', 'XX.XXXX', { signed: true, scale: '1000' }, '-12345.6'],
    ['563492', 'XX.XXXX', { scale: '1000' }, '92345.6'],
    ['2003', 'XXXX', {}, '320'],
    ['56341280', 'XXXXXX.XX', { signed: true }, '-1234.56'],
  ])('%s as %s is exact', (hex, digits, more, value) => {
    const decoded = decodeBcd(format(digits, more), bytes(hex));
    expect(decoded.value === null ? decoded.code : formatMicro(decoded.value)).toBe(value);
    expect(encodeBcd(format(digits, more), micro(value))).toEqual(bytes(hex));
  });
  test.each([
    ['ffffffff', 'not_available'],
    ['5634120a', 'illegal_digit'],
    ['a6341200', 'illegal_digit'],
    ['56ff1200', 'illegal_digit'],
    ['ffffff7f', 'illegal_digit'],
  ])('%s is no value: %s', (hex, code) => {
    for (const signed of [false, true])
      expect(decodeBcd(format('XXXXXX.XX', { signed }), bytes(hex))).toEqual({ value: null, code });
  });
  test('finer than a millionth is out of range', () => {
    const fine = format('XX.XXXX', { scale: '0.001' });
    expect(decodeBcd(fine, bytes('010000'))).toEqual({ value: null, code: 'out_of_range' });
    expect(decodeBcd(fine, bytes('100000'))).toEqual({ value: 1n });
  });
  test('every value of any format comes back', () => {
    const formats = [format('XXXXXX.XX'), format('XX.XXXX', { signed: true, scale: '1000' }), format('XXXX')];
    const property = fc.property(
      fc.constantFrom(...formats),
      fc.nat(799_999),
      fc.boolean(),
      (one, n, minus) => {
        const step = one.scale === '1000' ? 100_000n : one.format === 'XXXX' ? 1_000_000n : 10_000n;
        const magnitude = BigInt(one.format === 'XXXX' ? n % 10_000 : n) * step;
        const value = minus && one.signed ? -magnitude : magnitude;
        expect(encodeBcd(one, value)).toHaveLength(bcdBytes(one));
        expect(decodeBcd(one, encodeBcd(one, value))).toEqual({ value });
      },
    );
    fc.assert(property, { seed: 645, numRuns: 500 });
  });
  test('what does not fit is refused', () => {
    expect(() => encodeBcd(format('XXXX'), micro('10000'))).toThrow(RangeError);
    expect(() => encodeBcd(format('XXXX'), micro('-1'))).toThrow(RangeError);
    expect(() => encodeBcd(format('XXXX', { signed: true }), micro('8000'))).toThrow(RangeError);
    expect(encodeBcd(format('XXXX'), null)).toEqual(bytes('ffff'));
  });
  test.each(['XXX', 'XX.X', '', '.XX', 'XX.', '99.99', 'X.X.XX'])('"%s" is no format', (format) => {
    expect(BcdFormat.safeParse({ format }).success).toBe(false);
  });
});

describe('an address', () => {
  test('goes low byte first', () => {
    expect(bytesFromDigits('123456789012')).toEqual(bytes('129078563412'));
    expect(digitsFromBytes(bytes('129078563412'))).toBe('123456789012');
  });
  test.each([
    ['000000000001', '000000000001', true],
    ['000000000001', '000000000002', false],
    ['AAAAAAAAAAAA', '000000000002', true],
    ['AAAAAAAA0002', '123456780002', true],
    ['AAAAAAAA0002', '123456780003', false],
    ['AAAAAAAAAAAA', '00000000000002', false],
  ])('%s asked, %s answering: %s', (asked, answering, expected) => {
    expect(isAddressed(asked, answering)).toBe(expected);
  });
});
