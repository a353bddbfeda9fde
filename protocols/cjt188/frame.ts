/** CJ/T 188 frames: 68, meter type, address, control, length, data as it is, sum, 16. */
import { bytesFromDigits, digitsFromBytes } from '../bcd.ts';
import { buildSumFrame, type SumFrameShape } from '../sum-frame.ts';

const START = 0x68;

export const CJT188_FRAME: SumFrameShape = { headerBytes: 11, maxDataBytes: 100 };

export interface Cjt188Frame {
  /** Two hex digits: `10` cold water, `20` heat, `30` gas. */
  type: string;
  /** 14 digits as printed on the meter, the maker's code first. */
  address: string;
  control: number;
  data: Uint8Array;
}

export function buildCjt188Frame({ type, address, control, data }: Cjt188Frame): Uint8Array {
  return buildSumFrame([START, ...bytesFromDigits(type), ...bytesFromDigits(address), control], data);
}

/** @param bytes a whole frame, as `SumDeframer` hands it out */
export function parseCjt188Frame(bytes: Uint8Array): Cjt188Frame {
  return {
    type: digitsFromBytes(bytes.subarray(1, 2)),
    address: digitsFromBytes(bytes.subarray(2, 9)),
    control: bytes[9] ?? 0,
    data: bytes.slice(CJT188_FRAME.headerBytes, -2),
  };
}
