/** How near a bus of meters comes to what its serial line can carry at best. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { MeterReader } from '../edge/drivers/meter-reader.ts';
import { bridgeableHole, planRequests, type WireCost } from '../edge/drivers/plan-requests.ts';
import { Line } from '../edge/line/line.ts';
import { ModbusProfile } from '../protocols/profile.ts';
import { type BenchRow, benchRow, type Measurement } from './measure.ts';

const METERS = 32;
const TURNAROUND_MS = 20;
/** Baud rates, and how many cycles are measured at each. */
const RATES = [
  { baudRate: 2400, rounds: 1 },
  { baudRate: 9600, rounds: 3 },
  { baudRate: 19_200, rounds: 3 },
  { baudRate: 115_200, rounds: 5 },
];

export const measurements: Measurement[] = [
  { name: 'rtu_utilisation', measure: () => rtuUtilisation(RATES, METERS) },
];

/** 60 registers in a row. */
const profile = ModbusProfile.parse({
  id: 'bench',
  make: 'Bench',
  model: 'Bench',
  utility: 'electricity',
  source: 'this benchmark',
  protocol: 'modbus',
  functionCode: 3,
  registers: Array.from({ length: 60 }, (_, i) => ({
    obis: `1-0:${i + 1}.7.0`,
    name: `value ${i}`,
    address: i,
    type: 'u16',
    unit: 'W',
  })),
});

/** The least time that one meter can take: bytes on the wire, its turnaround, and the silence of 3.5 characters. */
function floorMs({ baudRate, turnaroundMilliseconds }: WireCost, counts: readonly number[]): number {
  const characterMs = 10_000 / baudRate;
  const silenceMs = baudRate > 19_200 ? 1.75 : 3.5 * characterMs;
  return counts.reduce(
    (sum, count) => sum + (8 + 5 + 2 * count) * characterMs + turnaroundMilliseconds + silenceMs,
    0,
  );
}

/** One cycle over all meters a round, of the reader as the poller uses it. */
export async function rtuUtilisation(
  rates: readonly { baudRate: number; rounds: number }[],
  meters: number,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const { baudRate, rounds } of rates) {
    const cost = { baudRate, turnaroundMilliseconds: TURNAROUND_MS };
    const cycles = await cyclesAt(cost, { meters, rounds });
    const best = planRequests(profile.registers, {
      maxRegisters: profile.maxRegisters,
      longestHole: bridgeableHole(cost),
    }).map(({ count }) => count);
    const single = profile.registers.map(() => 1);
    const row = (name: string, counts: number[], note: string): BenchRow =>
      benchRow(
        { name: `${name}_${baudRate}`, unit: 'ms a cycle', note },
        { value: cycles, limit: cycles.map(() => meters * floorMs(cost, counts)) },
      );
    const what = `${meters} meters of 60 registers on a paced line, ${TURNAROUND_MS} ms turnaround`;
    rows.push(
      row('rtu_utilisation', best, `${what}; limit: the line's own time for the best plan`),
      row('rtu_by_register', single, `${what}; limit: the line's own time register by register`),
    );
  }
  return rows;
}

async function cyclesAt(
  { baudRate, turnaroundMilliseconds }: WireCost,
  { meters, rounds }: { meters: number; rounds: number },
): Promise<number[]> {
  const child = fork(join(import.meta.dirname, 'paced-child.ts'), [
    `${baudRate}`,
    `${turnaroundMilliseconds}`,
  ]);
  const [path] = (await once(child, 'message')) as [string];
  const line = new Line({
    link: { kind: 'serial', path, baudRate, parity: 'none' },
    timeoutMilliseconds: 5_000,
  });
  const readers = Array.from({ length: meters }, (_, i) => ({
    unit: i + 1,
    reader: new MeterReader(profile, profile.registers, { baudRate, turnaroundMilliseconds }),
  }));
  const cycle = async (): Promise<void> => {
    for (const { unit, reader } of readers) {
      const read = await reader.read(line, { unit, nowMs: Date.now, attempts: 1, pauses: true });
      if (read.fault !== null) throw read.fault;
    }
  };
  const cycles: number[] = [];
  try {
    await line.read({ unit: 1, functionCode: 3, address: 0, count: 1 });
    for (let round = 0; round < rounds; round += 1) {
      const started = performance.now();
      await cycle();
      cycles.push(performance.now() - started);
    }
  } finally {
    await line.close();
    child.disconnect();
    await once(child, 'exit');
  }
  return cycles;
}
