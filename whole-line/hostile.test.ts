/** Every misbehaviour of `simulators/hostile` against the gateway's own line and reader: the outcome that its entry names. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { type MeterRead, MeterReader } from '../edge/drivers/meter-reader.ts';
import { CONVERTER_COST } from '../edge/drivers/plan-requests.ts';
import { Line } from '../edge/line/line.ts';
import { ModbusProfile } from '../protocols/profile.ts';
import {
  type Behaviour,
  type Outcome,
  outcomesOver,
  readBehaviours,
  type Transport,
} from '../simulators/hostile/behaviour.ts';
import { type HostileMeter, startHostileMeter } from '../simulators/hostile/hostile-meter.ts';

const profile = ModbusProfile.parse({
  id: 'hostile',
  make: 'Test',
  model: 'Hostile',
  utility: 'electricity',
  source: 'the registers of the hostile meter',
  protocol: 'modbus',
  functionCode: 3,
  registers: [
    {
      obis: '1-0:1.8.0',
      name: 'import',
      address: 10,
      type: 'u32',
      scale: '0.01',
      unit: 'kWh',
      billing: true,
    },
    { obis: '1-0:32.7.0', name: 'voltage', address: 12, type: 'f32', unit: 'V' },
    { obis: '1-0:15.8.0', name: 'total', address: 14, type: 'bcd32', scale: '0.01', unit: 'kWh' },
  ],
});
const RIGHT = { '1-0:1.8.0': '123456.78', '1-0:32.7.0': '230.25', '1-0:15.8.0': '87654.32' };
/** Tries after which a line must have come back to a device that behaves again. */
const RECOVERY_READS = 2;
/** So many devices at once: most of the time all of them wait. */
const LANES = 32;

/** In the words of the entries. */
function outcomeOf({ values, fault, exception }: MeterRead): Outcome {
  if (fault !== null) return fault.code;
  if (exception !== null) return `exception ${exception}`;
  const found = Object.fromEntries(
    values.map(({ register, value, code }) => [register.obis, value ?? code ?? '']),
  );
  return JSON.stringify(found) === JSON.stringify(RIGHT) ? 'value' : found;
}

/** A machine that stands still for moments makes another fault of one, but never a value. */
const RETRIES = 3;

interface Met {
  outcomes: Outcome[];
  /** Reads of the device that behaves again, until the right value came. */
  recovery: Outcome[];
}

/** Null where there are no pseudo terminals. */
async function meet(behaviour: Behaviour, transport: Transport): Promise<Met | null> {
  const meter = await startHostileMeter(behaviour, transport);
  if (meter === null) return null;
  const line = new Line({
    link: linkTo(meter, transport),
    timeoutMilliseconds: behaviour.timeoutMilliseconds,
  });
  const reader = new MeterReader(profile, profile.registers, CONVERTER_COST);
  const read = async (): Promise<Outcome> =>
    outcomeOf(await reader.read(line, { unit: 1, nowMs: () => 0, attempts: 1, pauses: false }));
  const met: Met = { outcomes: [], recovery: [] };
  try {
    for (const _ of outcomesOver(behaviour, transport)) {
      met.outcomes.push(await read());
      await sleep(behaviour.restMilliseconds);
    }
    await meter.behave();
    while (met.recovery.length < RECOVERY_READS && met.recovery.at(-1) !== 'value')
      met.recovery.push(await read());
  } finally {
    await line.close();
    await meter.close();
  }
  return met;
}

/** Values that neither are right nor were sent. */
const wrongValues = ({ outcomes, recovery }: Met, expected: Outcome[]): Outcome[] =>
  [...outcomes, ...recovery].filter(
    (outcome) => typeof outcome === 'object' && !expected.some((one) => isDeepStrictEqual(one, outcome)),
  );

function linkTo({ port, path }: HostileMeter, transport: Transport) {
  return transport === 'rtu'
    ? ({ kind: 'serial', path, baudRate: 115_200, parity: 'none' } as const)
    : ({ kind: transport, host: '127.0.0.1', port } as const);
}

const behaviours = readBehaviours();
const cases = behaviours.flatMap((behaviour) =>
  behaviour.over.map((transport) => ({ id: behaviour.id, transport, behaviour })),
);

describe('a hostile device', () => {
  const results = new Map<string, Met | null>();
  beforeAll(async () => {
    const left = [...cases];
    const lane = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift())
        results.set(`${next.id} ${next.transport}`, await meet(next.behaviour, next.transport));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });

  test.for(cases)(
    '$id over $transport comes to what its entry says, and is got over',
    async (one, context) => {
      const expected = outcomesOver(one.behaviour, one.transport);
      let met = results.get(`${one.id} ${one.transport}`);
      for (let again = 0; again < RETRIES && met && !isDeepStrictEqual(met.outcomes, expected); again += 1) {
        expect(wrongValues(met, expected)).toEqual([]);
        met = await meet(one.behaviour, one.transport);
      }
      if (met === null) return context.skip('no pseudo terminals here');
      expect(met?.outcomes).toEqual(expected);
      expect(met?.recovery.at(-1)).toBe('value');
    },
  );

  test('there are at least 60 of them, each named once', () => {
    expect(new Set(behaviours.map(({ id }) => id)).size).toBe(behaviours.length);
    expect(behaviours.length).toBeGreaterThanOrEqual(60);
  });
});
