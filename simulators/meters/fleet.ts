/** All meters of a park on their wires: a socket per converter, a pseudo terminal per serial line. */
import type { Truth } from '../park/truth.ts';
import type { BusWiring, Wiring } from '../park/wiring.ts';
import type { Profiles } from '../profiles.ts';
import { busMeters, type SimulatedClock } from './bus-meters.ts';
import { startSerialLine } from './serial-line.ts';
import { startTcpConverter, type TcpConverter } from './tcp-converter.ts';

/** Where a bus is reached. */
export type BusAddress = { link: 'tcp'; host: string; port: number } | { link: 'serial'; path: string };

export interface RunningBus {
  wiring: BusWiring;
  address: BusAddress;
  converter: TcpConverter | null;
}

export interface Fleet {
  buses: RunningBus[];
  /** Serial lines that had to become sockets, since this platform has no pseudo terminals. */
  withoutTerminals: string[];
  close(): Promise<void>;
}

/** @param firstPort converters listen from there on, in the order of the wiring; 0 for any free ports */
export async function startFleet(
  wiring: Wiring,
  source: { truth: Truth; profiles: Profiles; clock: SimulatedClock },
  firstPort = 0,
  host = '127.0.0.1',
): Promise<Fleet> {
  const buses: RunningBus[] = [];
  const withoutTerminals: string[] = [];
  const closers: (() => unknown)[] = [];
  for (const [index, bus] of wiring.buses.entries()) {
    const answer = busMeters(bus, source);
    const line = bus.link === 'rtu' ? startSerialLine(answer) : null;
    if (line !== null) {
      closers.push(line.close);
      buses.push({ wiring: bus, address: { link: 'serial', path: line.path }, converter: null });
      continue;
    }
    if (bus.link === 'rtu') withoutTerminals.push(bus.id);
    const converter = await startTcpConverter(answer, firstPort === 0 ? 0 : firstPort + index, host);
    closers.push(converter.close);
    buses.push({ wiring: bus, address: { link: 'tcp', host, port: converter.port }, converter });
  }
  return {
    buses,
    withoutTerminals,
    async close() {
      for (const close of closers) await close();
    },
  };
}
