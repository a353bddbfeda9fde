import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  blockAddress,
  blockWords,
  decodeBlock,
  type FrozenRegister,
  ModbusHistory,
} from './frozen-history.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => parseInt(pair, 16));
const { series, registers } = ModbusHistory.parse({
  series: [{ every: 'day', address: 0x6000, stride: 0x22, count: 90 }],
  registers: [
    { obis: '1-0:1.8.0', word: 2, type: 'u32', scale: '0.01' },
    { obis: '1-0:1.8.4', word: 10, type: 'u32', scale: '0.01' },
  ],
});
const total = registers.slice(0, 1);
const MIDNIGHT = '1A 09 03 00';

describe('frozen blocks of a Modbus meter', () => {
  test('stand one stride after the other, the newest first', () => {
    const [daily] = series;
    expect(daily && [1, 2, 90].map((back) => blockAddress(daily, back))).toEqual([0x6000, 0x6022, 0x6bd2]);
    expect(blockWords(total)).toBe(4);
    expect(blockWords(registers)).toBe(12);
    expect(blockWords([])).toBe(2);
  });
  test.each<[string, FrozenRegister[], string, bigint, string, (string | null)[]]>([
    ['a total', total, `${MIDNIGHT} 00 01 E2 40`, 1n, '2026-09-03T00:00:00', ['1234560000']],
    ['times PT x CT', total, `${MIDNIGHT} 00 01 E2 40`, 40n, '2026-09-03T00:00:00', ['49382400000']],
    ['in the year 2000', total, '00 01 01 00 00 00 00 00', 1n, '2000-01-01T00:00:00', ['0']],
    ['in the year 2099', total, '63 0C 1F 17 00 00 00 01', 1n, '2099-12-31T23:00:00', ['10000']],
    ['that is not there', total, `${MIDNIGHT} FF FF FF FF`, 40n, '2026-09-03T00:00:00', [null]],
    [
      'and a rate',
      registers,
      `${MIDNIGHT} 00 00 00 02 ${'00'.repeat(12)} 00 00 00 01`,
      1n,
      '2026-09-03T00:00:00',
      ['20000', '10000'],
    ],
  ])('%s', (_title, some, hex, multiplier, at, values) => {
    const block = decodeBlock(some, bytes(hex), multiplier);
    if (!block.ok) throw new Error(block.code);
    expect(block.at.toString()).toBe(at);
    expect(block.values.map(({ decoded }) => decoded.value?.toString() ?? null)).toEqual(values);
  });
  test('keep the bytes of their instant and their own', () => {
    const block = decodeBlock(registers, bytes(`${MIDNIGHT} 00 00 00 02 ${'11'.repeat(12)} 00 00 00 01`), 1n);
    expect(block.ok && block.values.map(({ raw }) => Buffer.from(raw).toString('hex'))).toEqual([
      '1a09030000000002',
      '1a09030000000001',
    ]);
  });
  test.each([
    ['all FF is empty', 'FF FF FF FF FF FF FF FF', 'empty'],
    ['a thirteenth month', '1A 0D 03 00 00 00 00 00', 'bad_time'],
    ['the 31st of September', '1A 09 1F 00 00 00 00 00', 'bad_time'],
    ['a twenty-fifth hour', '1A 09 03 18 00 00 00 00', 'bad_time'],
    ['month nought', '1A 00 00 00 00 00 00 00', 'bad_time'],
    ['the year 2100', '64 09 03 00 00 00 00 00', 'bad_time'],
  ])('%s', (_title, hex, code) => {
    expect(decodeBlock(total, bytes(hex), 1n)).toEqual({ ok: false, code });
  });
  test('any bytes are read without a fault', () => {
    const property = fc.property(fc.uint8Array({ minLength: 24, maxLength: 68 }), (data) => {
      decodeBlock(registers, data, 1n);
    });
    fc.assert(property, { seed: 6000, numRuns: 500 });
  });
});
