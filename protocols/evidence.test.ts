import { describe, expect, test } from 'vitest';
import {
  decodeEvidence,
  type Evidence,
  type EvidenceDecoding,
  evidenceText,
  isConsistent,
} from './evidence.ts';

const decoding = (over: Partial<EvidenceDecoding> = {}): EvidenceDecoding => ({
  functionCode: 3,
  address: 0,
  raw: '0012d687',
  type: 'u32',
  order: 'ABCD',
  scale: '0.01',
  transformed: null,
  ...over,
});

describe('decoding a face', () => {
  test.each([
    ['0x0012d687 x 0.01 is the face', decoding(), '12345.67', { value: '12345.67', difference: '0' }],
    ['a face with leading zeros', decoding(), '012345.67', { value: '12345.67', difference: '0' }],
    ['a face of fewer decimals cuts', decoding(), '12345.6', { value: '12345.6', difference: '0' }],
    ['one digit on', decoding({ raw: '0012d688' }), '12345.67', { value: '12345.68', difference: '0.01' }],
    ['below the face', decoding({ raw: '0012d686' }), '12345.67', { value: '12345.66', difference: '-0.01' }],
    [
      'low word first',
      decoding({ raw: 'd6870012', order: 'CDAB' }),
      '12345.67',
      { value: '12345.67', difference: '0' },
    ],
    [
      'the face behind transformers of 40',
      decoding({ transformed: { by: 'multiplied', ratio: '40' } }),
      '493826.8',
      { value: '493826.8', difference: '0' },
    ],
    [
      'the register behind transformers of 40',
      decoding({ transformed: { by: 'divided', ratio: '40' } }),
      '308.64',
      { value: '308.64', difference: '0' },
    ],
    ['registers that hold no value', decoding({ raw: 'ffffffff' }), '12345.67', null],
    ['fewer registers than the type has', decoding({ raw: '0012' }), '12345.67', null],
    ['a ratio of nothing', decoding({ transformed: { by: 'divided', ratio: '0' } }), '12345.67', null],
  ])('%s', (_, how, face, expected) => {
    expect(decodeEvidence(how, face)).toEqual(expected);
  });
});

const evidence: Evidence = {
  gateway: 'gw-a',
  meter: 'E-1',
  profile: 'acrel-dtsd1352',
  register: '1-0:1.8.0',
  face: '12345.67',
  decoding: decoding(),
  value: '12345.67',
  difference: '0',
  photo: null,
  by: '王工',
  at: '2026-11-22T02:00:00Z',
  place: null,
};

test('a value that the registers do not give is not consistent', () => {
  expect(isConsistent(evidence)).toBe(true);
  expect(isConsistent({ ...evidence, value: '12345.68' })).toBe(false);
  expect(isConsistent({ ...evidence, difference: '1' })).toBe(false);
  expect(isConsistent({ ...evidence, face: '12345.66' })).toBe(false);
});

test('what is signed does not hang on the order of the keys', () => {
  const turned = Object.fromEntries(Object.entries(evidence).reverse()) as Evidence;
  expect(evidenceText(turned)).toBe(evidenceText(evidence));
});
