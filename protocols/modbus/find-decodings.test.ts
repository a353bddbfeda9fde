import { describe, expect, test } from 'vitest';
import { ModbusProfile, type RegisterType, type WordOrder } from '../profile.ts';
import { findDecodings, parseFace, type Transformed } from './find-decodings.ts';
import { rankDecodings } from './rank-decodings.ts';
import { encodeRegister } from './registers.ts';

const face = (text: string) => {
  const parsed = parseFace(text);
  if (parsed === null) throw new Error(`"${text}" is no face`);
  return parsed;
};
/** Words by address; what is around them is noise that means nothing. */
function registers(address: number, hex: string): Map<number, number> {
  const words = new Map(Array.from({ length: 40 }, (_, i) => [i, (i * 40_503 + 77) & 0xffff]));
  for (let i = 0; i * 4 < hex.length; i++) words.set(address + i, parseInt(hex.slice(i * 4, i * 4 + 4), 16));
  return words;
}
const hexOf = (type: RegisterType, order: WordOrder, scale: string, micro: bigint): string =>
  Buffer.from(encodeRegister({ type, order, scale }, micro)).toString('hex');

describe('finds what a meter holds', () => {
  test.each<[RegisterType, WordOrder, string, number]>([
    ['u32', 'ABCD', '0.01', -2],
    ['i32', 'CDAB', '0.01', -2],
    ['u32', 'BADC', '0.001', -3],
    ['u32', 'DCBA', '0.01', -2],
    ['f32', 'ABCD', '1', 0],
    ['f32', 'CDAB', '1', 0],
    ['f32', 'DCBA', '0.001', -3],
    ['u64', 'ABCD', '0.001', -3],
    ['i64', 'CDAB', '0.01', -2],
    ['u64', 'ABCD', '0.0001', -4],
    ['f64', 'ABCD', '0.001', -3],
    ['bcd32', 'ABCD', '0.01', -2],
    ['bcd32', 'CDAB', '0.01', -2],
  ])('%s %s x %s', (type, order, scale, exponent) => {
    const found = findDecodings(
      registers(12, hexOf(type, order, scale, 98_765_430_000n)),
      face('98765.43'),
      null,
    );
    const wanted = {
      address: 12,
      type: type.replace('i', 'u'),
      order,
      exponent,
      transformed: 'none',
      coarseDigits: 0,
    };
    expect(found).toContainEqual(expect.objectContaining(wanted));
    expect(found.length).toBeLessThanOrEqual(2);
  });

  test('a 16-bit register, whose words have no order', () => {
    expect(findDecodings(registers(9, '3039'), face('1234.5'), null)).toEqual([
      expect.objectContaining({
        address: 9,
        type: 'u16',
        order: 'ABCD',
        exponent: -1,
        raw: '3039',
        shows: '1234.5',
      }),
    ]);
  });

  test.each<[string, string, Transformed]>([
    ['a face before the transformers, registers after them', '2469.13', 'divided'],
    ['a face after them, registers before', '3950617.2', 'multiplied'],
  ])('%s', (_title, shown, transformed) => {
    const held = registers(3, hexOf('u32', 'CDAB', '0.01', 98_765_430_000n));
    expect(findDecodings(held, face(shown), '40')).toContainEqual(
      expect.objectContaining({ address: 3, type: 'u32', order: 'CDAB', exponent: -2, transformed }),
    );
    expect(findDecodings(held, face(shown), null)).toEqual([]);
  });

  test('a register of whole kWh below a face of hundredths, as coarser than the face', () => {
    expect(findDecodings(registers(3, '000181cd'), face('98765.43'), null)).toEqual([
      expect.objectContaining({ type: 'u32', exponent: 0, coarseDigits: 2, shows: '98765' }),
    ]);
  });

  test('a float too coarse for the last digit of a large number', () => {
    const held = registers(3, hexOf('f32', 'ABCD', '1', 1_234_567_890_000n));
    expect(findDecodings(held, face('1234567.89'), null)).toEqual([
      expect.objectContaining({ type: 'f32', exponent: 0 }),
    ]);
  });
});

describe('the meter runs on while it is read', () => {
  test.each([
    ['98765.42', 1],
    ['98765.43', 1],
    ['98765.44', 1],
    ['98765.45', 0],
    ['98765.41', 0],
  ])('a face of %s over 98765.43', (shown, count) => {
    expect(
      findDecodings(registers(3, hexOf('u32', 'ABCD', '0.01', 98_765_430_000n)), face(shown), null),
    ).toHaveLength(count);
  });
});

describe('what says nothing is no evidence', () => {
  test.each(['0', '0.00', '99', '0.42', '', '12,5', '1.2.3', '-5', '12.1234567', '1e5'])(
    'the face "%s"',
    (text) => {
      expect(parseFace(text)).toBeNull();
    },
  );
  test('zeros before the number count for nothing', () => {
    expect(parseFace('00012345.60')).toEqual({ digits: 1234560n, fraction: 2 });
  });
  test('a raw number of fewer than three digits, however scaled', () => {
    expect(findDecodings(new Map([[0, 50]]), face('500'), null)).toEqual([]);
  });
  test('the pattern for "no value"', () => {
    expect(
      findDecodings(
        new Map([
          [0, 0xffff],
          [1, 0xffff],
        ]),
        face('42949672.95'),
        null,
      ),
    ).toEqual([]);
  });
  test('half of a register that was not read', () => {
    const word = registers(3, hexOf('u32', 'ABCD', '0.01', 98_765_430_000n)).get(3) ?? 0;
    expect(findDecodings(new Map([[3, word]]), face('98765.43'), null)).toEqual([]);
  });
});

describe('ranks them', () => {
  const profile = ModbusProfile.parse({
    id: 'known',
    make: 'M',
    model: 'M',
    utility: 'electricity',
    source: 'this test',
    protocol: 'modbus',
    functionCode: 3,
    registers: [
      {
        obis: '1-0:1.8.0',
        name: 'import',
        address: 8,
        type: 'i64',
        scale: '0.001',
        unit: 'kWh',
        billing: true,
      },
      { obis: '1-0:16.7.0', name: 'power', address: 10, type: 'u32', scale: '0.001', unit: 'W' },
    ],
  });
  const held = registers(8, hexOf('u64', 'ABCD', '0.001', 98_765_430_000n));
  const found = (functionCode: 3 | 4) =>
    findDecodings(held, face('98765.430'), null).map((decoding) => ({ ...decoding, functionCode }));

  test('what a known model reads first, then the usual before the odd', () => {
    const ranked = rankDecodings(found(3), [profile]);
    expect(ranked.map(({ type, address, known }) => [type, address, known.map(({ obis }) => obis)])).toEqual([
      ['u64', 8, ['1-0:1.8.0']],
      ['u32', 10, []],
    ]);
  });
  test('a model of the other function does not know it', () => {
    expect(rankDecodings(found(4), [profile]).map(({ type, known }) => [type, known])).toEqual([
      ['u32', []],
      ['u64', []],
    ]);
  });
});
