/** What a real gateway process takes of a small machine: memory with 256 meters, and the processor while nothing is due. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchRow, benchRow, type Measurement } from './measure.ts';

const GATEWAY = 'gw-bench';
const PASSWORD = 'bench-password';
const METERS_A_BUS = 32;
const MEGABYTE = 1e6;
/** /proc counts the processor in hundredths of a second. */
const TICKS_A_SECOND = 100;
const MEMORY_LIMIT = 130;
const IDLE_LIMIT = 2;

export const measurements: Measurement[] = [
  {
    name: 'gateway_footprint',
    measure: () => gatewayFootprint({ buses: 8, pollSeconds: 60, idleSeconds: 20 }),
  },
];

/**
 * Meters on Modbus TCP buses in another process, a broker and ingest in a third. The gateway reads all of them every second
 * for `pollSeconds`, as many rounds as in a quarter of a day or more; then, on the same process, every quarter of an hour.
 */
export async function gatewayFootprint(size: {
  buses: number;
  pollSeconds: number;
  idleSeconds: number;
}): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-bench-'));
  const children: ChildProcess[] = [];
  const child = (file: string, args: string[] = []): ChildProcess => {
    const stdio = ['ignore', 'inherit', 'pipe', 'ipc'] as const;
    const started = fork(join(import.meta.dirname, file), args, { stdio: [...stdio] });
    children.push(started);
    return started;
  };
  try {
    const [port] = (await once(child('meter-child.ts'), 'message')) as [number];
    const cloud = child('ingest-child.ts', [join(folder, 'cloud.db'), '0', GATEWAY, PASSWORD]);
    const [broker] = (await once(cloud, 'message')) as [string];
    const file = join(folder, 'edge.yaml');
    const write = (everySeconds: number): void =>
      writeFileSync(file, configuration({ broker, port, buses: size.buses, everySeconds }));
    write(1);
    // As it is started by hand.
    const command = [join(import.meta.dirname, '../meterline.ts'), 'edge', '--config', file];
    const gateway = spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'pipe'] });
    children.push(gateway);
    await said(gateway, 'gateway up');
    await sleep(size.pollSeconds * 1000);
    const { pid = 0 } = gateway;
    const memory = memoryOf(pid);
    write(900);
    gateway.kill('SIGHUP');
    await said(gateway, 'the new configuration is at work');
    // What was read last has been sent and receipted by then.
    await sleep(2000);
    const before = processorSecondsOf(pid);
    await sleep(size.idleSeconds * 1000);
    const idle = ((processorSecondsOf(pid) - before) / size.idleSeconds) * 100;
    const meters = size.buses * METERS_A_BUS;
    return [
      benchRow(
        {
          name: 'gateway_memory',
          unit: 'MB resident',
          note: `${meters} meters on ${size.buses} buses after ${size.pollSeconds} rounds, uplink and outbox at work; limit: ${MEMORY_LIMIT} MB; highest ${memory.highest} MB`,
        },
        { value: [memory.now], limit: [MEMORY_LIMIT] },
      ),
      benchRow(
        {
          name: 'gateway_idle_cpu',
          unit: '% of a core',
          note: `the same process, reading every quarter of an hour, over ${size.idleSeconds} s between two rounds; limit: ${IDLE_LIMIT} %`,
        },
        { value: [idle], limit: [IDLE_LIMIT] },
      ),
    ];
  } finally {
    for (const one of children.reverse()) {
      if (one.exitCode !== null || one.signalCode !== null) continue;
      const ended = once(one, 'exit');
      if (one.connected) one.disconnect();
      one.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function configuration(options: {
  broker: string;
  port: number;
  buses: number;
  everySeconds: number;
}): string {
  const { broker, port, buses, everySeconds } = options;
  const meters = (bus: number) =>
    Array.from({ length: METERS_A_BUS }, (_, at) => ({
      meter: `E-${bus}-${at + 1}`,
      profile: 'acrel-dtsd1352',
      unit: at + 1,
    }));
  const lines = Array.from({ length: buses }, (_, bus) => ({
    id: `bus-${bus}`,
    tcp: `127.0.0.1:${port}`,
    meters: meters(bus),
  }));
  return `gateway: ${GATEWAY}
dataDir: ./data
broker: ${broker}
username: ${GATEWAY}
password: ${PASSWORD}
pollIntervalSeconds: ${everySeconds}
buses: ${JSON.stringify(lines)}
`;
}

/** Resolves when the gateway logs it. @throws Error when it ends before */
async function said(gateway: ChildProcess, message: string): Promise<void> {
  if (gateway.stderr === null) throw new Error('the gateway logs nowhere');
  const lines = createInterface({ input: gateway.stderr });
  try {
    for await (const line of lines) if (line.includes(`"msg":"${message}"`)) return;
  } finally {
    lines.close();
    gateway.stderr.resume();
  }
  throw new Error('the gateway ended');
}

/** Megabytes, from /proc. */
function memoryOf(pid: number): { now: number; highest: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (key: string): number => Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(status)?.[1]);
  const megabytes = (key: string): number => Math.round((kilobytes(key) * 1024) / MEGABYTE);
  return { now: megabytes('VmRSS'), highest: megabytes('VmHWM') };
}

/** User and system, of all threads. */
function processorSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}
