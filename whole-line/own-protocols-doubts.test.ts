/** A line of DL/T 645 or CJ/T 188 meters takes a value only from the answer to its own request, whatever comes. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { isAsked } from '../edge/drivers/asked-profile.ts';
import { openDriver } from '../edge/drivers/open-driver.ts';
import { Line } from '../edge/line/line.ts';
import { loadProfiles } from '../edge/profiles.ts';
import type { Profile } from '../protocols/profile.ts';
import { formatMicro } from '../protocols/units.ts';
import {
  cjt188Meter,
  dlt645Meter,
  type FramedMeter,
  framedLine,
} from '../simulators/meters/framed-meters.ts';

/** Short, for what has to time out; long, for what must not on a busy machine. */
const TIMEOUT_MS = 20;
const PATIENT_MS = 2000;
interface Said {
  frame: Uint8Array;
  /** What the line was told the time before. */
  previous: Uint8Array;
  request: Uint8Array;
  /** An answer like it, of another meter and with another value. */
  foreign: Uint8Array;
  /** One of a meter with the same address and another value. */
  namesake: Uint8Array;
  /** Writes to the client that is there then, as a converter does. */
  send(...frames: Uint8Array[]): void;
}
const late = (ms: number, act: () => void): void => void setTimeout(act, ms);
const noise = Uint8Array.of(0x00, 0x68, 0xff);
const behaviours: Record<string, (said: Said) => void> = {
  'a late answer': ({ frame, send }) => late(TIMEOUT_MS * 1.5, () => send(frame)),
  'an answer late by nearly three timeouts': ({ frame, send }) => late(TIMEOUT_MS * 2.8, () => send(frame)),
  silence: () => undefined,
  'another meter': ({ foreign, send }) => send(foreign),
  'another meter first': ({ foreign, frame, send }) => send(foreign, frame),
  'the answer before': ({ previous, send }) => send(previous),
  'the answer before, then the right one': ({ previous, frame, send }) => send(previous, frame),
  'the answer twice': ({ frame, send }) => send(frame, frame),
  'the answer again a little later': ({ frame, send }) => {
    send(frame);
    late(5, () => send(frame));
  },
  'a second meter of this address, right before': ({ namesake, frame, send }) => send(namesake, frame),
  'a second meter of this address, right behind': ({ namesake, frame, send }) => send(frame, namesake),
  'a second meter of this address, a little later': ({ namesake, frame, send }) => {
    send(frame);
    late(5, () => send(namesake));
  },
  'an echo, then the answer': ({ request, frame, send }) => send(request, frame),
  'an echo alone': ({ request, send }) => send(request),
  'noise before': ({ frame, send }) => send(noise, frame),
  'noise behind': ({ frame, send }) => send(frame, noise),
  'a flipped bit': ({ frame, send }) => send(frame.with(-3, (frame.at(-3) ?? 0) ^ 1)),
  'half a frame': ({ frame, send }) => send(frame.subarray(0, 14)),
  'half a frame, the rest with the next': ({ frame, send }) => {
    send(frame.subarray(0, 14));
    late(TIMEOUT_MS * 2, () => send(frame.subarray(14)));
  },
  'byte by byte': ({ frame, send }) => send(...Array.from(frame, (byte) => Uint8Array.of(byte))),
};

/** No two registers of no two meters are worth the same, so that a foreign value shows. */
const worth = (address: string, obis: string): bigint =>
  BigInt([...obis, ...address].reduce((sum, one, at) => sum + one.charCodeAt(0) * (at + 1), 0)) * 10_000n;
const isTotal = (obis: string): boolean => /:\d+\.8\.|^8-0:1\./.test(obis);

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const { profiles } = loaded;
const totalsOf = (id: string): ReadonlySet<string> => {
  const codes = [...(profiles.get(id)?.registers ?? [])].map(({ obis }) => obis);
  return new Set(codes.filter(isTotal));
};
const addressesOf = {
  'dlt645-2007-3ph': ['000000000001', '000000000002'],
  'cjt188-water': ['78330011223344', '78330011223355'],
};
type Id = keyof typeof addressesOf;
const ids = Object.keys(addressesOf) as Id[];

function meterOf(profile: Profile | undefined, address: string): FramedMeter {
  const values = (obis: string): bigint => worth(address, obis);
  if (profile?.protocol === 'dlt645') return dlt645Meter(profile, address, values);
  if (profile?.protocol === 'cjt188') return cjt188Meter(profile, address, values);
  throw new Error('no such profile');
}

/** The lowest byte of the address and the last of the data are one more, and the sum is right. */
function foreignTo(frame: Uint8Array, id: Id): Uint8Array {
  const sum = frame.length - 2;
  return withMore(frame, { [id === 'cjt188-water' ? 6 : 5]: 1, [sum - 1]: 1, [sum]: 2 });
}

/** In both protocols: behind wake bytes, head and what names the item. */
const VALUE_AT = 18;

/** The same address, and a value that is 1 more in its lowest byte. */
const namesakeOf = (frame: Uint8Array): Uint8Array =>
  withMore(frame, { [VALUE_AT]: 1, [frame.length - 2]: 1 });

const withMore = (frame: Uint8Array, more: Record<number, number>): Uint8Array =>
  frame.map((byte, at) => byte + (more[at] ?? 0));

/** Reads two meters in turn, on a line that misbehaves at its n-th answer as `choose(n)` says, and counts what came. */
async function torment(
  id: Id,
  reads: number,
  choose: (n: number) => string | null,
  timeoutMilliseconds = TIMEOUT_MS,
): Promise<{ right: number; wrong: number; faults: number }> {
  const profile = profiles.get(id);
  if (!isAsked(profile)) throw new Error(`no profile ${id}`);
  const addresses = addressesOf[id];
  const hear = framedLine(addresses.map((address) => meterOf(profile, address)));
  let socket: Socket | null = null;
  let previous = new Uint8Array(0);
  let n = 0;
  const send = (...frames: Uint8Array[]): void => frames.forEach((one) => void socket?.write(one));
  const server = createServer({ noDelay: true }, (client) => {
    socket = client;
    client.on('error', () => undefined);
    client.on('data', (chunk: Buffer) => {
      for (const frame of hear(chunk)) {
        const behave = behaviours[choose(n++) ?? ''];
        if (behave === undefined) send(frame);
        else
          behave({
            frame,
            previous,
            request: chunk,
            foreign: foreignTo(frame, id),
            namesake: namesakeOf(frame),
            send,
          });
        previous = frame.slice();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const link = { kind: 'rtu-over-tcp', host: '127.0.0.1', port } as const;
  const line = new Line({ link, timeoutMilliseconds });
  const drivers = addresses.map((unit) => ({ unit, driver: openDriver(profile, { unit, link }) }));
  const result = { right: 0, wrong: 0, faults: 0 };
  const wanted = totalsOf(id);
  for (let i = 0; i < reads; i++)
    for (const { unit, driver } of drivers) {
      const options = { nowMs: () => 0, attempts: 1, pauses: false, wanted };
      const { values, fault } = await driver.read(line, options);
      if (fault !== null) result.faults += 1;
      for (const { register, value } of values)
        result[value === formatMicro(worth(unit, register.obis)) ? 'right' : 'wrong'] += 1;
    }
  await line.close();
  server.close();
  return result;
}

describe.concurrent.each(ids)('a line of %s takes only what is surely right', (id) => {
  test('all of it, when nothing goes wrong', async () => {
    const clean = await torment(id, 3, () => null, PATIENT_MS);
    expect(clean).toEqual({ right: totalsOf(id).size * 6, wrong: 0, faults: 0 });
  });

  test.each(Object.keys(behaviours))('%s, every third time', async (name) => {
    const result = await torment(id, 4, (n) => (n % 3 === 1 ? name : null));
    expect(result.wrong).toBe(0);
    expect(result.right).toBeGreaterThan(0);
  });

  test.each([1, 2, 3])('60 reads of a line that does all of it at random (seed %i)', async (first) => {
    const names = Object.keys(behaviours);
    let seed = first;
    const choose = (): string | null => {
      seed = (seed * 48271) % 2147483647;
      return names[seed % (names.length * 3)] ?? null;
    };
    const result = await torment(id, 30, choose);
    expect(result.wrong).toBe(0);
    expect(result.right).toBeGreaterThan(0);
  });
});
