/**
 * `meterline simulate`: meters on sockets and pseudo terminals, to be polled by whoever wants to.
 * Exit codes: 0 stopped, 2 usage or input refused, 3 operating fault.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Park } from '../../protocols/park.ts';
import { InstantText } from '../../protocols/reading.ts';
import { checkYaml } from '../../protocols/yaml-document.ts';
import type { Behaviour } from '../hostile/behaviour.ts';
import { chooseBehaviours, startHostileFleet } from '../hostile/serve-hostile.ts';
import { type Fleet, startFleet } from '../meters/fleet.ts';
import { startFramedPark } from '../meters/framed-park.ts';
import { startMbusPark } from '../meters/mbus-park.ts';
import { connectPushMeters, type PushMeters } from '../meters/push-meters.ts';
import { connectSparkplugNode, type SparkplugNode } from '../meters/sparkplug-node.ts';
import { firstMonth, generatePark, type Planted } from '../park/generate-park.ts';
import { simulateDocument } from '../park/simulate-document.ts';
import type { Truth } from '../park/truth.ts';
import type { Wiring } from '../park/wiring.ts';
import { type Profiles, readProfiles } from '../profiles.ts';

const USAGE = `Usage: meterline simulate [--seed N | --park FILE] [--live | --at INSTANT] [--host H] [--port P] [--push URL] [--sparkplug URL] [--json]

  --seed N       the demo park of a seed (default 1)
  --park FILE    the meters of a park document of your own
  --hostile ID   meters that misbehave instead: one or several of simulators/hostile/behaviours.yaml (A,B), or all
  --dlt645, --cjt188
                 a meter of every model of DL/T 645 or CJ/T 188 instead, each on a socket and a pseudo terminal of its own
  --mbus         a line of M-Bus with a meter of every model instead, on a socket and on a pseudo terminal
  --live         meters count on with the wall clock; without it they stand still
  --at INSTANT   where they stand (default: the start of 2026-09)
  --host H       address to listen on (default 127.0.0.1; there is no authentication in Modbus)
  --port P       first port: one a bus, in order (default 5020)
  --sockets      serial lines as sockets too, for those who cannot reach this machine's device files
  --push URL     MQTT broker for the meters that push, every quarter of an hour (with --live)
  --sparkplug URL  the same for the electricity meters, as devices of the Sparkplug B node Simulated/Node1
  --json         the table as one JSON document`;

const options = {
  seed: { type: 'string' },
  park: { type: 'string' },
  hostile: { type: 'string' },
  dlt645: { type: 'boolean', default: false },
  cjt188: { type: 'boolean', default: false },
  mbus: { type: 'boolean', default: false },
  live: { type: 'boolean', default: false },
  at: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '5020' },
  sockets: { type: 'boolean', default: false },
  push: { type: 'string' },
  sparkplug: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean' },
} as const;
type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

interface Simulated {
  truth: Truth;
  wiring: Wiring;
  outage: Planted['outage'] | null;
}

export async function run(args: string[]): Promise<number> {
  let values: Values;
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const wrong = wrongValue(values);
  if (wrong !== null) return refuse(wrong);
  if (values.hostile !== undefined) {
    const chosen = chooseBehaviours(values.hostile);
    if ('unknown' in chosen) return refuse(`--hostile: there is no "${chosen.unknown[0]}"`);
    return await untilStopped(() => serveHostile(chosen, values));
  }
  const profiles = readProfiles();
  if (values.mbus) return await untilStopped(() => serveMbus(profiles, values));
  if (values.dlt645 || values.cjt188) return await untilStopped(() => serveFramed(profiles, values));
  const simulated = simulate(values, profiles);
  if (typeof simulated === 'string') return refuse(simulated);
  return await untilStopped(() => serve(values, simulated, profiles));
}

async function untilStopped(serveThem: () => Promise<void>): Promise<number> {
  try {
    await serveThem();
    return 0;
  } catch (error) {
    console.error(`meterline simulate: ${faultOf(error)}`);
    return 3;
  }
}

function refuse(reason: string): number {
  console.error(`${USAGE}\n\nmeterline simulate: ${reason}`);
  return 2;
}

/** Another simulator is what mostly holds a port. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && error.code === 'EADDRINUSE'
    ? `${error.message}; another process listens there: give other ports with --port`
    : error.message;
}

function wrongValue({ seed, port, at, park, live, hostile, dlt645, cjt188, mbus }: Values): string | null {
  if (!/^\d{1,9}$/.test(seed ?? '1')) return `--seed: "${seed}" is not a whole number`;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_000) return `--port: "${port}" is no port below 65000`;
  if (at !== undefined && !InstantText.safeParse(at).success) return `--at: "${at}" is no instant`;
  if (at !== undefined && live) return '--live and --at: either one';
  if (park !== undefined && seed !== undefined) return '--park and --seed: either one';
  if ([hostile !== undefined, dlt645, cjt188, mbus].filter(Boolean).length > 1)
    return '--hostile, --dlt645, --cjt188 and --mbus: one of them';
  return null;
}

/** The meters, or why there are none. */
function simulate(values: Values, profiles: Profiles): Simulated | string {
  const seed = Number(values.seed ?? '1');
  let simulated: Simulated;
  if (values.park === undefined) {
    const { truth, wiring, planted } = generatePark({ seed, period: firstMonth, profiles });
    simulated = { truth, wiring, outage: planted.outage };
  } else {
    try {
      const checked = checkYaml(Park, readFileSync(values.park, 'utf8'), values.park);
      if (!checked.ok) return checked.errors.join('\n');
      simulated = {
        ...simulateDocument(checked.value, { seed, period: firstMonth, profiles }),
        outage: null,
      };
    } catch (error) {
      return `${values.park}: ${(error as Error).message}`;
    }
  }
  const { wiring } = simulated;
  if (!values.sockets) return simulated;
  const buses = wiring.buses.map((bus) => ({ ...bus, link: 'tcp' as const }));
  return { ...simulated, wiring: { ...wiring, buses } };
}

async function serveHostile(behaviours: Behaviour[], { host, port, json }: Values): Promise<void> {
  const stopped = stopSignal();
  const fleet = await startHostileFleet(behaviours, { host, port: Number(port) });
  const lines = fleet.meters.map(
    ({ id, transport, address, description }) =>
      `${address.padEnd(17)} ${transport.padEnd(13)} ${id.padEnd(28)} ${description}`,
  );
  console.log(json ? JSON.stringify({ meters: fleet.meters }) : [...lines, '', 'Ctrl-C stops.'].join('\n'));
  await stopped;
  await fleet.close();
}

async function serveMbus(profiles: Profiles, { host, port, json }: Values): Promise<void> {
  const stopped = stopSignal();
  const { meters, addresses, close } = await startMbusPark(profiles, { host, port: Number(port) });
  const lines = meters.map(
    ({ profile, primary, secondary }) => `${String(primary).padStart(4)}  ${secondary}  ${profile}`,
  );
  const table = [addresses.join(', '), 'unit  or                profile', ...lines, '', 'Ctrl-C stops.'];
  console.log(json ? JSON.stringify({ addresses, meters }) : table.join('\n'));
  await stopped;
  await close();
}

async function serveFramed(profiles: Profiles, { host, port, json, dlt645 }: Values): Promise<void> {
  const stopped = stopSignal();
  const { meters, close } = await startFramedPark(dlt645 ? 'dlt645' : 'cjt188', profiles, {
    ...{ host, port: Number(port) },
    now: () => Temporal.Now.plainDateTimeISO(),
  });
  const lines = meters.map(({ profile, unit, addresses: [socket = '', device = ''] }) =>
    `${socket.padEnd(17)} ${device.padEnd(13)} ${unit.padEnd(15)} ${profile}`.trimEnd(),
  );
  const heading = `${'--rtu-over-tcp'.padEnd(17)} ${'--serial'.padEnd(13)} ${'--unit'.padEnd(15)} --profile`;
  console.log(json ? JSON.stringify({ meters }) : [heading, ...lines, '', 'Ctrl-C stops.'].join('\n'));
  await stopped;
  await close();
}

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });

async function serve(
  values: Values,
  { truth, wiring, outage }: Simulated,
  profiles: Profiles,
): Promise<void> {
  const standsMs =
    values.at === undefined ? truth.grid.fromMs : Temporal.Instant.from(values.at).epochMilliseconds;
  const clock = { nowMs: () => (values.live ? Date.now() : standsMs) };
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  const fleet = await startFleet(wiring, { truth, profiles, clock }, Number(values.port), values.host);
  const push = values.push === undefined ? null : connectPushMeters(values.push, wiring.push, truth);
  const node = startNode(values, truth, profiles, clock.nowMs());
  console.log(values.json ? JSON.stringify(addresses(fleet, wiring)) : table(fleet, wiring, values));
  try {
    await follow({ fleet, push, node, outage, clock, intervalMs: truth.grid.intervalMs }, stopping.signal);
  } finally {
    await push?.close();
    await node?.close();
    await fleet.close();
  }
}

function startNode(
  { sparkplug }: Values,
  truth: Truth,
  profiles: Profiles,
  startMs: number,
): SparkplugNode | null {
  const profile = profiles.get('sparkplug-electricity');
  if (sparkplug === undefined || profile?.protocol !== 'sparkplug') return null;
  const meters = [...truth.meters.values()].filter(({ unit }) => unit === 'kWh').map(({ meter }) => meter);
  return connectSparkplugNode(sparkplug, { node: 'Simulated/Node1', profile, meters, startMs }, truth);
}

interface Following {
  fleet: Fleet;
  push: PushMeters | null;
  node: SparkplugNode | null;
  outage: Planted['outage'] | null;
  clock: { nowMs(): number };
  intervalMs: number;
}

const TICK_MS = 500;

/** Until stopped: the planted outage comes and goes, and on each boundary the meters that push do so. */
async function follow(
  { fleet, push, node, outage, clock, intervalMs }: Following,
  signal: AbortSignal,
): Promise<void> {
  const converter = fleet.buses.find(({ wiring }) => wiring.id === outage?.bus)?.converter;
  let published = 0;
  while (!signal.aborted) {
    const nowMs = clock.nowMs();
    const silent = outage !== null && nowMs >= outage.fromMs && nowMs < outage.toMs;
    await (silent ? converter?.off() : converter?.on());
    const boundary = nowMs - (nowMs % intervalMs);
    if (boundary > published) {
      published = boundary;
      // A broker that is away gets what it missed when it is back; the meters do not wait for it.
      push?.publish(boundary).catch(() => undefined);
      node?.publish(boundary);
    }
    await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
  }
}

const addressText = ({ address }: Fleet['buses'][number]): string =>
  address.link === 'tcp' ? `${address.host}:${address.port}` : address.path;

function addresses(fleet: Fleet, { push }: Wiring): object {
  const buses = fleet.buses.map(({ wiring: { id, meters }, address }) => ({ id, ...address, meters }));
  return { buses, push, withoutTerminals: fleet.withoutTerminals };
}

function table(fleet: Fleet, { push }: Wiring, values: Values): string {
  const rows = fleet.buses.flatMap((bus) =>
    bus.wiring.meters.map(({ meter, profile, unit }) => [addressText(bus), `${unit}`, profile, meter]),
  );
  const pushing = push.map(({ meter, profile, topic }) => [topic, '', profile, meter]);
  const all = [['address', 'unit', 'profile', 'meter'], ...rows, ...pushing];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)) + 2);
  const line = (cells: string[]): string => cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('');
  const where = values.push === undefined ? 'silent: give --push URL and --live' : values.push;
  return [
    ...all.slice(0, rows.length + 1).map(line),
    ...(push.length > 0 ? ['', `Meters that push (${where})`, ...pushing.map(line)] : []),
    ...fleet.withoutTerminals.map((id) => `${id}: no pseudo terminals here, so it is a socket`),
    '',
    values.live ? 'Counting with the wall clock. Ctrl-C stops.' : 'Standing still. Ctrl-C stops.',
  ].join('\n');
}
