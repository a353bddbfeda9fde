import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RegisterType, WordOrder } from '../profile.ts';
import { formatMicro, micro } from '../units.ts';
import {
  encodeRegister,
  type RegisterFormat,
  registerDecoder,
  registerTextDecoder,
  registerWords,
} from './registers.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hex = (data: Uint8Array): string => Array.from(data, (b) => b.toString(16).padStart(2, '0')).join('');
const format = (type: RegisterFormat['type'], scale = '1', order: RegisterFormat['order'] = 'ABCD') => ({
  type,
  order,
  scale,
});
const decoded = (of: RegisterFormat, wire: string): string => {
  const result = registerDecoder(of)(bytes(wire), 0);
  const text = registerTextDecoder(of)(bytes(wire), 0);
  expect(text).toEqual(result.value === null ? result : { value: formatMicro(result.value) });
  return text.value ?? text.code;
};

describe('a register decodes to the exact decimal that its bytes hold', () => {
  test.each<[RegisterFormat, string, string]>([
    [format('u16'), '0000', '0'],
    [format('u16', '0.1'), '08fd', '230.1'],
    [format('i16', '0.001'), 'fc18', '-1'],
    [format('i16', '0.01'), 'ffff', '-0.01'],
    [format('u16'), '7fff', '32767'],
    [format('u16'), '8000', '32768'],
    [format('u32', '0.01'), '7ffffffe', '21474836.46'],
    [format('u32', '0.01'), '80000001', '21474836.49'],
    [{ ...format('i32', '0.01'), billing: true }, 'fffffffe', '-0.02'],
    [format('u8high'), '035a', '3'],
    [format('u8low'), '035a', '90'],
    [format('u8low', '1', 'BADC'), '035a', '3'],
    [format('u32', '0.01'), '00bc614e', '123456.78'],
    [format('u32', '0.01'), 'fffffffe', '42949672.94'],
    [format('i32', '0.1'), 'ffffffff', '-0.1'],
    [format('u64', '0.01'), '002386f26fc0ffff', '99999999999999.99'],
    // Past 2^53 a float would lose the last digits.
    [format('u64'), '0020000000000001', '9007199254740993'],
    [format('u64', '0.000001'), '0020000000000001', '9007199254.740993'],
    [format('i64', '0.001'), 'fffffffffffffc18', '-1'],
    [format('bcd32', '0.01'), '12345678', '123456.78'],
    [format('bcd32', '0.01'), '00000000', '0'],
    [format('f32'), '47f12000', '123456'],
    [format('f32'), '3dcccccd', '0.1'],
    [format('f32'), '436669fc', '230.414'],
    [format('f32'), 'c2f6e979', '-123.456'],
    [format('f32'), '80000000', '0'],
    [format('f32', '0.001'), '4b18967f', '9999.999'],
    [format('f32'), '49742401', '1000000.06'],
    [format('f32'), '35000001', '0'],
    [format('f32'), '358637bd', '0.000001'],
    [format('f64', '0.001'), '4132d687e3d70a3d', '1234.56789'],
    [format('f64'), '40fe240c9fbe76c9', '123456.789'],
  ])('%j %s is %s', (of, wire, expected) => {
    expect(decoded(of, wire)).toBe(expected);
  });
});

test('the decimal of any bytes is that of their millionths', () => {
  const scales = [
    '1',
    '0.1',
    '0.01',
    '0.000001',
    '0.0000001',
    '10',
    '0.25',
    '4096',
    '999999',
    '1000001',
    '-0.5',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...RegisterType.options),
      fc.constantFrom(...WordOrder.options),
      fc.constantFrom(...scales),
      fc.uint8Array({ minLength: 9, maxLength: 9 }),
      fc.constantFrom(0, 1),
      (type, order, scale, data, offset) => {
        const of = { type, order, scale };
        const { value, code } = registerDecoder(of)(data, offset);
        const text = registerTextDecoder(of)(data, offset);
        expect(text).toEqual(value === null ? { value, code } : { value: formatMicro(value) });
      },
    ),
    { seed: 7, numRuns: 5000 },
  );
});

describe('the four word orders name the same value', () => {
  test.each<[RegisterFormat, string]>([
    [format('u32', '1', 'ABCD'), '01020304'],
    [format('u32', '1', 'CDAB'), '03040102'],
    [format('u32', '1', 'BADC'), '02010403'],
    [format('u32', '1', 'DCBA'), '04030201'],
  ])('%j %s', (of, wire) => {
    expect(decoded(of, wire)).toBe('16909060');
  });
  test.each<[RegisterFormat, string]>([
    [format('u64', '1', 'ABCD'), '0000000102030405'],
    [format('u64', '1', 'CDAB'), '0405020300010000'],
    [format('u64', '1', 'BADC'), '0000010003020504'],
    [format('u64', '1', 'DCBA'), '0504030201000000'],
  ])('%j %s', (of, wire) => {
    expect(decoded(of, wire)).toBe('4328719365');
  });
  test('a 16 bit register has only its two bytes to swap', () => {
    expect(decoded(format('u16', '1', 'CDAB'), '0102')).toBe('258');
    expect(decoded(format('u16', '1', 'DCBA'), '0102')).toBe('513');
  });
});

describe('a pattern that is no value gives its code, never a number', () => {
  test.each<[RegisterFormat, string, string]>([
    [format('u16'), 'ffff', 'not_available'],
    [format('u8high'), 'ff5a', 'not_available'],
    [format('u8low'), '03ff', 'not_available'],
    [format('u32'), 'ffffffff', 'not_available'],
    [format('u32'), '7fffffff', 'not_available'],
    [format('u32', '0.01'), '80000000', 'not_available'],
    [format('u32', '0.01', 'CDAB'), '00008000', 'not_available'],
    [format('u64'), 'ffffffffffffffff', 'not_available'],
    [format('u64'), '7fffffffffffffff', 'not_available'],
    [format('u64'), '8000000000000000', 'not_available'],
    [{ ...format('i16'), billing: true }, 'ffff', 'not_available'],
    [{ ...format('i32', '0.01'), billing: true }, 'ffffffff', 'not_available'],
    [{ ...format('i64', '0.01'), billing: true }, 'ffffffffffffffff', 'not_available'],
    [format('i16'), '7fff', 'not_available'],
    [format('i32'), '7fffffff', 'not_available'],
    [format('i32'), '80000000', 'not_available'],
    [format('i64'), '7fffffffffffffff', 'not_available'],
    [format('f32'), '7fc00000', 'not_available'],
    [format('f32'), '7f800000', 'not_available'],
    [format('f32'), 'ff800000', 'not_available'],
    [format('f64'), '7ff8000000000000', 'not_available'],
    [format('bcd32'), 'ffffffff', 'not_available'],
    [format('bcd32'), '1234567a', 'illegal_digit'],
    [format('bcd32'), 'f2345678', 'illegal_digit'],
    [format('f32'), '7f7fffff', 'out_of_range'],
    [format('f64'), '7fe0000000000000', 'out_of_range'],
    [format('u16', '0.0000001'), '0001', 'out_of_range'],
  ])('%j %s is %s', (of, wire, code) => {
    expect(decoded(of, wire)).toBe(code);
  });
  test('the smallest float is zero at six decimals, not an error', () => {
    expect(decoded(format('f64'), '0010000000000000')).toBe('0');
    expect(decoded(format('f32'), '00800000')).toBe('0');
  });
  test('a subnormal float is no value of a meter: 230 V with its words swapped is one', () => {
    expect(decoded(format('f32'), '00004366')).toBe('out_of_range');
    expect(decoded(format('f64'), '0000000000000001')).toBe('out_of_range');
  });
});

describe('a simulated meter holds what a real one would', () => {
  test.each<[RegisterFormat, string, string]>([
    [format('u32', '0.01'), '123456.789', '00bc614e'],
    [format('u32', '0.01', 'CDAB'), '123456.78', '614e00bc'],
    [format('i32', '0.1'), '-0.1', 'ffffffff'],
    [format('u64', '0.01'), '99999999999999.99', '002386f26fc0ffff'],
    [format('bcd32', '0.01'), '123456.789', '12345678'],
    [format('u8high'), '3', '0300'],
    [format('u8low'), '90', '005a'],
    [format('f32'), '0.1', '3dcccccd'],
    [format('f32', '1', 'DCBA'), '0.1', 'cdcccc3d'],
    [format('f64', '0.001'), '1234.56789', '4132d687e3d70a3d'],
  ])('%j of %s is %s', (of, value, wire) => {
    expect(hex(encodeRegister(of, micro(value)))).toBe(wire);
  });
  test.each(RegisterType.options)('%s without a value decodes as not available', (type) => {
    const wire = encodeRegister(format(type, '0.01', 'CDAB'), null);
    expect(wire.length).toBe(registerWords(type) * 2);
    expect(decoded(format(type, '0.01', 'CDAB'), hex(wire))).toBe('not_available');
  });
  test.each<[RegisterFormat, string]>([
    [format('u16'), '65536'],
    [format('u16'), '-1'],
    [format('i16'), '32768'],
    [format('u8low'), '256'],
    [format('u8high'), '-1'],
    [format('bcd32'), '100000000'],
  ])('%j refuses %s', (of, value) => {
    expect(() => encodeRegister(of, micro(value))).toThrow(RangeError);
  });
});
