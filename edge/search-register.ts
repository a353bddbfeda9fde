/** The register detective on a line: reads a range of registers and finds the ways to read them that give a meter's face. */
import { formatDecimal } from '../protocols/decimal.ts';
import { type Face, findDecodings } from '../protocols/modbus/find-decodings.ts';
import { type RankedDecoding, rankDecodings } from '../protocols/modbus/rank-decodings.ts';
import type { ModbusProfile } from '../protocols/profile.ts';
import type { Line, LineFault } from './line.ts';
import { readSnapshot, type Snapshot } from './read-snapshot.ts';

export interface RegisterSearch {
  face: Face;
  unit: number;
  /** First and last address. */
  from: number;
  to: number;
  functionCodes: readonly (3 | 4)[];
  /** Of the current transformers; null without any. */
  ratio: string | null;
  /** Rest of the meter between two requests: some models reboot without. */
  pauseMilliseconds: number;
}

export interface SearchOptions {
  /** Before a request is sent. */
  onRequest?(functionCode: 3 | 4, address: number): void;
}

export type FunctionSnapshot = Snapshot & { functionCode: 3 | 4 };
export interface RegisterSearchResult {
  reads: FunctionSnapshot[];
  /** Best first. */
  found: RankedDecoding[];
  /** What ended a read early. */
  fault: LineFault | null;
}

/** More would be no range to look through by hand, and hours on a slow line. */
export const MOST_SEARCHED = 10_000;

/** @returns what was found in as much as could be read: a `LineFault` is told in it */
export async function searchRegister(
  line: Pick<Line, 'read'>,
  search: RegisterSearch,
  models: readonly ModbusProfile[],
  { onRequest }: SearchOptions = {},
): Promise<RegisterSearchResult> {
  const { face, ratio, functionCodes, pauseMilliseconds, ...range } = search;
  const rested: Pick<Line, 'read'> = {
    read(request) {
      onRequest?.(request.functionCode, request.address);
      return line.read(request, { pauseMilliseconds });
    },
  };
  const reads: FunctionSnapshot[] = [];
  for (const functionCode of functionCodes) {
    const snapshot = await readSnapshot(rested, { ...range, functionCode });
    reads.push({ functionCode, ...snapshot });
    if (snapshot.fault?.code === 'unreachable') break;
  }
  const decodings = reads.flatMap(({ functionCode, registers }) =>
    findDecodings(registers, face, ratio).map((decoding) => ({ ...decoding, functionCode })),
  );
  return {
    reads,
    found: rankDecodings(decodings, models),
    fault: reads.find(({ fault }) => fault !== null)?.fault ?? null,
  };
}

export const faceText = ({ digits, fraction }: Face): string => formatDecimal(digits, fraction, fraction);

/** Ten to the power, in the face's unit: kWh or m3. */
export const scaleText = (exponent: number): string =>
  exponent > 0 ? `1${'0'.repeat(exponent)}` : formatDecimal(1n, -exponent);

/** What `detect-register --json` prints. */
export function searchReport(
  { face, unit, ratio }: Pick<RegisterSearch, 'face' | 'unit' | 'ratio'>,
  { reads, found }: Pick<RegisterSearchResult, 'reads' | 'found'>,
) {
  return {
    face: faceText(face),
    unit,
    ct: ratio,
    read: reads.map(({ functionCode, registers, requests }) => ({
      functionCode,
      registers: registers.size,
      requests,
    })),
    found: found.map(({ exponent, offBy, ...rest }) => ({
      ...rest,
      scale: scaleText(exponent),
      offBy: offBy.toString(),
    })),
  };
}
