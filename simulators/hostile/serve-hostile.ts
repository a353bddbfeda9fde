/** `meterline simulate --hostile`: hostile meters on sockets and pseudo terminals, for whoever wants to try a gateway. */
import { type Behaviour, outcomesOver, readBehaviours, type Transport } from './behaviour.ts';
import { type HostileMeter, startHostileMeter } from './hostile-meter.ts';

export interface HostileFleet {
  meters: HostileRow[];
  close(): Promise<void>;
}

/** One behaviour on one wire; the meter is unit 1. */
export interface HostileRow {
  id: string;
  transport: Transport;
  address: string;
  description: string;
  expect: readonly unknown[];
}

/** The behaviours named in `list`, separated by commas, or all of them; or which of the names nobody knows. */
export function chooseBehaviours(list: string): Behaviour[] | { unknown: string[] } {
  const all = readBehaviours();
  if (list === 'all') return all;
  const ids = list.split(',');
  const unknown = ids.filter((id) => !all.some((one) => one.id === id));
  return unknown.length > 0 ? { unknown } : all.filter(({ id }) => ids.includes(id));
}

/** Each on every wire on which it can misbehave, the sockets from `port` on, or on any that are free if that is 0. */
export async function startHostileFleet(
  behaviours: readonly Behaviour[],
  { host, port }: { host: string; port: number },
): Promise<HostileFleet> {
  const running: HostileMeter[] = [];
  const meters: HostileRow[] = [];
  let next = port;
  for (const behaviour of behaviours) {
    for (const transport of behaviour.over) {
      const meter = await startHostileMeter(behaviour, transport, { host, port: next });
      if (meter === null) continue;
      running.push(meter);
      if (transport !== 'rtu' && port !== 0) next += 1;
      const address = transport === 'rtu' ? meter.path : `${host}:${meter.port}`;
      const { id, en: description } = behaviour;
      meters.push({ id, transport, address, description, expect: outcomesOver(behaviour, transport) });
    }
  }
  return {
    meters,
    async close() {
      for (const meter of running) await meter.close();
    },
  };
}
