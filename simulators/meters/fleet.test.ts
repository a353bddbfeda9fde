import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingPeer, requirePeer } from '../../process/peers.ts';
import { buildTcpFrame, TcpDeframer } from '../../protocols/modbus/tcp-frame.ts';
import { generatePark } from '../park/generate-park.ts';
import { readProfiles } from '../profiles.ts';
import { type Fleet, type RunningBus, startFleet } from './fleet.ts';

const run = promisify(execFile);
const profiles = readProfiles();
const { wiring, truth } = generatePark({ seed: 5, period: '2026-09', profiles });
const clock = { now: truth.grid.fromMs + 37 * truth.grid.intervalMs, nowMs: () => clock.now };
let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet(wiring, { truth, profiles, clock });
});
afterAll(() => fleet.close());

const busNamed = (id: string): RunningBus => {
  const bus = fleet.buses.find(({ wiring: { id: name } }) => name === id);
  if (bus === undefined) throw new Error(`no bus ${id}`);
  return bus;
};
const unitOf = (bus: RunningBus, meter: string): number =>
  bus.wiring.meters.find((one) => one.meter === meter)?.unit ?? 0;
const faceOf = (meter: string): number => truth.faceMicro(truth.of(meter), clock.now) / 1_000_000;
const portOf = (bus: RunningBus): number => (bus.address.link === 'tcp' ? bus.address.port : 0);

/** The values that mbpoll prints as `[1]: 123`. */
const valuesOf = (printed: string): number[] =>
  [...printed.matchAll(/^\[\d+\]:\s+(-?[\d.]+)/gm)].map(([, value]) => Number(value));

/** One request on a socket of its own; null when the other side closed it. */
async function ask(port: number, unit: number, pdu: number[]): Promise<Uint8Array | null> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(buildTcpFrame({ transaction: 9, unit, pdu: Uint8Array.from(pdu) }));
  const deframer = new TcpDeframer();
  for await (const chunk of socket) {
    const [event] = deframer.push(chunk as Buffer);
    if (event?.ok) return event.pdu;
  }
  return null;
}

describe("Debian's mbpoll reads a simulated meter", () => {
  test('over Modbus TCP', async (ctx) => {
    requirePeer(ctx, '/usr/bin/mbpoll');
    const bus = busNamed('bus-a1');
    const unit = unitOf(bus, 'E-A-101-L');
    const options = ['-m', 'tcp', '-p', `${portOf(bus)}`, '-a', `${unit}`, '-0', '-r', '24588', '-c', '1'];
    const { stdout } = await run('/usr/bin/mbpoll', [...options, '-t', '4:float', '-B', '-1', '127.0.0.1']);
    expect(valuesOf(stdout)[0]).toBeCloseTo(faceOf('E-A-101-L'), 1);
  });
  test('over Modbus RTU on a pseudo terminal', async (ctx) => {
    requirePeer(ctx, '/usr/bin/mbpoll');
    const bus = busNamed('bus-plant');
    if (bus.address.link !== 'serial') return missingPeer(ctx, 'this platform has no pseudo terminals');
    const unit = unitOf(bus, 'E-P-CH1');
    const options = [
      '-m',
      'rtu',
      '-b',
      '115200',
      '-P',
      'none',
      '-a',
      `${unit}`,
      '-0',
      '-r',
      '3203',
      '-c',
      '4',
    ];
    const { stdout } = await run('/usr/bin/mbpoll', [...options, '-t', '4', '-1', bus.address.path]);
    const [, third = 0, low = 0, lowest = 0] = valuesOf(stdout);
    // The words of a 64-bit count of Wh; mbpoll shows them unsigned.
    expect((third * 65_536 + (low & 0xffff)) * 65_536 + (lowest & 0xffff)).toBe(
      Math.round(faceOf('E-P-CH1') * 1000),
    );
  });
});

describe('a simulated meter behind a converter', () => {
  const units = (): [number, number] => [portOf(busNamed('bus-main')), unitOf(busNamed('bus-main'), 'E-0')];
  test.each<[string, number[], number[]]>([
    ['a function it does not have', [3, 0x03, 0x21, 0, 4], [0x83, 1]],
    ['a write', [6, 0, 1, 0, 0], [0x86, 1]],
    ['a register past its last', [4, 0x60, 0, 0, 1], [0x84, 2]],
    ['no registers at all', [4, 0, 1, 0, 0], [0x84, 3]],
  ])('refuses %s with its exception', async (_title, request, expected) => {
    expect([...((await ask(...units(), request)) ?? [])]).toEqual(expected);
  });
  test('that is not there is reported by the converter', async () => {
    expect([...((await ask(portOf(busNamed('bus-main')), 77, [4, 0, 1, 0, 2])) ?? [])]).toEqual([0x84, 0x0b]);
  });
  test('a half of a register is the half of its bytes', async () => {
    const whole = await ask(...units(), [4, 0x03, 0x21, 0, 4]);
    const half = await ask(...units(), [4, 0x03, 0x23, 0, 2]);
    expect(half?.subarray(2)).toEqual(whole?.subarray(6));
  });
});

test('a bus that is off refuses connections, and is back at the same address', async () => {
  const bus = busNamed('bus-b1');
  const port = portOf(bus);
  await bus.converter?.off();
  const [error] = await once(connect({ port, host: '127.0.0.1' }), 'error');
  expect((error as NodeJS.ErrnoException).code).toBe('ECONNREFUSED');
  await bus.converter?.on();
  expect(await ask(port, 1, [4, 0, 0x34, 0, 2])).not.toBeNull();
});
