/** A sweep over the Modbus addresses of a line: who answers, and which model it is. */
import type { ScannedMeter } from '../../protocols/edge-api.ts';
import type { ModbusProfile } from '../../protocols/profile.ts';
import type { AskedProfile } from '../drivers/asked-profile.ts';
import type { RegisterValue } from '../drivers/meter-driver.ts';
import type { MeterUnit } from '../line/exchange.ts';
import type { LineUse } from '../line/line.ts';
import { modbusIdentity, NO_SERIAL } from '../polling/meter-identity.ts';
import { identifyMeter } from './identify-meter.ts';

export interface FoundMeter {
  unit: MeterUnit;
  /** Null: it answers, but no known model fits. */
  profile: AskedProfile | null;
  /** Its own number, as the meter tells it; null where it does not. */
  serial: string | null;
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
  line: LineUse,
  units: readonly number[],
  models: readonly ModbusProfile[],
  { nowMs, onProbe, onFound }: ScanOptions,
): Promise<void> {
  for (const [probed, unit] of units.entries()) {
    onProbe?.(unit, probed);
    const meter = await identifyMeter(line, unit, models, { nowMs });
    if (meter === null) continue;
    const serial = meter.profile === null ? null : await serialOf(line, unit, meter.profile, nowMs);
    onFound({ unit, serial, ...meter });
  }
}

async function serialOf(
  line: LineUse,
  unit: number,
  profile: ModbusProfile,
  nowMs: () => number,
): Promise<string | null> {
  if (profile.serial === undefined) return null;
  const read = await modbusIdentity(profile, unit)?.(line, { nowMs, attempts: 1, pauses: true });
  return read === undefined || read.identity === NO_SERIAL ? null : read.identity;
}

/** One of those that `scan --json` lists. */
export function scanReport({ unit, profile, serial, values, equals }: FoundMeter): ScannedMeter {
  const readings = values.map(({ register: { obis, name, unit: of, billing }, value, code }) => ({
    register: obis,
    name,
    value,
    unit: of,
    code: code ?? null,
    billing,
  }));
  return {
    unit,
    profile: profile?.id ?? null,
    model: profile === null ? null : modelOf(profile),
    serial,
    equals: equals.map(({ id }) => id),
    registers: Object.fromEntries(readings.map(({ register, value }) => [register, value])),
    readings: [...readings.filter(({ billing }) => billing), ...readings.filter(({ billing }) => !billing)],
  };
}

const modelOf = ({ make, model, protocol, utility }: AskedProfile): ScannedMeter['model'] => ({
  make,
  model,
  protocol,
  utility,
});
