/** Which of several readings that give a meter's face is the one its maker meant, and which known models say so. Pure. */
import { parseDecimal } from '../decimal.ts';
import type { ModbusProfile, RegisterType, WordOrder } from '../profile.ts';
import type { Decoding } from './find-decodings.ts';
import { registerWords } from './registers.ts';

export interface KnownRegister {
  profile: string;
  obis: string;
  name: string;
  billing: boolean;
}

export interface RankedDecoding extends Decoding {
  functionCode: 3 | 4;
  /** Models that read their registers so. */
  known: KnownRegister[];
  /** 100 at best. */
  plausibility: number;
}

/** Best first; those that are equal in the order of their addresses. */
export function rankDecodings(
  found: readonly (Decoding & { functionCode: 3 | 4 })[],
  profiles: readonly ModbusProfile[],
): RankedDecoding[] {
  return found
    .map((decoding) => {
      const known = profiles.flatMap((profile) => knownIn(profile, decoding));
      return { ...decoding, known, plausibility: Math.max(100 - doubt(decoding, known), 0) };
    })
    .sort(
      (a, b) => b.plausibility - a.plausibility || a.address - b.address || a.functionCode - b.functionCode,
    );
}

/** Registers of energy and volume that the model reads at this place in this way. */
function knownIn(profile: ModbusProfile, decoding: Decoding & { functionCode: 3 | 4 }): KnownRegister[] {
  if (profile.functionCode !== decoding.functionCode) return [];
  return profile.registers
    .filter(
      ({ address, type, order, scale, unit }) =>
        address === decoding.address &&
        unsigned(type) === decoding.type &&
        (order === decoding.order || sameForOneWord(type, order, decoding.order)) &&
        isCounted.has(unit) &&
        parseDecimal(scale, SCALE_DIGITS) === 10n ** BigInt(SCALE_DIGITS + decoding.exponent),
    )
    .map(({ obis, name, billing }) => ({ profile: profile.id, obis, name, billing }));
}

const SCALE_DIGITS = 12;
const isCounted = new Set(['kWh', 'kvarh', 'm3']);
const unsigned = (type: RegisterType): string => type.replace(/^i/, 'u');
const swapsBytes = (order: WordOrder): boolean => order === 'BADC' || order === 'DCBA';
const sameForOneWord = (type: RegisterType, a: WordOrder, b: WordOrder): boolean =>
  registerWords(type) === 1 && swapsBytes(a) === swapsBytes(b);

const orderDoubt: Record<WordOrder, number> = { ABCD: 0, CDAB: 3, DCBA: 8, BADC: 10 };
/** A counter of 16 bits rolls over too soon; 64 bits and BCD are rarer than 32. */
const typeDoubt: Partial<Record<RegisterType, number>> = { u64: 2, bcd32: 4, f64: 4, u16: 12 };
/** Integers count in hundredths, tenths, Wh or whole units; floats in kWh or Wh. */
const integerDoubt: Record<number, number> = { [-2]: 0, [-1]: 1, [-3]: 1, 0: 2, [-4]: 8, 1: 10 };
const floatDoubt: Record<number, number> = { 0: 0, [-3]: 2 };
const ODD_SCALE = 12;
/** More than the last digit off: the meter ran on, or it is another number. */
const RAN_ON = 10;
const UNKNOWN = 25;
const UNBILLED = 10;

function doubt(decoding: Decoding, known: readonly KnownRegister[]): number {
  const { type, order, exponent, transformed, offBy, coarseDigits } = decoding;
  const isFloat = type === 'f32' || type === 'f64';
  const unknownModel = known.length === 0 ? UNKNOWN : known.some(({ billing }) => billing) ? 0 : UNBILLED;
  return (
    unknownModel +
    orderDoubt[order] +
    (typeDoubt[type] ?? 0) +
    ((isFloat ? floatDoubt : integerDoubt)[exponent] ?? ODD_SCALE) +
    (transformed === 'none' ? 0 : 15) +
    (offBy === 0n ? 0 : offBy === 1n || offBy === -1n ? 3 : RAN_ON) +
    coarseDigits * 6
  );
}
