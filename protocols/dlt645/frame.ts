/** DL/T 645 frames: 68, address, 68, control, length, data + 33H each, sum, 16. The same for 2007 and 1997. */
import { bytesFromDigits, digitsFromBytes } from '../bcd.ts';
import { buildSumFrame, type SumFrameShape } from '../sum-frame.ts';

const START = 0x68;
const OFFSET = 0x33;

export const DLT645_FRAME: SumFrameShape = { headerBytes: 10, secondStart: 7, maxDataBytes: 200 };

/** The address that every meter takes for its own; only one may be on the line then. */
export const ANY_ADDRESS = 'AAAAAAAAAAAA';

export interface Dlt645Frame {
  /** 12 digits as printed on the meter. */
  address: string;
  control: number;
  /** As meant: without the 33H that is added on the wire. */
  data: Uint8Array;
}

export function buildDlt645Frame({ address, control, data }: Dlt645Frame): Uint8Array {
  const header = [START, ...bytesFromDigits(address), START, control];
  return buildSumFrame(
    header,
    data.map((byte) => byte + OFFSET),
  );
}

/** @param bytes a whole frame, as `SumDeframer` hands it out */
export function parseDlt645Frame(bytes: Uint8Array): Dlt645Frame {
  return {
    address: digitsFromBytes(bytes.subarray(1, 7)),
    control: bytes[8] ?? 0,
    data: bytes.slice(DLT645_FRAME.headerBytes, -2).map((byte) => byte - OFFSET),
  };
}
