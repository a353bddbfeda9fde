/** The registers of one simulated Modbus meter: what it would answer for any range at an instant. */
import {
  ILLEGAL_ADDRESS,
  ILLEGAL_FUNCTION,
  ILLEGAL_VALUE,
  type ReadRequest,
} from '../../protocols/modbus/pdu.ts';
import { encodeRegister, registerWords } from '../../protocols/modbus/registers.ts';
import type { ModbusProfile, ProfileRegister } from '../../protocols/profile.ts';
import type { MeterTruth, Truth } from '../park/truth.ts';
import type { SimulatedClock } from './bus-meters.ts';
import { frozenBytes } from './frozen-blocks.ts';

/** Register bytes as on the wire, or the exception that the meter answers with. */
export type ImageAnswer = { ok: true; data: Uint8Array } | { ok: false; exception: number };

export type MeterImage = (request: ReadRequest) => ImageAnswer;

/** Holes between a model's registers read as zero; beyond its first and last register it refuses. */
export function meterImage(
  profile: ModbusProfile,
  truth: Truth,
  meter: MeterTruth,
  clock: SimulatedClock,
): MeterImage {
  const registers = profile.registers.map((register) => ({
    ...register,
    words: registerWords(register.type),
  }));
  const first = Math.min(...registers.map(({ address }) => address));
  const end = Math.max(...registers.map(({ address, words }) => address + words));
  const valueAt = (obis: string, atMs: number): bigint | null => {
    const register = atMs < truth.grid.fromMs ? undefined : registers.find((one) => one.obis === obis);
    return register === undefined ? null : simulatedValue(register, truth, meter, atMs);
  };
  return ({ functionCode, address, count }) => {
    const atMs = clock.nowMs();
    if (functionCode !== profile.functionCode) return { ok: false, exception: ILLEGAL_FUNCTION };
    if (count > profile.maxRegisters) return { ok: false, exception: ILLEGAL_VALUE };
    const frozen = profile.history && frozenBytes(profile.history, { address, count }, clock, valueAt);
    if (frozen) return { ok: true, data: frozen };
    if (address < first || address + count > end) return { ok: false, exception: ILLEGAL_ADDRESS };
    const data = new Uint8Array(count * 2);
    for (const register of registers) {
      const at = register.address - address;
      if (at + register.words <= 0 || at >= count) continue;
      const bytes = encodeRegister(register, simulatedValue(register, truth, meter, atMs));
      // A range may begin or end inside a register: its other half is cut off.
      const from = Math.max(-at, 0) * 2;
      data.set(bytes.subarray(from, from + data.length - Math.max(at, 0) * 2), Math.max(at, 0) * 2);
    }
    return { ok: true, data };
  };
}

const VOLT = 1_000_000;

/**
 * Millionths of the register's unit. The billed register is the truth; of the others the usual ones are made up from
 * it, and what the meter does not measure is null.
 */
export function simulatedValue(
  { obis, billing }: Pick<ProfileRegister, 'obis' | 'billing'>,
  truth: Truth,
  meter: MeterTruth,
  atMs: number,
): bigint | null {
  if (billing) return BigInt(truth.faceMicro(meter, atMs));
  const perHour = rate(truth, meter, atMs);
  // Millionths of kWh in an hour are milliwatts; of m3, millilitres an hour.
  const watts = meter.unit === 'kWh' ? perHour * 1_000 : 0;
  const volts = (229 + ((atMs / 60_000) % 7) / 2) * VOLT;
  switch (obis.replace(/^\d+-\d+:/, '')) {
    case '2.8.0':
    case '4.8.0':
      return 0n;
    case '15.8.0':
      return BigInt(truth.faceMicro(meter, atMs));
    case '3.8.0':
      return BigInt(Math.floor(truth.faceMicro(meter, atMs) / 4));
    case '16.7.0':
    case '9.7.0':
      return BigInt(watts);
    case '3.7.0':
      return BigInt(Math.floor(watts / 4));
    case '36.7.0':
    case '56.7.0':
    case '76.7.0':
      return BigInt(Math.floor(watts / 3));
    case '32.7.0':
    case '52.7.0':
    case '72.7.0':
      return BigInt(Math.floor(volts));
    case '31.7.0':
    case '51.7.0':
    case '71.7.0':
      return BigInt(Math.floor((watts / 3 / volts) * 1_000_000));
    case '13.7.0':
    case '33.7.0':
      return 970_000n;
    case '14.7.0':
      return 50_000_000n;
    case '2.0.0':
      return BigInt(perHour);
    case '97.97.0':
      return 0n;
    case '96.5.0':
      return 92_000_000n;
    default:
      return null;
  }
}

/** Millionths of the face's unit per hour in the interval under way. */
function rate(truth: Truth, meter: MeterTruth, atMs: number): number {
  const { fromMs, intervalMs } = truth.grid;
  const startMs = fromMs + Math.floor((atMs - fromMs) / intervalMs) * intervalMs;
  const steps = truth.count(meter, startMs + intervalMs) - truth.count(meter, startMs);
  return Math.floor((steps * meter.stepMicro * 3_600_000) / intervalMs);
}
