/** Registers of a profile -> the fewest, cheapest read requests. Pure. */

import { registerWords } from '../protocols/modbus/registers.ts';
import type { ProfileRegister } from '../protocols/profile.ts';

export interface PlannedRegister {
  register: ProfileRegister;
  /** Where its bytes are in the answer. */
  offset: number;
  bytes: number;
}

export interface PlannedRequest {
  address: number;
  count: number;
  registers: PlannedRegister[];
  /** Whether registers lie in it that nobody asked for: a meter may refuse those. */
  bridges: boolean;
}

/** What a serial line costs. */
export interface WireCost {
  baudRate: number;
  /** From the end of a request to the first byte of its answer. */
  turnaroundMilliseconds: number;
}

/** A socket usually ends in a serial converter, whose line is slow: it is planned for as such. */
export const CONVERTER_COST: WireCost = { baudRate: 9600, turnaroundMilliseconds: 30 };

/** Bits of a character: start, 8 data, stop. */
const CHARACTER_BITS = 10;
/** Request (8) and frame around the data of the answer (5), and the two silences of 3.5 characters. */
const TRANSACTION_CHARACTERS = 13 + 7;

/**
 * The longest hole, in registers, that is cheaper to read through (2 characters a register) than to pay for another
 * transaction: 24 at 9600 baud and 30 ms.
 */
export function bridgeableHole({ baudRate, turnaroundMilliseconds }: WireCost): number {
  const turnaround = (turnaroundMilliseconds * baudRate) / (1000 * CHARACTER_BITS);
  return Math.floor((TRANSACTION_CHARACTERS + turnaround) / 2);
}

/**
 * Requests in the order of their addresses; each holds at most `maxRegisters` and no hole above `longestHole`. No register
 * is split; one longer than `maxRegisters` gets a request of its own.
 */
export function planRequests(
  registers: readonly ProfileRegister[],
  { maxRegisters, longestHole }: { maxRegisters: number; longestHole: number },
): PlannedRequest[] {
  const requests: PlannedRequest[] = [];
  let open: PlannedRequest | null = null;
  for (const register of [...registers].sort((a, b) => a.address - b.address)) {
    const words = registerWords(register.type);
    const end = register.address + words;
    const hole = open === null ? 0 : register.address - (open.address + open.count);
    if (open === null || hole > longestHole || end - open.address > maxRegisters) {
      open = { address: register.address, count: 0, registers: [], bridges: false };
      requests.push(open);
    } else if (hole > 0) open.bridges = true;
    open.registers.push({ register, offset: (register.address - open.address) * 2, bytes: words * 2 });
    open.count = Math.max(open.count, end - open.address);
  }
  return requests;
}
