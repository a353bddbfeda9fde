/** How near the gateway comes to a bare socket and to a bare disk. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import modbusSerial from 'modbus-serial';
import { Line } from '../edge/line/line.ts';
import { openOutbox } from '../edge/outbox.ts';
import { buildRequest } from '../protocols/modbus/pdu.ts';
import { buildTcpFrame } from '../protocols/modbus/tcp-frame.ts';
import type { Reading } from '../protocols/reading.ts';
import { benchReadings, METERS, withoutKey } from './bench-readings.ts';
import {
  type BenchRow,
  benchRow,
  type Cost,
  costOf,
  interleave,
  type Measurement,
  ROUNDS,
} from './measure.ts';

const LOOPBACK = '127.0.0.1';
const LIBRARY = 'modbus-serial 8.0.25';
const TIMEOUT_MS = 5_000;
/** The energy registers of a usual meter, in one request. */
const request = { unit: 1, functionCode: 3, address: 0, count: 24 } as const;

export const measurements: Measurement[] = [
  { name: 'modbus_tcp_polls', measure: () => modbusTcpPolls({ rounds: ROUNDS, requests: 10_000 }) },
  { name: 'outbox_append', measure: () => outboxAppend({ rounds: ROUNDS, batches: 200 }) },
];

/** Requests, one after the other, of the line, of a bare socket, and of the library's own client, to the same server. */
export async function modbusTcpPolls(size: { rounds: number; requests: number }): Promise<BenchRow[]> {
  const { requests } = size;
  const meter = fork(join(import.meta.dirname, 'meter-child.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(meter, 'message')) as [number];
  const line = new Line({ link: { kind: 'tcp', host: LOOPBACK, port }, timeoutMilliseconds: TIMEOUT_MS });
  const library = new modbusSerial.default();
  await library.connectTCP(LOOPBACK, { port });
  library.setID(request.unit);
  try {
    const costs = await interleave(size.rounds, {
      bare: () => costOf(() => bareRequests(port, requests)),
      line: () =>
        costOf(async () => {
          for (let n = 0; n < requests; n += 1) await line.read(request);
        }),
      modbusSerial: () =>
        costOf(async () => {
          for (let n = 0; n < requests; n += 1)
            await library.readHoldingRegisters(request.address, request.count);
        }),
    });
    const rate = (list: Cost[]) => list.map(({ seconds }) => requests / seconds);
    const cpu = (list: Cost[]) => list.map(({ cpuSeconds }) => (1e6 * cpuSeconds) / requests);
    const what = `one line, one request of ${request.count} registers after the other, loopback`;
    const unit = 'requests/s';
    const cpuUnit = 'us CPU/request';
    const bare = { note: `${what}; limit: a bare net.Socket that writes and counts bytes` };
    const peer = { peer: LIBRARY, note: `${what}; limit: the library's own client, unchecked` };
    const name = 'modbus_tcp_polls';
    const cpuName = 'modbus_tcp_cpu';
    return [
      benchRow({ name, unit, ...bare }, { value: rate(costs.line), limit: rate(costs.bare) }),
      benchRow(
        { name: `${name}_library`, unit, ...peer },
        { value: rate(costs.line), limit: rate(costs.modbusSerial) },
      ),
      benchRow({ name: cpuName, unit: cpuUnit, ...bare }, { value: cpu(costs.line), limit: cpu(costs.bare) }),
      benchRow(
        { name: `${cpuName}_library`, unit: cpuUnit, ...peer },
        { value: cpu(costs.line), limit: cpu(costs.modbusSerial) },
      ),
    ];
  } finally {
    await line.close();
    await new Promise<void>((closed) => library.close(() => closed()));
    meter.disconnect();
    await once(meter, 'exit');
  }
}

/** The least that a poll can be: the request goes out when all bytes of the answer before are in. */
function bareRequests(port: number, requests: number): Promise<void> {
  const frame = buildTcpFrame({ transaction: 1, unit: request.unit, pdu: buildRequest(request) });
  const answerBytes = 9 + 2 * request.count;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: LOOPBACK, port, noDelay: true });
    let left = requests;
    let bytes = 0;
    socket.on('error', reject);
    socket.on('connect', () => socket.write(frame));
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes < answerBytes) return;
      bytes = 0;
      left -= 1;
      if (left > 0) socket.write(frame);
      else socket.destroy();
    });
    socket.on('close', () => resolve());
  });
}

/** The bare file is written over and over, as a write-ahead log is: its blocks are there already. */
const BARE_BYTES = 4 * 1024 * 1024;

/** Commits of one boundary each: the outbox, and its bytes alone written and flushed. */
export async function outboxAppend(size: { rounds: number; batches: number }): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-bench-'));
  const outbox = openOutbox({ folder: join(folder, 'outbox'), gateway: 'gw-bench', maxBytes: 1 << 30 });
  const bare = openSync(join(folder, 'bare.log'), 'w');
  writeSync(bare, Buffer.alloc(BARE_BYTES));
  fsyncSync(bare);
  let slot = 0;
  const next = (): Reading[][] =>
    Array.from({ length: size.batches }, () => benchReadings(METERS * slot++, METERS));
  const rate = ({ seconds }: Cost): number => (size.batches * METERS) / seconds;
  try {
    const rates = await interleave(size.rounds, {
      async outbox() {
        const batches = next().map((batch) => batch.map(withoutKey));
        return rate(await costOf(() => batches.forEach((batch) => void outbox.append(batch))));
      },
      async bare() {
        const texts = next().map((batch) => Buffer.from(batch.map((one) => JSON.stringify(one)).join('')));
        let at = 0;
        const flush = (text: Buffer): void => {
          if (at + text.length > BARE_BYTES) at = 0;
          at += writeSync(bare, text, 0, text.length, at);
          fdatasyncSync(bare);
        };
        return rate(await costOf(() => texts.forEach(flush)));
      },
    });
    const note = `commits of ${METERS} readings, fsynced; limit: write and fdatasync of the same JSON, ready made, into allocated blocks`;
    return [
      benchRow(
        { name: 'outbox_append', unit: 'readings/s', note },
        { value: rates.outbox, limit: rates.bare },
      ),
    ];
  } finally {
    outbox.close();
    closeSync(bare);
    rmSync(folder, { recursive: true });
  }
}
