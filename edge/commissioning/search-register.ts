/** The register detective on a line: reads a range of registers and finds the ways to read them that give a meter's face. */
import { formatDecimal } from '../../protocols/decimal.ts';
import {
  aheadAfter,
  type Face,
  findDecodings,
  nearTo,
  type Slack,
} from '../../protocols/modbus/find-decodings.ts';
import { type RankedDecoding, rankDecodings } from '../../protocols/modbus/rank-decodings.ts';
import type { ModbusProfile } from '../../protocols/profile.ts';
import { readSnapshot, type Snapshot } from '../drivers/read-snapshot.ts';
import type { Line, LineFault } from '../line/line.ts';
import { findLikely, likelyPlaces } from './likely-registers.ts';

export interface RegisterSearch {
  face: Face;
  unit: number;
  /** First and last address. */
  from: number;
  to: number;
  /** The billing registers of the models before the range: where one gives the face the range is not read. */
  likelyFirst: boolean;
  /** The meter's own model, whose registers come first of all; null when nobody knows. */
  profile: string | null;
  functionCodes: readonly (3 | 4)[];
  /** Of the current transformers; null without any. */
  ratio: string | null;
  /** Rest of the meter between two requests: some models reboot without. */
  pauseMilliseconds: number;
}

export interface SearchOptions {
  /** Before a request is sent. */
  onRequest?(functionCode: 3 | 4, address: number): void;
  /** Any clock that runs on, in milliseconds. */
  nowMs?(): number;
}

/** From the look at the face to the start of the search: writing the digits down. */
const WRITING_SECONDS = 30;
const MOST_NEAR = 3;

/** `likely`: of billing registers alone, not of the range. */
export type FunctionSnapshot = Snapshot & { functionCode: 3 | 4; likely: boolean };
export interface RegisterSearchResult {
  reads: FunctionSnapshot[];
  /** Best first. */
  found: RankedDecoding[];
  /** When nothing was found: those that come nearest, the nearest first. */
  near: RankedDecoding[];
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
  { onRequest, nowMs = () => performance.now() }: SearchOptions = {},
): Promise<RegisterSearchResult> {
  const { face, ratio, functionCodes, pauseMilliseconds, unit, from, to } = search;
  const startedAtMs = nowMs();
  const rested: Pick<Line, 'read'> = {
    read(request) {
      onRequest?.(request.functionCode, request.address);
      return line.read(request, { pauseMilliseconds });
    },
  };
  const reads: FunctionSnapshot[] = [];
  const rank = (slack: Slack): RankedDecoding[] =>
    rankDecodings(
      reads.flatMap(({ functionCode, registers }) =>
        findDecodings(registers, face, ratio, slack).map((decoding) => ({ ...decoding, functionCode })),
      ),
      models,
    );
  const matches = (): RankedDecoding[] =>
    rank({ ahead: aheadAfter(face, WRITING_SECONDS + (nowMs() - startedAtMs) / 1000), behind: 1n });
  const resultOf = (found: RankedDecoding[]): RegisterSearchResult => ({
    reads,
    found,
    near: found.length > 0 ? [] : nearest(rank(nearTo(face))),
    fault: reads.find(({ fault }) => fault !== null)?.fault ?? null,
  });
  if (search.likelyFirst) {
    for (const places of likelyPlaces(models, search)) {
      const { reads: got, over } = await findLikely(rested, unit, places);
      reads.push(...got.map((one) => ({ ...one, likely: true })));
      const found = matches();
      if (over || found.some(({ known }) => known.some(({ billing }) => billing))) return resultOf(found);
    }
  }
  for (const functionCode of functionCodes) {
    const snapshot = await readSnapshot(rested, { unit, from, to, functionCode });
    reads.push({ functionCode, likely: false, ...snapshot });
    if (snapshot.fault?.code === 'unreachable') break;
  }
  return resultOf(withoutTwins(matches()));
}

/** A billing register that the range holds as well was read twice. */
function withoutTwins(found: readonly RankedDecoding[]): RankedDecoding[] {
  const seen = new Set<string>();
  return found.filter(({ functionCode, address, type, order, exponent, transformed }) => {
    const key = [functionCode, address, type, order, exponent, transformed].join(' ');
    return !seen.has(key) && seen.add(key);
  });
}

/** Those that a model knows before all others, then by their distance. */
function nearest(decodings: readonly RankedDecoding[]): RankedDecoding[] {
  const distance = ({ offBy }: RankedDecoding): bigint => (offBy < 0n ? -offBy : offBy);
  const unknown = ({ known }: RankedDecoding): number => (known.length === 0 ? 1 : 0);
  return withoutTwins(
    decodings.toSorted((a, b) => unknown(a) - unknown(b) || (distance(a) < distance(b) ? -1 : 1)),
  ).slice(0, MOST_NEAR);
}

export const faceText = ({ digits, fraction }: Face): string => formatDecimal(digits, fraction, fraction);

/** Ten to the power, in the face's unit: kWh or m3. */
export const scaleText = (exponent: number): string =>
  exponent > 0 ? `1${'0'.repeat(exponent)}` : formatDecimal(1n, -exponent);

/** `offBy` in last digits of the face. */
export function nearText({
  shows,
  address,
  offBy,
}: {
  shows: string;
  address: number;
  offBy: string;
}): string {
  const behind = offBy.startsWith('-');
  const digits = behind ? offBy.slice(1) : offBy;
  return `near: ${shows} at 0x${address.toString(16).padStart(4, '0')}, ${digits} last digits ${behind ? 'behind' : 'ahead'}`;
}

/** What `detect-register --json` prints. */
export function searchReport(
  { face, unit, ratio }: Pick<RegisterSearch, 'face' | 'unit' | 'ratio'>,
  { reads, found, near }: Pick<RegisterSearchResult, 'reads' | 'found' | 'near'>,
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
    found: found.map(decodingReport),
    near: near.map(decodingReport),
  };
}

const decodingReport = ({ exponent, offBy, ...rest }: RankedDecoding) => ({
  ...rest,
  scale: scaleText(exponent),
  offBy: offBy.toString(),
});
