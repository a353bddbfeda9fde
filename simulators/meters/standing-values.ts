/** What a simulated meter shows that stands still: the same for every register of a unit. */
import { type Micro, micro, type Unit } from '../../protocols/units.ts';

/** Plausible for a register of the unit. */
const shown: Record<Unit, Micro> = {
  kWh: micro('12345.67'),
  kvarh: micro('456.78'),
  m3: micro('1234.567'),
  W: micro('1500'),
  var: micro('250'),
  VA: micro('1520'),
  V: micro('230.1'),
  A: micro('6.5'),
  Hz: micro('50'),
  '1': micro('0.98'),
  'm3/h': micro('1.25'),
  degC: micro('61.25'),
  '%': micro('1.5'),
  deg: micro('12.5'),
  'm/s': micro('0.8'),
  MPa: micro('0.35'),
};

/** Of each register of a model, by its OBIS code; undefined for any other. */
export function standingValues({
  registers,
}: {
  registers: readonly { obis: string; unit: Unit }[];
}): (obis: string) => Micro | undefined {
  const values = new Map(registers.map(({ obis, unit }) => [obis, shown[unit]]));
  return (obis) => values.get(obis);
}
