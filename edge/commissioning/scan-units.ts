/** A sweep over the Modbus addresses of a line: who answers, and which model it is. */
import type { ModbusProfile } from '../../protocols/profile.ts';
import type { AskedProfile } from '../drivers/asked-profile.ts';
import type { RegisterValue } from '../drivers/meter-driver.ts';
import type { MeterUnit } from '../line/exchange.ts';
import type { Line } from '../line/line.ts';
import { identifyMeter } from './identify-meter.ts';

export interface FoundMeter {
  unit: MeterUnit;
  /** Null: it answers, but no known model fits. */
  profile: AskedProfile | null;
  values: RegisterValue[];
  /** Models that fit as well. */
  equals: AskedProfile[];
}

export interface ScanOptions {
  nowMs: () => number;
  /** Before an address is asked; `probed` addresses have been. */
  onProbe?(unit: number, probed: number): void;
  onFound(meter: FoundMeter): void;
}

/** @throws LineFault `unreachable` when the line itself cannot be opened */
export async function scanUnits(
  line: Pick<Line, 'read'>,
  units: readonly number[],
  models: readonly ModbusProfile[],
  { nowMs, onProbe, onFound }: ScanOptions,
): Promise<void> {
  for (const [probed, unit] of units.entries()) {
    onProbe?.(unit, probed);
    const meter = await identifyMeter(line, unit, models, { nowMs });
    if (meter !== null) onFound({ unit, ...meter });
  }
}

/** One of those that `scan --json` lists. */
export function scanReport({ unit, profile, values, equals }: FoundMeter): {
  unit: MeterUnit;
  profile: string | null;
  equals: string[];
  registers: Record<string, string | null>;
} {
  const registers = Object.fromEntries(values.map(({ register, value }) => [register.obis, value]));
  return { unit, profile: profile?.id ?? null, equals: equals.map(({ id }) => id), registers };
}
