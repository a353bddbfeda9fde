import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { requirePeer } from '../../process/peers.ts';
import type { ModbusProfile } from '../../protocols/profile.ts';
import type { Link } from '../config.ts';
import { Line } from '../line/line.ts';
import { loadProfiles } from '../profiles.ts';
import { MeterReader } from './meter-reader.ts';
import { CONVERTER_COST } from './plan-requests.ts';
import { images } from './test-profile-images.ts';

/**
 * Debian's pymodbus as the meters: two units, one by function 3 and one by function 4. Its server module wants a serial
 * package that Debian only recommends; the little that is needed of it stands here. Prints where it listens.
 */
const PYMODBUS = `
import asyncio, json, sys, types
import serial
async def create_serial_connection(loop, factory, url, **options):
    port = serial.Serial(url, baudrate=options["baudrate"], timeout=0)
    class Transport:
        def write(self, data): port.write(data)
        def close(self): loop.remove_reader(port.fd); port.close()
        def get_extra_info(self, name): return None
    transport, protocol = Transport(), factory()
    protocol.connection_made(transport)
    loop.add_reader(port.fd, lambda: protocol.data_received(port.read(4096)))
    return transport, protocol
sys.modules["serial_asyncio"] = types.SimpleNamespace(create_serial_connection=create_serial_connection)
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer
kind, where = sys.argv[1], sys.argv[2]
def meter(function, words):
    block = ModbusSparseDataBlock({int(a): w for a, w in words.items()})
    return ModbusSlaveContext(zero_mode=True, **{function: block})
image = json.loads(sys.argv[3])
units = {int(u): meter(function, words) for u, (function, words) in image.items()}
context = ModbusServerContext(slaves=units, single=False)
async def main():
    if kind == "serial":
        server = ModbusSerialServer(context, ModbusRtuFramer, port=where, baudrate=115200, ignore_missing_slaves=True)
        await server.start()
        print(where, flush=True)
    else:
        framer = ModbusSocketFramer if kind == "tcp" else ModbusRtuFramer
        server = ModbusTcpServer(context, framer, address=("127.0.0.1", 0), ignore_missing_slaves=True)
        asyncio.get_running_loop().create_task(server.serve_forever())
        await server.serving
        print(server.server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
`;

/** Units by address: the function whose registers they hold, and these. */
type Served = Record<number, [string, Record<number, number>]>;

const words = (rows: Record<number, string>): Record<number, number> =>
  Object.fromEntries(
    Object.entries(rows).flatMap(([address, hex]) =>
      (hex.match(/..../g) ?? []).map((word, i) => [Number(address) + i, Number.parseInt(word, 16)]),
    ),
  );
const zeros = (count: number): string => '0000'.repeat(count);
const image: Served = {
  3: ['hr', words({ 10: '00bc614e', 20: 'ffffffff', 97: '090309010905', 100: '000100020003', 119: '1388' })],
  7: ['ir', { ...words({ 0: zeros(0x50) }), ...words({ 0: '43664000', 70: '42480000', 72: '44bbf333' }) }],
};

const loaded = loadProfiles();
if (!loaded.ok) throw new Error(loaded.errors.join('\n'));
function model(id: string): ModbusProfile {
  const profile = loaded.ok ? loaded.profiles.get(id) : undefined;
  if (profile?.protocol !== 'modbus') throw new Error(`no ${id}`);
  return profile;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function started(program: string, args: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  cleanups.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill();
    await exited;
  });
  return child;
}

/** The first line of a child's output that matches; its failure when it ends before. */
async function lineOf(child: ChildProcess, output: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
  const stream = child[output];
  if (stream === null) throw new Error('no output');
  let seen = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
  });
  for await (const line of createInterface({ input: stream })) if (pattern.test(line)) return line;
  throw new Error(`ended: ${seen}`);
}

async function pymodbus(kind: string, where: string, served: Served): Promise<string> {
  const child = started('/usr/bin/python3', ['-c', PYMODBUS, kind, where, JSON.stringify(served)]);
  return lineOf(child, 'stdout', /./);
}

/** Two ends of a serial line. */
async function ptyPair(): Promise<[string, string]> {
  const folder = mkdtempSync(join(tmpdir(), 'pty-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const ends: [string, string] = [join(folder, 'gateway'), join(folder, 'meters')];
  const socat = started('/usr/bin/socat', ['-d', '-d', ...ends.map((end) => `pty,raw,echo=0,link=${end}`)]);
  await lineOf(socat, 'stderr', /starting data transfer loop/);
  return ends;
}

const links: Record<string, (served: Served) => Promise<Link>> = {
  tcp: async (served) => ({
    kind: 'tcp',
    host: '127.0.0.1',
    port: Number(await pymodbus('tcp', '-', served)),
  }),
  'rtu-over-tcp': async (served) => ({
    kind: 'rtu-over-tcp',
    host: '127.0.0.1',
    port: Number(await pymodbus('rtu', '-', served)),
  }),
  serial: async (served) => {
    const [gateway, meters] = await ptyPair();
    await pymodbus('serial', meters, served);
    return { kind: 'serial', path: gateway, baudRate: 115_200, parity: 'none' };
  },
};

describe.each(Object.entries(links))('meters served by pymodbus over %s', (kind, link) => {
  test('are read by profile, also next to one that is silent', async (context) => {
    requirePeer(context, '/usr/bin/python3');
    requirePeer(context, '/usr/bin/socat');
    const line = new Line({ link: await link(image), timeoutMilliseconds: 500, worstReplyMilliseconds: 500 });
    cleanups.push(() => line.close());
    const options = { nowMs: Date.now, attempts: 1, pauses: false };
    const read = async (id: string, unit: number): Promise<Record<string, string | undefined>> => {
      const profile = model(id);
      const result = await new MeterReader(profile, profile.registers, CONVERTER_COST).read(line, {
        ...options,
        unit,
      });
      if (result.fault !== null) return { fault: result.fault.code };
      return Object.fromEntries(
        result.values.map(({ register, value, code }) => [register.obis, value ?? code]),
      );
    };
    expect(await read('acrel-dtsd1352', 3)).toEqual({
      '1-0:1.8.0': '123456.78',
      '1-0:2.8.0': 'not_available',
      '1-0:32.7.0': '230.7',
      '1-0:52.7.0': '230.5',
      '1-0:72.7.0': '230.9',
      '1-0:31.7.0': '0.01',
      '1-0:51.7.0': '0.02',
      '1-0:71.7.0': '0.03',
      '1-0:14.7.0': '50',
    });
    expect(await read('acrel-dtsd1352', 9)).toEqual({ fault: 'timeout' });
    expect(await read('eastron-sdm120', 7)).toMatchObject({
      '1-0:1.8.0': '1503.6',
      '1-0:32.7.0': '230.25',
      '1-0:14.7.0': '50',
      '1-0:2.8.0': '0',
    });
  });

  test('are read rightly whichever shipped model they are of', async (context) => {
    requirePeer(context, '/usr/bin/python3');
    requirePeer(context, '/usr/bin/socat');
    const models = Object.entries(images).map(([id, known]) => ({ profile: model(id), ...known }));
    const served = models.map(({ profile, holds }, i): [number, Served[number]] => [
      i + 1,
      [profile.functionCode === 3 ? 'hr' : 'ir', words(holds)],
    ]);
    const line = new Line({ link: await link(Object.fromEntries(served)), timeoutMilliseconds: 2000 });
    cleanups.push(() => line.close());
    for (const [index, { profile, reads }] of models.entries()) {
      const known = profile.registers.filter(({ obis }) => obis in reads);
      const options = { unit: index + 1, nowMs: Date.now, attempts: 1, pauses: false };
      const { values } = await new MeterReader(profile, known, CONVERTER_COST).read(line, options);
      const read = Object.fromEntries(
        values.map(({ register, value, code }) => [register.obis, value ?? code]),
      );
      expect({ [profile.id]: read }, kind).toEqual({ [profile.id]: reads });
    }
    // Some 200 requests, and behind a converter each waits for what may be the answer before once more.
  }, 60_000);

  test('give 100 reads of two units in turn, each the right one', async (context) => {
    requirePeer(context, '/usr/bin/python3');
    requirePeer(context, '/usr/bin/socat');
    const line = new Line({ link: await link(image), timeoutMilliseconds: 2000 });
    cleanups.push(() => line.close());
    for (let i = 0; i < 50; i++) {
      expect(await line.read({ unit: 3, functionCode: 3, address: 0x0a, count: 2 }), kind).toEqual({
        ok: true,
        data: Buffer.from('00bc614e', 'hex'),
      });
      expect(await line.read({ unit: 7, functionCode: 4, address: 0x48, count: 2 }), kind).toEqual({
        ok: true,
        data: Buffer.from('44bbf333', 'hex'),
      });
    }
  });
});
