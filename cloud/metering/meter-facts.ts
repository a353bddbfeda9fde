/** What a register difference means: the devices behind a logical meter, in order, with their multipliers and digits. */

import type { MeterExchange, ParkMeter } from '../../protocols/park.ts';
import { type Micro, micro } from '../../protocols/units.ts';

/** One physical meter, in service over `[fromMs, toMs)`. Registers are in Micro, as on the face. */
export interface Device {
  fromMs: number;
  toMs: number;
  /** Multiplier in millionths: consumption = register difference x multiplier / 10^6. */
  multiplier: bigint;
  /** The register wraps here: 10^digits of its unit. */
  modulus: bigint;
  /** Register when it was put in and taken out, as the exchange states them; null where there was none. */
  initial: Micro | null;
  final: Micro | null;
}

export interface MeterFacts {
  /** The most the register counts in an hour, before the multiplier. */
  maxPerHour: Micro;
  /** Contiguous, from the beginning of time to its end. */
  devices: readonly Device[];
}

const unitsAt = (digits: number): bigint => 10n ** BigInt(digits) * 1_000_000n;

/**
 * The meter's own digits and multiplier are those of its first device; each exchange brings the next ones.
 * @param exchanges of any meters, in any order
 * @throws RangeError when a multiplier or register has more than 6 decimals
 */
export function meterFacts(meter: ParkMeter, exchanges: readonly MeterExchange[]): MeterFacts {
  const own = exchanges
    .filter((exchange) => exchange.meter === meter.id)
    .map((exchange) => ({ ...exchange, atMs: Temporal.Instant.from(exchange.at).epochMilliseconds }))
    .sort((a, b) => a.atMs - b.atMs);
  const first: Device = {
    fromMs: Number.NEGATIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
    multiplier: micro(meter.multiplier),
    modulus: unitsAt(meter.digits),
    initial: null,
    final: null,
  };
  const devices = [first];
  let last = first;
  for (const exchange of own) {
    last.toMs = exchange.atMs;
    last.final = micro(exchange.finalOld);
    last = {
      fromMs: exchange.atMs,
      toMs: Number.POSITIVE_INFINITY,
      multiplier: micro(exchange.newMultiplier),
      modulus: unitsAt(exchange.newDigits),
      initial: micro(exchange.initialNew),
      final: null,
    };
    devices.push(last);
  }
  return { maxPerHour: micro(meter.maxPerHour), devices };
}

/**
 * Register x multiplier, floored to Micro. Consumption is always a difference of such products: so it adds up over any
 * spans exactly, and does not depend on where the counting began.
 */
export const productOf = (device: Device, register: bigint): bigint =>
  (register * device.multiplier) / 1_000_000n;
