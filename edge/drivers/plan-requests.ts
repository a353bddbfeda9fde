/** Registers of a profile -> the fewest, cheapest read requests. Pure. */

import { registerTextDecoder, registerWords } from '../../protocols/modbus/registers.ts';
import type { ProfileRegister } from '../../protocols/profile.ts';
import { ANSWER_CHARACTERS, charactersMs, frameSilenceMs, REQUEST_CHARACTERS } from '../line/rtu-wire.ts';

export interface PlannedRegister {
  register: ProfileRegister;
  /** Where its bytes are in the answer. */
  offset: number;
  bytes: number;
  decode: ReturnType<typeof registerTextDecoder>;
}

export interface PlannedRequest {
  address: number;
  count: number;
  /** In the order of their addresses. */
  registers: PlannedRegister[];
}

/** What a serial line costs. */
export interface WireCost {
  baudRate: number;
  /** From the end of a request to the first byte of its answer. */
  turnaroundMilliseconds: number;
}

/** A socket usually ends in a serial converter, whose line is slow: it is planned for as such. */
export const CONVERTER_COST: WireCost = { baudRate: 9600, turnaroundMilliseconds: 30 };

/**
 * The longest hole, in registers, that is cheaper to read through (2 characters a register) than to pay for another
 * transaction: 22 at 9600 baud and 30 ms.
 */
export function bridgeableHole({ baudRate, turnaroundMilliseconds }: WireCost): number {
  const transactionMs =
    charactersMs(REQUEST_CHARACTERS + ANSWER_CHARACTERS, baudRate) +
    turnaroundMilliseconds +
    frameSilenceMs(baudRate);
  return Math.floor(transactionMs / charactersMs(2, baudRate));
}

/** What a meter was found to refuse: addresses of registers. */
export interface Refusals {
  /** Those at which a request must not be joined with what lies before: the hole between them is refused. */
  walls: readonly number[];
  /** Those that are refused even alone. */
  absent: readonly number[];
}

export const NO_REFUSALS: Refusals = { walls: [], absent: [] };

export interface PlanLimits {
  maxRegisters: number;
  /** Another request costs as much as reading so many registers more. With 0 no hole is read through. */
  longestHole: number;
  /** Addresses at which a request may begin, but which none may reach over. */
  walls?: readonly number[];
}

/**
 * The plan that takes the least wire time: requests in the order of their addresses, each of at most `maxRegisters`. No
 * register is split; one longer than `maxRegisters` gets a request of its own.
 */
export function planRequests(
  registers: readonly ProfileRegister[],
  { maxRegisters, longestHole, walls = [] }: PlanLimits,
): PlannedRequest[] {
  const sorted = [...registers].sort((a, b) => a.address - b.address);
  // plans[n] is the cheapest for the first n registers: where its last request begins, and what it costs in registers.
  const plans = [{ from: 0, cost: 0 }];
  for (let n = 1; n <= sorted.length; n++) {
    let best = { from: n - 1, cost: Number.POSITIVE_INFINITY };
    let end = 0;
    for (let from = n - 1; from >= 0; from--) {
      const first = sorted[from];
      if (first === undefined) break;
      end = Math.max(end, endOf(first));
      const count = end - first.address;
      const isWalled = walls.some((wall) => first.address < wall && wall < end);
      if ((count > maxRegisters || isWalled) && from < n - 1) break;
      // The half makes the plan of fewer requests the cheaper one of two that would cost the same.
      const cost = (plans[from]?.cost ?? 0) + count + longestHole + 0.5;
      if (cost < best.cost) best = { from, cost };
    }
    plans.push(best);
  }
  const requests: PlannedRequest[] = [];
  for (let n = sorted.length; n > 0; n = plans[n]?.from ?? 0)
    requests.unshift(requestFor(sorted.slice(plans[n]?.from, n)));
  return requests;
}

const endOf = ({ address, type }: ProfileRegister): number => address + registerWords(type);

/** One request for all of them. @param registers at least one, in the order of their addresses */
export function requestFor(registers: readonly ProfileRegister[]): PlannedRequest {
  const address = registers[0]?.address ?? 0;
  const end = Math.max(...registers.map(endOf));
  return {
    address,
    count: end - address,
    registers: registers.map((register) => ({
      register,
      offset: (register.address - address) * 2,
      bytes: registerWords(register.type) * 2,
      decode: decoderOf(register),
    })),
  };
}

const decoders = new WeakMap<ProfileRegister, PlannedRegister['decode']>();

/** One for all meters of a model. */
function decoderOf(register: ProfileRegister): PlannedRegister['decode'] {
  const known = decoders.get(register);
  if (known !== undefined) return known;
  const decoder = registerTextDecoder(register);
  decoders.set(register, decoder);
  return decoder;
}
