/** 1,000 Modbus TCP meters of 20 registers, each with a socket of its own, all read every second by this one process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Line } from '../edge/line.ts';
import { MeterReader } from '../edge/meter-reader.ts';
import { CONVERTER_COST } from '../edge/plan-requests.ts';
import { buildRequest } from '../protocols/modbus/pdu.ts';
import { buildTcpFrame } from '../protocols/modbus/tcp-frame.ts';
import { ModbusProfile } from '../protocols/profile.ts';
import { type BenchRow, benchRow, costOf, type Measurement } from './measure.ts';

const LOOPBACK = '127.0.0.1';
const INTERVAL_MS = 1000;
const REGISTERS = 20;
/** The first one connects. */
const WARM_UP_ROUNDS = 10;

export const measurements: Measurement[] = [
  { name: 'modbus_tcp_1000_meters', measure: () => thousandMeters({ meters: 1000, seconds: 10 }) },
];

const profile = ModbusProfile.parse({
  id: 'bench',
  make: 'Bench',
  model: 'Bench',
  utility: 'electricity',
  source: 'this benchmark',
  protocol: 'modbus',
  functionCode: 3,
  registers: Array.from({ length: REGISTERS }, (_, address) => ({
    obis: `1-0:${address + 1}.7.0`,
    name: `value ${address}`,
    address,
    type: 'u16',
    unit: 'W',
  })),
});

/** Each read with its decoding; some rounds to warm up are not counted. */
export async function thousandMeters(size: { meters: number; seconds: number }): Promise<BenchRow[]> {
  const server = fork(join(import.meta.dirname, 'meter-child.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(server, 'message')) as [number];
  try {
    const ours = await readAll(port, size);
    const bare = await bareAll(port, size);
    const requests = size.meters * size.seconds;
    const what = `${size.meters} meters x ${REGISTERS} registers every second, one socket each, ${size.seconds} s`;
    const name = 'modbus_tcp_1000_meters';
    return [
      benchRow(
        {
          name: `${name}_cpu`,
          unit: 'us CPU/request',
          note: `${what}; limit: bare sockets at the same pace`,
        },
        { value: [(1e6 * ours.cpuSeconds) / requests], limit: [(1e6 * bare.cpuSeconds) / requests] },
      ),
      benchRow(
        {
          name: `${name}_slowest`,
          unit: 'ms',
          note: `${what}: from the second to the last answer in the slowest one, ${ours.missed} reads missed; limit: the next second`,
        },
        { value: [ours.slowestMs], limit: [INTERVAL_MS] },
      ),
    ];
  } finally {
    server.disconnect();
    await once(server, 'exit');
  }
}

interface Paced {
  cpuSeconds: number;
  /** The longest time from a second's beginning to its last answer. */
  slowestMs: number;
  /** Reads that were not over, or not good, when the next were due. */
  missed: number;
}

/** Runs `read` for all on each second; it resolves with whether the read was good. */
async function paced(seconds: number, read: (() => Promise<boolean>)[]): Promise<Paced> {
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await Promise.all(read.map((one) => one()));
  let slowestMs = 0;
  let missed = 0;
  const { cpuSeconds } = await costOf(async () => {
    const first = performance.now();
    for (let second = 0; second < seconds; second += 1) {
      const boundary = first + second * INTERVAL_MS;
      await sleep(Math.max(boundary - performance.now(), 0));
      await Promise.all(
        read.map(async (one) => {
          const good = await one();
          const took = performance.now() - boundary;
          slowestMs = Math.max(slowestMs, took);
          if (!good || took > INTERVAL_MS) missed += 1;
        }),
      );
    }
  });
  return { cpuSeconds, slowestMs, missed };
}

async function readAll(
  port: number,
  { meters, seconds }: { meters: number; seconds: number },
): Promise<Paced> {
  const lines = Array.from({ length: meters }, () => {
    const link = { kind: 'tcp', host: LOOPBACK, port } as const;
    const line = new Line({ link, timeoutMilliseconds: 5_000 });
    return { line, reader: new MeterReader(profile, profile.registers, CONVERTER_COST) };
  });
  const options = { unit: 1, nowMs: Date.now, attempts: 1, pauses: true };
  try {
    return await paced(
      seconds,
      lines.map(({ line, reader }) => async () => {
        const { values } = await reader.read(line, options);
        return values.length === REGISTERS;
      }),
    );
  } finally {
    await Promise.all(lines.map(({ line }) => line.close()));
  }
}

async function bareAll(
  port: number,
  { meters, seconds }: { meters: number; seconds: number },
): Promise<Paced> {
  const pdu = buildRequest({ functionCode: 3, address: 0, count: REGISTERS });
  const frame = buildTcpFrame({ transaction: 1, unit: 1, pdu });
  const answerBytes = 9 + 2 * REGISTERS;
  const sockets: Socket[] = [];
  const bare = (): (() => Promise<boolean>) => {
    const socket = connect({ host: LOOPBACK, port, noDelay: true });
    sockets.push(socket);
    let bytes = 0;
    let settle: (good: boolean) => void = () => undefined;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes >= answerBytes) settle(true);
    });
    return () =>
      new Promise((resolve) => {
        bytes = 0;
        settle = resolve;
        socket.write(frame);
      });
  };
  try {
    return await paced(seconds, Array.from({ length: meters }, bare));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}
