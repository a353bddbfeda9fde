/** Who answers at a unit address, and which of the known models it is: told by what its registers hold. */
import type { ModbusProfile } from '../protocols/profile.ts';
import { type Micro, micro } from '../protocols/units.ts';
import { type Line, LineFault } from './line.ts';
import { MeterReader, type ReadOptions, type RegisterValue } from './meter-reader.ts';
import { CONVERTER_COST } from './plan-requests.ts';

export interface IdentifiedMeter {
  /** Null when it answers but no model fits. */
  profile: ModbusProfile | null;
  values: RegisterValue[];
}

/** "No path to the target" and "target did not respond": a converter's way to say that nobody is there. */
const NOBODY = new Set([10, 11]);

/**
 * @returns null when nobody answers there
 * @throws LineFault `unreachable` when the line itself cannot be opened
 */
export async function identifyMeter(
  line: Line,
  unit: number,
  models: readonly ModbusProfile[],
  nowMs: () => number,
): Promise<IdentifiedMeter | null> {
  if (!(await isPresent(line, unit))) return null;
  const options: ReadOptions = { unit, nowMs, attempts: 1, pauses: true };
  let best: (IdentifiedMeter & { fit: Fit }) | null = null;
  for (const profile of models) {
    const billing = profile.registers.filter((register) => register.billing);
    const first = await readAll(line, profile, billing, options);
    if (first.length < billing.length || first.some(({ value }) => value === null)) continue;
    const values = await readAll(line, profile, profile.registers, options);
    const fit = fitOf(profile, values);
    if (fit !== null && (best === null || isBetter(fit, best.fit))) best = { profile, values, fit };
  }
  return best ?? { profile: null, values: [] };
}

/** Any answer counts, an exception as well. Some models answer only one of the two functions. */
async function isPresent(line: Line, unit: number): Promise<boolean> {
  for (const functionCode of [3, 4] as const) {
    try {
      const answer = await line.read({ unit, functionCode, address: 0, count: 1 });
      if (answer.ok || !NOBODY.has(answer.exception)) return true;
    } catch (error) {
      if (!(error instanceof LineFault) || error.code === 'unreachable') throw error;
    }
  }
  return false;
}

async function readAll(
  line: Line,
  profile: ModbusProfile,
  registers: ModbusProfile['registers'],
  options: ReadOptions,
): Promise<RegisterValue[]> {
  const read = await new MeterReader(profile, registers, CONVERTER_COST).read(line, options);
  if (read.fault?.code === 'unreachable') throw read.fault;
  return read.values;
}

/** How well a model explains what was read. */
export interface Fit {
  /** Registers of the model that gave no value. */
  absent: number;
  nonzero: number;
  zero: number;
}

/** What a meter in service shows, in the register's unit. Elsewhere anything goes. */
const plausible: Record<string, [string, string]> = {
  '1-0:32.7.0': ['50', '500'],
  '1-0:14.7.0': ['45', '65'],
  '1-0:1.8.0': ['0', '1000000000'],
  '8-0:1.0.0': ['0', '1000000000'],
};

/** Null when a value rules the model out. */
export function fitOf(profile: ModbusProfile, values: readonly RegisterValue[]): Fit | null {
  const fit: Fit = { absent: profile.registers.length - values.length, nonzero: 0, zero: 0 };
  for (const { register, value, code } of values) {
    if (code === 'not_available') continue;
    if (value === null) return null;
    const amount: Micro = micro(value);
    const [low, high] = plausible[register.obis] ?? [];
    if (low !== undefined && high !== undefined && (amount < micro(low) || amount > micro(high))) return null;
    if (amount === 0n) fit.zero += 1;
    else fit.nonzero += 1;
  }
  return fit.nonzero > 0 ? fit : null;
}

/** Fewer unexplained registers first; then more that say something, then fewer that only read 0. */
export function isBetter(a: Fit, b: Fit): boolean {
  if (a.absent !== b.absent) return a.absent < b.absent;
  return a.nonzero === b.nonzero ? a.zero < b.zero : a.nonzero > b.nonzero;
}
