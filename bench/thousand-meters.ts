/** 1,000 Modbus TCP meters of 20 registers, each with a socket of its own, all read every second by this one process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import modbusSerial from 'modbus-serial';
import { pino } from 'pino';
import type { NewReading } from '../edge/buffer/outbox-items.ts';
import { systemClock } from '../edge/clock.ts';
import { hexOf } from '../edge/drivers/meter-driver.ts';
import { instantText } from '../edge/polling/instant-text.ts';
import { RunningBuses } from '../edge/polling/running-buses.ts';
import { buildRequest } from '../protocols/modbus/pdu.ts';
import { registerTextDecoder } from '../protocols/modbus/registers.ts';
import { buildTcpFrame } from '../protocols/modbus/tcp-frame.ts';
import { ModbusProfile } from '../protocols/profile.ts';
import { type BenchRow, benchRow, costOf, type Measurement } from './measure.ts';

const LOOPBACK = '127.0.0.1';
const LIBRARY = 'modbus-serial 8.0.25';
const INTERVAL_MS = 1000;
const TIMEOUT_MS = 5_000;
const REGISTERS = 20;
/** Before it counts: fewer meters at a faster pace, so that what is compiled is compiled for the most part. */
const WARM_UP = { meters: 200, intervalMs: 20 };
/** Until all have been read once: a line that follows another on the same port hears out late replies to that. */
const READY_MS = 30_000;

export const measurements: Measurement[] = [
  {
    name: 'modbus_tcp_1000_meters',
    measure: () => thousandMeters({ meters: 1000, seconds: 10, warmUpSeconds: 4, settleSeconds: 10 }),
  },
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
    billing: true,
  })),
});

interface Pace {
  port: number;
  meters: number;
  intervalMs: number;
}

interface Size {
  meters: number;
  seconds: number;
  warmUpSeconds: number;
  /**
   * Then, once all have been read, the pace that is measured: what was compiled for the meters of the warm-up is compiled anew
   * for these, which costs as much as thousands of requests and happens once in the life of a process.
   */
  settleSeconds: number;
}

/** Reads all meters at each beat until it is stopped, and tells of each one that is done. */
type Contender = (pace: Pace, done: (meter: number) => void) => Promise<Running>;
interface Running {
  stop(): Promise<void>;
}

export async function thousandMeters(size: Size): Promise<BenchRow[]> {
  const server = fork(join(import.meta.dirname, 'meter-child.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(server, 'message')) as [number];
  try {
    const bare = await measure(bareSockets, port, size);
    const ours = await measure(poller, port, size);
    const library = await measure(libraryClients, port, size);
    const what = `${size.meters} meters x ${REGISTERS} registers every second, one socket each, ${size.seconds} s`;
    const path = 'the gateway from its clock over plan, line and decoding to readings taken into memory';
    const name = 'modbus_tcp_1000_meters';
    const unit = 'us CPU/request';
    return [
      benchRow(
        { name: `${name}_cpu`, unit, note: `${what}: ${path}; limit: bare sockets at the same pace` },
        { value: [ours.cpuMicroseconds], limit: [bare.cpuMicroseconds] },
      ),
      benchRow(
        {
          name: `${name}_library`,
          unit,
          peer: LIBRARY,
          note: `${what}: ${path}; limit: the library's own clients at the same pace, and their answers decoded to the same readings`,
        },
        { value: [ours.cpuMicroseconds], limit: [library.cpuMicroseconds] },
      ),
      benchRow(
        {
          name: `${name}_slowest`,
          unit: 'ms',
          note: `${what}: from the second to the last reading in the slowest one, ${ours.missed} reads missed; limit: the next second`,
        },
        { value: [ours.slowestMs], limit: [INTERVAL_MS] },
      ),
    ];
  } finally {
    server.disconnect();
    await once(server, 'exit');
  }
}

interface Measured {
  cpuMicroseconds: number;
  /** The longest time from a second's beginning to its last reading. */
  slowestMs: number;
  /** Reads that were not done when the next were due. */
  missed: number;
}

async function measure(
  contender: Contender,
  port: number,
  { meters, seconds, warmUpSeconds, settleSeconds }: Size,
): Promise<Measured> {
  const warmUp = await contender({ port, ...WARM_UP }, () => undefined);
  await sleep(1000 * warmUpSeconds);
  await warmUp.stop();
  let slowestMs = 0;
  let missed = 0;
  let isCounting = false;
  let secondMs = 0;
  const read = new Set<number>();
  const ready = Promise.withResolvers<void>();
  const running = await contender({ port, meters, intervalMs: INTERVAL_MS }, (meter) => {
    const nowMs = Date.now();
    const inSecondMs = nowMs % INTERVAL_MS;
    if (nowMs - inSecondMs !== secondMs) {
      if (isCounting && secondMs > 0) missed += meters - read.size;
      read.clear();
      secondMs = nowMs - inSecondMs;
    }
    read.add(meter);
    if (read.size === meters) ready.resolve();
    if (isCounting) slowestMs = Math.max(slowestMs, inSecondMs);
  });
  try {
    await Promise.race([ready.promise, sleep(READY_MS, undefined, { ref: false })]);
    await sleep(1000 * settleSeconds);
    await sleep(untilMiddleMs());
    isCounting = true;
    const { cpuSeconds } = await costOf(async () => {
      await sleep((seconds - 1) * INTERVAL_MS);
      await sleep(untilMiddleMs());
    });
    missed += meters - read.size;
    return { cpuMicroseconds: (1e6 * cpuSeconds) / (meters * seconds), slowestMs, missed };
  } finally {
    await running.stop();
  }
}

/** To the middle of the next second, when all is quiet. */
const untilMiddleMs = (): number => 1.5 * INTERVAL_MS - (Date.now() % INTERVAL_MS);

/** A process has one. */
const clock = systemClock();

/** As the gateway runs them: each bus on its own. */
const poller: Contender = async ({ port, meters, intervalMs }, done) => {
  const accepted = new Map<string, NewReading>();
  const buses = new RunningBuses({
    profiles: new Map([[profile.id, profile]]),
    clock,
    outbox: {
      async accept(readings) {
        for (const reading of readings) accepted.set(reading.register, reading);
        if (readings.length === REGISTERS) done(Number(readings[0]?.meter));
      },
      lastAcceptedMs: () => null,
    },
    log: pino({ level: 'silent' }),
  });
  await buses.apply({
    clock: 'system',
    pollIntervalSeconds: intervalMs / 1000,
    buses: Array.from({ length: meters }, (_, meter) => ({
      id: `bus-${meter}`,
      link: { kind: 'tcp', host: LOOPBACK, port },
      timeoutMilliseconds: TIMEOUT_MS,
      meters: [{ meter: `${meter}`, profile: profile.id, unit: 1 }],
    })),
  });
  return buses;
};

/** Runs `read` for all at each beat. */
function paced({ meters, intervalMs }: Pace, read: (meter: number) => void): Running {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      for (let meter = 0; meter < meters; meter += 1) read(meter);
      await sleep(intervalMs - (Date.now() % intervalMs), undefined, { signal }).catch(() => undefined);
    }
  };
  const looping = loop();
  return {
    async stop() {
      stopping.abort();
      await looping;
    },
  };
}

const bareSockets: Contender = async (pace, done) => {
  const { port, meters } = pace;
  const pdu = buildRequest({ functionCode: 3, address: 0, count: REGISTERS });
  const frame = buildTcpFrame({ transaction: 1, unit: 1, pdu });
  const answerBytes = 9 + 2 * REGISTERS;
  const sockets: Socket[] = [];
  for (let meter = 0; meter < meters; meter += 1) {
    const socket = connect({ host: LOOPBACK, port, noDelay: true });
    await once(socket, 'connect');
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes < answerBytes) return;
      bytes = 0;
      done(meter);
    });
    sockets.push(socket);
  }
  const running = paced(pace, (meter) => void sockets[meter]?.write(frame));
  return {
    async stop() {
      await running.stop();
      for (const socket of sockets) socket.destroy();
    },
  };
};

const libraryClients: Contender = async (pace, done) => {
  const { port, meters } = pace;
  const decoders = profile.registers.map((register) => ({ register, decode: registerTextDecoder(register) }));
  const accepted = new Map<string, NewReading>();
  const clients: InstanceType<typeof modbusSerial.default>[] = [];
  for (let meter = 0; meter < meters; meter += 1) {
    const client = new modbusSerial.default();
    await client.connectTCP(LOOPBACK, { port });
    client.setID(1);
    client.setTimeout(TIMEOUT_MS);
    clients.push(client);
  }
  const read = async (meter: number): Promise<void> => {
    const answer = await clients[meter]?.readHoldingRegisters(0, REGISTERS);
    if (answer === undefined) return;
    const readAt = instantText(Date.now());
    const hex = hexOf(answer.buffer);
    for (const { register, decode } of decoders) {
      const offset = 2 * register.address;
      accepted.set(register.obis, {
        meter: `${meter}`,
        register: register.obis,
        readAt,
        value: decode(answer.buffer, offset).value,
        unit: register.unit,
        raw: hex.slice(2 * offset, 2 * offset + 4),
        source: 'poll',
      });
    }
    done(meter);
  };
  const running = paced(pace, (meter) => void read(meter).catch(() => undefined));
  return {
    async stop() {
      await running.stop();
      await Promise.all(clients.map((client) => new Promise<void>((closed) => client.close(() => closed()))));
    },
  };
};
