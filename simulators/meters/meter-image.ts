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
import { shownValue } from './shown-value.ts';

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
      const start = Math.max(at, 0) * 2;
      // Two registers may be the two bytes of one word.
      for (let i = 0; from + i < bytes.length && start + i < data.length; i++)
        data[start + i] = (data[start + i] ?? 0) | (bytes[from + i] ?? 0);
    }
    return { ok: true, data };
  };
}

/** Millionths of the register's unit: of the billed register the truth, of the others what is made up from it. */
export function simulatedValue(
  { obis, billing }: Pick<ProfileRegister, 'obis' | 'billing'>,
  truth: Truth,
  meter: MeterTruth,
  atMs: number,
): bigint | null {
  const face = truth.faceMicro(meter, atMs);
  if (billing) return BigInt(face);
  return shownValue(obis, meter.unit, { face, perHour: rate(truth, meter, atMs), atMs });
}

/** Millionths of the face's unit per hour in the interval under way. */
function rate(truth: Truth, meter: MeterTruth, atMs: number): number {
  const { fromMs, intervalMs } = truth.grid;
  const startMs = fromMs + Math.floor((atMs - fromMs) / intervalMs) * intervalMs;
  const steps = truth.count(meter, startMs + intervalMs) - truth.count(meter, startMs);
  return Math.floor((steps * meter.stepMicro * 3_600_000) / intervalMs);
}
