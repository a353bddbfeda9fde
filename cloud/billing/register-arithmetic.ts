/**
 * The consumption that a register span states, recomputed from its readings alone. A register x multiplier is floored to the
 * millionth, and consumption is a difference of such products: so it adds up over any spans exactly. A rollover adds the
 * register's modulus; an exchange ends one device's count and begins the next one's.
 */
import type { RegisterSpan } from '../../protocols/statement.ts';
import { micro } from '../../protocols/units.ts';
import { fromDecimal, multiply, rational } from './rational.ts';
import { roundWhole } from './rounding.ts';

type Registers = Pick<RegisterSpan, 'opening' | 'closing' | 'multiplier' | 'events'>;

/** Millionths of kWh or m3. @throws RangeError when a register has more than six decimals */
export function consumptionOf({ opening, closing, multiplier, events }: Registers): bigint {
  let at = { register: micro(opening) as bigint, multiplier };
  let consumed = 0n;
  for (const event of events) {
    if (event.kind === 'rollover') at.register -= micro(event.modulus);
    if (event.kind === 'exchange') {
      consumed += product(micro(event.finalOld), at.multiplier) - product(at.register, at.multiplier);
      at = { register: micro(event.initialNew), multiplier: event.newMultiplier };
    }
  }
  return consumed + product(micro(closing), at.multiplier) - product(at.register, at.multiplier);
}

const product = (register: bigint, multiplier: string): bigint =>
  roundWhole(multiply(rational(register), fromDecimal(multiplier)), 'floor');

/**
 * How far a span may be off: an end at which no reading was taken is the last reading plus estimated consumption over the
 * multiplier, itself rounded to the millionth.
 */
export function registerSlack({ multiplier, events }: Pick<Registers, 'multiplier' | 'events'>): bigint {
  const multipliers = [
    multiplier,
    ...events.flatMap((e) => (e.kind === 'exchange' ? [e.newMultiplier] : [])),
  ];
  const step = multipliers.reduce((most, text) => {
    const size = roundWhole(fromDecimal(text), 'ceiling');
    return size > most ? size : most;
  }, 0n);
  return events.reduce((slack, event) => slack + (event.kind === 'estimated' ? step : 0n), 0n);
}
