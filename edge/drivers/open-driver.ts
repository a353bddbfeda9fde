/** A driver for a meter of any model that is asked. */
import type { ModbusProfile } from '../../protocols/profile.ts';
import type { Link } from '../config.ts';
import type { MeterUnit } from '../line/exchange.ts';
import { baudRateOf } from '../line/line-stream.ts';
import { modbusIdentity } from '../polling/meter-identity.ts';
import { type AskedProfile, linkRefusal, unitRefusal } from './asked-profile.ts';
import { cjt188Driver } from './cjt188-driver.ts';
import { dlmsDriver } from './dlms-driver.ts';
import { dlt645Driver } from './dlt645-driver.ts';
import { mbusDriver } from './mbus-driver.ts';
import type { MeterDriver, MeterRegister } from './meter-driver.ts';
import { MeterReader } from './meter-reader.ts';
import { CONVERTER_COST, NO_REFUSALS, type Refusals, type WireCost } from './plan-requests.ts';

/**
 * @param wanted which of the model's registers it is to read
 * @throws RangeError when the meter cannot have this address or be on this link
 */
export function openDriver(
  profile: AskedProfile,
  {
    unit,
    link,
    wanted = () => true,
    refusals = NO_REFUSALS,
    password,
  }: {
    unit: MeterUnit;
    link: Link;
    wanted?: (register: MeterRegister) => boolean;
    /** What is known of what the meter refuses. */
    refusals?: Refusals;
    /** Of a DLMS meter with low level security. */
    password?: string | undefined;
  },
): MeterDriver {
  const refusal = unitRefusal(profile, unit) ?? linkRefusal(profile, link);
  if (refusal !== null) throw new RangeError(refusal);
  if (profile.protocol === 'dlt645')
    return dlt645Driver(profile, profile.registers.filter(wanted), String(unit));
  if (profile.protocol === 'cjt188')
    return cjt188Driver(profile, profile.registers.filter(wanted), String(unit));
  if (profile.protocol === 'dlms')
    return dlmsDriver(profile, profile.registers.filter(wanted), { unit: Number(unit), link, password });
  if (profile.protocol === 'mbus') return mbusDriver(profile.registers.filter(wanted), { unit, link });
  return modbusDriver(profile, profile.registers.filter(wanted), { unit: Number(unit), link, refusals });
}

/** Plans its requests anew for each read, by what the line was measured to cost. */
function modbusDriver(
  profile: ModbusProfile,
  registers: ModbusProfile['registers'],
  { unit, link, refusals }: { unit: number; link: Link; refusals: Refusals },
): MeterDriver {
  const reader = new MeterReader(profile, registers, wireCost(link, profile, null), refusals);
  const identify = modbusIdentity(profile, unit);
  return {
    ...(identify === undefined ? {} : { identify }),
    refusals: () => reader.refusals(),
    read(line, options) {
      // What answers on TCP may be a converter: its turnaround holds the time of its own line, which is not known.
      if (link.kind !== 'tcp') reader.adapt(wireCost(link, profile, line.turnaroundMilliseconds(unit)));
      return reader.read(line, { ...options, unit });
    },
  };
}

function wireCost(
  link: Link,
  { pauseMilliseconds }: ModbusProfile,
  measuredMilliseconds: number | null,
): WireCost {
  const turnaroundMilliseconds =
    pauseMilliseconds + (measuredMilliseconds ?? CONVERTER_COST.turnaroundMilliseconds);
  return {
    baudRate: baudRateOf(link) ?? CONVERTER_COST.baudRate,
    turnaroundMilliseconds,
  };
}
