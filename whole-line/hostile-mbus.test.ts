/** Every misbehaviour of meters on M-Bus in `simulators/hostile` against the gateway's own line and driver: the outcome that its entry names. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Link } from '../edge/config.ts';
import type { MeterRead } from '../edge/drivers/meter-driver.ts';
import { openDriver } from '../edge/drivers/open-driver.ts';
import { Line } from '../edge/line/line.ts';
import { MbusProfile } from '../protocols/profile.ts';
import {
  HOSTILE_PRIMARY,
  HOSTILE_SECONDARY,
  HostileMbusMeter,
} from '../simulators/hostile/hostile-mbus-meter.ts';
import {
  type MbusBehaviour,
  type MbusOutcome,
  readMbusBehaviours,
} from '../simulators/hostile/mbus-behaviour.ts';
import { openPtyPair } from '../simulators/meters/pty-pair.ts';

const profile = MbusProfile.parse({
  id: 'hostile',
  make: 'Test',
  model: 'Hostile',
  utility: 'electricity',
  source: 'the records of the hostile meter',
  protocol: 'mbus',
  media: [2],
  registers: [
    { obis: '1-0:1.8.0', name: 'import', match: { quantity: 'energy' }, unit: 'kWh', billing: true },
    { obis: '1-0:32.7.0', name: 'voltage', match: { quantity: 'voltage' }, unit: 'V' },
    { obis: '1-0:16.7.0', name: 'power', match: { quantity: 'power' }, unit: 'W' },
  ],
});
const RIGHT = { '1-0:1.8.0': '123456.78', '1-0:32.7.0': '230.25', '1-0:16.7.0': '1500' };
/** Tries after which a line must have come back to a meter that behaves again. */
const RECOVERY_READS = 2;
/** So many meters at once: most of the time all of them wait. */
const LANES = 32;
/** A machine that stands still for moments makes another fault of one, but never a value. */
const RETRIES = 3;

const kinds = ['rtu-over-tcp', 'serial'] as const;
type Kind = (typeof kinds)[number];

/** In the words of the entries. */
function outcomeOf({ values, fault, exception }: MeterRead): MbusOutcome {
  if (fault !== null) return fault.code;
  if (exception !== null) return `exception ${exception}`;
  const found = Object.fromEntries(
    values.map(({ register, value, code }) => [register.obis, value ?? code ?? '']),
  );
  return isDeepStrictEqual(found, RIGHT) ? 'value' : found;
}

interface Wire {
  link: Link;
  meter: HostileMbusMeter;
  close(): unknown;
}

/** Null where there are no pseudo terminals. */
async function wireTo(behaviour: MbusBehaviour, kind: Kind): Promise<Wire | null> {
  if (kind === 'serial') {
    const pair = openPtyPair();
    if (pair === null) return null;
    let closed = false;
    const meter = new HostileMbusMeter(behaviour, (bytes) => !closed && pair.write(bytes));
    pair.onData((chunk) => meter.hear(chunk));
    const close = (): void => {
      closed = true;
      pair.close();
    };
    return { link: { kind, path: pair.path, baudRate: 115_200, parity: 'even' }, meter, close };
  }
  let current: Socket | null = null;
  // A converter sends what comes late to whoever is there by then.
  const meter = new HostileMbusMeter(behaviour, (bytes) => void (current?.writable && current.write(bytes)));
  const server = createServer({ noDelay: true }, (socket) => {
    current = socket;
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => meter.hear(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { link: { kind, host: '127.0.0.1', port }, meter, close: () => server.close() };
}

interface Met {
  outcomes: MbusOutcome[];
  /** Reads of the meter that behaves again, until the right value came. */
  recovery: MbusOutcome[];
}

async function meet(behaviour: MbusBehaviour, kind: Kind): Promise<Met | null> {
  const wire = await wireTo(behaviour, kind);
  if (wire === null) return null;
  const line = new Line({ link: wire.link, timeoutMilliseconds: behaviour.timeoutMilliseconds });
  const unit = behaviour.by === 'primary' ? HOSTILE_PRIMARY : HOSTILE_SECONDARY;
  const driver = openDriver(profile, { unit, link: wire.link });
  const read = async (): Promise<MbusOutcome> =>
    outcomeOf(await driver.read(line, { nowMs: () => 0, attempts: 1, pauses: false }));
  const met: Met = { outcomes: [], recovery: [] };
  try {
    for (const _ of behaviour.expect) met.outcomes.push(await read());
    wire.meter.behave();
    while (met.recovery.length < RECOVERY_READS && met.recovery.at(-1) !== 'value')
      met.recovery.push(await read());
  } finally {
    await line.close();
    await wire.close();
  }
  return met;
}

const behaviours = readMbusBehaviours();
const cases = behaviours.flatMap((behaviour) => kinds.map((kind) => ({ id: behaviour.id, kind, behaviour })));

describe('a hostile meter on M-Bus', () => {
  const results = new Map<string, Met | null>();
  beforeAll(async () => {
    const left = [...cases];
    const lane = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift())
        results.set(`${next.id} ${next.kind}`, await meet(next.behaviour, next.kind));
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });

  test.for(cases)(
    '$id over $kind comes to what its entry says, and is got over',
    async ({ id, kind, behaviour }, context) => {
      const { expect: expected } = behaviour;
      let met = results.get(`${id} ${kind}`);
      for (let again = 0; again < RETRIES && met && !isDeepStrictEqual(met.outcomes, expected); again += 1) {
        const wrong = [...met.outcomes, ...met.recovery].filter(
          (outcome) =>
            typeof outcome === 'object' && !expected.some((one) => isDeepStrictEqual(one, outcome)),
        );
        expect(wrong).toEqual([]);
        met = await meet(behaviour, kind);
      }
      if (met === null) return context.skip('no pseudo terminals here');
      expect(met?.outcomes).toEqual(expected);
      expect(met?.recovery.at(-1)).toBe('value');
    },
  );

  test('there are at least 40 of them, each named once', () => {
    expect(new Set(behaviours.map(({ id }) => id)).size).toBe(behaviours.length);
    expect(behaviours.length).toBeGreaterThanOrEqual(40);
  });
});
