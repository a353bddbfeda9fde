/** A line of M-Bus meters takes a value only from the answer to its own request, of the meter that is meant, whatever comes. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openDriver } from '../edge/drivers/open-driver.ts';
import type { MeterUnit } from '../edge/line/exchange.ts';
import { Line } from '../edge/line/line.ts';
import { loadProfiles } from '../edge/profiles.ts';
import { formatMicro } from '../protocols/units.ts';
import { mbusLine, mbusMeter } from '../simulators/meters/mbus-meters.ts';

/** Short, for what has to time out; long, for what must not on a busy machine. */
const TIMEOUT_MS = 20;
const PATIENT_MS = 2000;
interface Said {
  frame: Uint8Array;
  /** The last data that the line was told and could take. */
  previous: Uint8Array;
  request: Uint8Array;
  /** An answer like it, of another meter and with another value. */
  foreign: Uint8Array;
  /** Writes to the client that is there then, as a converter does. */
  send(...frames: Uint8Array[]): void;
  /** From now on it is the data before. */
  keep(frame: Uint8Array): void;
}
const late = (ms: number, act: () => void): void => void setTimeout(act, ms);
const noise = Uint8Array.of(0x00, 0x68, 0xff);
const ACK = Uint8Array.of(0xe5);
/** An acknowledgement has one byte only. */
const flipped = (frame: Uint8Array, at: number): Uint8Array =>
  frame.map((byte, index) => (index === (frame.length > 1 ? at : 0) ? byte ^ 2 : byte));
const behaviours: Record<string, (said: Said) => void> = {
  'a late answer': ({ frame, send }) => late(TIMEOUT_MS * 1.5, () => send(frame)),
  'an answer late by nearly three timeouts': ({ frame, send }) => late(TIMEOUT_MS * 2.8, () => send(frame)),
  silence: () => undefined,
  'an answer lost on its way, which may come to a later request': ({ frame, keep }) => keep(frame),
  'another meter': ({ foreign, send }) => send(foreign),
  'another meter first': ({ foreign, frame, send }) => send(foreign, frame),
  'the data before': ({ previous, send }) => send(previous),
  'the data before, then the right answer': ({ previous, frame, send }) => send(previous, frame),
  'the answer twice': ({ frame, send }) => send(frame, frame),
  'the answer again a little later': ({ frame, send }) => {
    send(frame);
    late(5, () => send(frame));
  },
  'an acknowledgement alone': ({ send }) => send(ACK),
  'an acknowledgement, then the answer': ({ frame, send }) => send(ACK, frame),
  'an echo, then the answer': ({ request, frame, send }) => send(request, frame),
  'an echo alone': ({ request, send }) => send(request),
  'noise before': ({ frame, send }) => send(noise, frame),
  'noise behind': ({ frame, send }) => send(frame, noise),
  'a flipped bit': ({ frame, send }) => send(flipped(frame, frame.length - 3)),
  'another length': ({ frame, send }) => send(flipped(frame, 1)),
  'half a frame': ({ frame, send }) => send(frame.subarray(0, 14)),
  'half a frame, the rest with the next': ({ frame, send }) => {
    send(frame.subarray(0, 14));
    late(TIMEOUT_MS * 2, () => send(frame.subarray(14)));
  },
  'byte by byte': ({ frame, send }) => send(...Array.from(frame, (byte) => Uint8Array.of(byte))),
};

/** No two registers of no two meters are worth the same, nor the same in two reads, so that a foreign or old value shows. */
const worth = (meter: number, obis: string, read: number): bigint =>
  BigInt([...obis].reduce((sum, one, at) => sum + one.charCodeAt(0) * (at + 1), 0)) * 100_000_000n +
  BigInt(meter) * 10_000_000n +
  BigInt(read) * 10_000n;

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
const abb = loaded.profiles.get('abb-b23-mbus');
if (abb?.protocol !== 'mbus') throw new Error('no such profile');
const profile = abb;
const counters = profile.registers.filter(({ unit }) => unit === 'kWh' || unit === 'kvarh');
const counted = new Set<string>(counters.map(({ obis }) => obis));

const secondaries = ['0147807742042002', '0147807842042002'];
const unitsBy: Record<string, MeterUnit[]> = { primary: [1, 2], secondary: secondaries };

/** The lowest digit of the number, the primary address and the last byte of data are one more, and the sum is right. */
function foreignTo(frame: Uint8Array): Uint8Array {
  if (frame.length < 20) return frame;
  const changed = frame.slice();
  for (const [at, more] of [
    [5, 1],
    [7, 1],
    [23, 1],
    [frame.length - 2, 3],
  ] as const)
    changed[at] = (changed[at] ?? 0) + more;
  return changed;
}

/** Reads two meters in turn, on a line that misbehaves at its n-th answer as `choose(n)` says, and counts what came. */
async function torment(
  by: string,
  reads: number,
  choose: (n: number) => string | null,
  timeoutMilliseconds = TIMEOUT_MS,
): Promise<{ right: number; wrong: number; faults: number }> {
  let round = 0;
  const meters = secondaries.map((secondary, at) =>
    mbusMeter({
      ...{ profile, primary: at + 1, secondary, recordsPerTelegram: 6 },
      values: (obis) => worth(at, obis, round),
    }),
  );
  const hear = mbusLine(meters);
  let socket: Socket | null = null;
  let previous = new Uint8Array(0);
  let n = 0;
  const keep = (frame: Uint8Array): void => {
    if (frame.length > 1) previous = frame.slice();
  };
  const send = (...frames: Uint8Array[]): void => frames.forEach((one) => void socket?.write(one));
  const server = createServer({ noDelay: true }, (client) => {
    socket = client;
    client.on('error', () => undefined);
    client.on('data', (chunk: Buffer) => {
      for (const frame of hear(chunk)) {
        const behave = behaviours[choose(n++) ?? ''];
        if (behave !== undefined) {
          behave({ frame, previous, request: chunk, foreign: foreignTo(frame), send, keep });
          continue;
        }
        send(frame);
        keep(frame);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const link = { kind: 'rtu-over-tcp', host: '127.0.0.1', port } as const;
  const line = new Line({ link, timeoutMilliseconds });
  const units = unitsBy[by] ?? [];
  const drivers = units.map((unit) => openDriver(profile, { unit, link }));
  const result = { right: 0, wrong: 0, faults: 0 };
  for (; round < reads; round++)
    for (const [at, driver] of drivers.entries()) {
      const options = { nowMs: () => 0, attempts: 1, pauses: false, wanted: counted };
      const { values, fault } = await driver.read(line, options);
      if (fault !== null) result.faults += 1;
      for (const { register, value } of values)
        result[value === formatMicro(worth(at, register.obis, round)) ? 'right' : 'wrong'] += 1;
    }
  await line.close();
  server.close();
  return result;
}

describe.concurrent.each(Object.keys(unitsBy))(
  'meters by their %s addresses: only what is surely right',
  (by) => {
    test('all of it, when nothing goes wrong', async () => {
      const clean = await torment(by, 3, () => null, PATIENT_MS);
      expect(clean).toEqual({ right: counters.length * 6, wrong: 0, faults: 0 });
    });

    test.each(Object.keys(behaviours))('%s, every third time', async (name) => {
      const result = await torment(by, 4, (n) => (n % 3 === 1 ? name : null));
      expect(result.wrong).toBe(0);
      // Every session has three answers or more: where the first telegram is never right, nothing is.
      expect(result.right + result.faults).toBeGreaterThan(0);
    });

    test.each([1, 2, 3])('60 reads of a line that does all of it at random (seed %i)', async (first) => {
      const names = Object.keys(behaviours);
      let seed = first;
      const choose = (): string | null => {
        seed = (seed * 48271) % 2147483647;
        return names[seed % (names.length * 5)] ?? null;
      };
      const result = await torment(by, 30, choose);
      expect(result.wrong).toBe(0);
      expect(result.right).toBeGreaterThan(0);
    });
  },
);
