/**
 * The register detective: which ways to read a meter's registers give the digits on its face? Address x word order x
 * type x scale x transformer ratio, in exact decimals. Pure.
 */
import { formatDecimal, parseDecimal } from '../decimal.ts';
import type { RegisterType, WordOrder } from '../profile.ts';
import { MICRO_SCALE } from '../units.ts';
import { registerDecoder, registerWords } from './registers.ts';

/** The digits on a meter's face: 12345.67 is 1234567 with 2 of them behind the point. */
export interface Face {
  digits: bigint;
  fraction: number;
}

/** How the ratio of the current transformers stands between register and face. */
export type Transformed =
  /** Register and face agree. */
  | 'none'
  /** The register is after the transformers, the face before them: divided by the ratio. */
  | 'divided'
  /** The face is after the transformers: multiplied by the ratio. */
  | 'multiplied';

export interface Decoding {
  address: number;
  type: RegisterType;
  order: WordOrder;
  /** Ten to this power brings the raw number to the face's unit: -2 is x 0.01 kWh, -3 also x 1 Wh. */
  exponent: number;
  transformed: Transformed;
  /** What the face would show by this reading. */
  shows: string;
  /** In last digits of the face; below 0 the register is behind it. */
  offBy: bigint;
  /** Digits of the face that this reading is too coarse to give. */
  coarseDigits: number;
  /** Hex of the registers. */
  raw: string;
}

/** Below that a face, or a register, has too few digits to tell one reading from another by. */
const LEAST_NUMBER = 100n;
/** A reading coarser than the face must give at least four of its digits. */
const LEAST_COARSE = 1000n;

/** @returns null for what is no face, or one of fewer than three digits that count */
export function parseFace(text: string): Face | null {
  const match = /^(\d{1,15})(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) return null;
  const [, whole = '', fraction = ''] = match;
  const digits = BigInt(whole + fraction);
  return digits < LEAST_NUMBER ? null : { digits, fraction: fraction.length };
}

const everyOrder: readonly WordOrder[] = ['ABCD', 'CDAB', 'BADC', 'DCBA'];
/** A signed register of a positive number reads as its unsigned twin. */
const readers = (
  [
    ['u16', ['ABCD', 'BADC']],
    ['u32', everyOrder],
    ['f32', everyOrder],
    ['bcd32', everyOrder],
    ['u64', everyOrder],
    ['f64', everyOrder],
  ] as const
).flatMap(([type, orders]) =>
  orders.map((order) => ({
    type,
    order,
    words: registerWords(type),
    decode: registerDecoder({ type, order, scale: '1' }),
  })),
);

/** kWh x 10 to 0.001, and Wh x 10 to 0.001. */
const exponents = [1, 0, -1, -2, -3, -4, -5, -6];

/**
 * Every reading of `registers` (words by address) that gives the face, give or take its last digit, or that is ahead of it:
 * the meter runs on while it is read. Numbers of fewer than three digits, and the meter's "no value" patterns, are no evidence.
 * @param ratio of the current transformers, a plain decimal; null when there are none
 * @param slack how far off it may be
 */
export function findDecodings(
  registers: ReadonlyMap<number, number>,
  face: Face,
  ratio: string | null,
  slack: Slack = NO_SLACK,
): Decoding[] {
  const found: Decoding[] = [];
  for (const address of registers.keys()) {
    for (const { type, order, words, decode } of readers) {
      const data = bytesAt(registers, address, words);
      if (data === null) continue;
      const { value } = decode(data, 0);
      if (value === null || value < LEAST_NUMBER * ONE) continue;
      for (const match of matches(value, type, face, ratio, slack))
        found.push({ address, type, order, raw: hex(data), ...match });
    }
  }
  return found;
}

/** In last digits of the face. */
export interface Slack {
  ahead: bigint;
  behind: bigint;
}
const NO_SLACK: Slack = { ahead: 1n, behind: 1n };

/** 0.01 kWh a second is 36 kW, nearly all of a three-phase meter of 63 A; 0.01 m3 a second is more than any riser has. */
const MOST_HUNDREDTHS_PER_SECOND = 1;
/** Of a number of fewer digits more of it would be anything. */
const LEAST_SHARE = 10_000n;

/** How far a meter whose face was read `seconds` ago may have run on. */
export function aheadAfter({ digits, fraction }: Face, seconds: number): bigint {
  const hundredths = BigInt(Math.ceil(seconds * MOST_HUNDREDTHS_PER_SECOND));
  const ran = (hundredths * 10n ** BigInt(fraction)) / 100n;
  const most = digits / LEAST_SHARE;
  const ahead = ran < most ? ran : most;
  return ahead > 1n ? ahead : 1n;
}

/** What is no match, but may be told when nothing is: within a hundredth of the face. */
export const nearTo = ({ digits }: Face): Slack => ({ ahead: digits / 100n, behind: digits / 100n });

type Match = Pick<Decoding, 'exponent' | 'transformed' | 'shows' | 'offBy' | 'coarseDigits'>;

const ONE = 10n ** BigInt(MICRO_SCALE);

function* matches(
  rawMicro: bigint,
  type: RegisterType,
  face: Face,
  ratio: string | null,
  slack: Slack,
): Generator<Match> {
  for (const exponent of exponents) {
    for (const { transformed, by, per } of transformations(ratio)) {
      const coarseDigits = coarseness(type, exponent + face.fraction, exponent, transformed);
      // All in units of the last digit that this reading can give.
      const places = exponent + face.fraction - coarseDigits;
      const seen = face.digits / 10n ** BigInt(coarseDigits);
      if (coarseDigits > 0 && seen < LEAST_COARSE) continue;
      const number = floorScaled(rawMicro * by, places, per * ONE);
      const offBy = number - seen;
      const least = tolerance(type, seen);
      const share = 10n ** BigInt(coarseDigits);
      if (offBy > larger(least, slack.ahead / share) || -offBy > larger(least, slack.behind / share))
        continue;
      const shows = formatDecimal(number, face.fraction - coarseDigits, face.fraction - coarseDigits);
      yield { exponent, transformed, shows, offBy, coarseDigits };
    }
  }
}

function transformations(ratio: string | null): { transformed: Transformed; by: bigint; per: bigint }[] {
  const plain = { transformed: 'none' as const, by: 1n, per: 1n };
  if (ratio === null) return [plain];
  const micro = parseDecimal(ratio, MICRO_SCALE);
  return [
    plain,
    { transformed: 'divided', by: ONE, per: micro },
    { transformed: 'multiplied', by: micro, per: ONE },
  ];
}

/** Whole kWh, or tenths, in a register whose face shows more: only then may digits of the face be missing. */
function coarseness(type: RegisterType, places: number, exponent: number, transformed: Transformed): number {
  const isInteger = type !== 'f32' && type !== 'f64';
  return isInteger && places > 0 && exponent <= 0 && transformed === 'none' ? places : 0;
}

/** One last digit; a 32-bit float of a large number is coarser than that. */
const tolerance = (type: RegisterType, seen: bigint): bigint => {
  const step = type === 'f32' ? seen >> 23n : 0n;
  return step > 1n ? step : 1n;
};

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** value x 10^places / divisor, cut down as a face cuts. */
const floorScaled = (value: bigint, places: number, divisor: bigint): bigint =>
  places >= 0 ? (value * 10n ** BigInt(places)) / divisor : value / (divisor * 10n ** BigInt(-places));

function bytesAt(registers: ReadonlyMap<number, number>, address: number, words: number): Uint8Array | null {
  const data = new Uint8Array(words * 2);
  for (let i = 0; i < words; i++) {
    const word = registers.get(address + i);
    if (word === undefined) return null;
    data[i * 2] = word >> 8;
    data[i * 2 + 1] = word & 0xff;
  }
  return data;
}

const hex = (data: Uint8Array): string =>
  Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
