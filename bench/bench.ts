/** `meterline bench`: how near each part comes to a physical limit, or to another program, on this machine. */
import { statfsSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { measurements as close } from './close-month.ts';
import { measurements as cloud } from './cloud-rows.ts';
import { measurements as dead } from './dead-meter.ts';
import { measurements as delivery } from './delivery-rows.ts';
import { measurements as edge } from './edge-rows.ts';
import { measurements as footprint } from './gateway-footprint.ts';
import { measurements as history } from './history-month.ts';
import { measurements as line } from './line-end-to-end.ts';
import type { BenchRow } from './measure.ts';
import { measurements as rtu } from './rtu-utilisation.ts';
import { measurements as thousand } from './thousand-meters.ts';

const measurements = [
  ...edge,
  ...rtu,
  ...dead,
  ...thousand,
  ...cloud,
  ...line,
  ...delivery,
  ...footprint,
  ...close,
  ...history,
];

const USAGE = `Usage: meterline bench [NAME...] [--json]

Each figure is a ratio to a stated limit, or to a peer, that was measured in the same rounds. Without names, all of:
  ${measurements.map(({ name }) => name).join(', ')}`;

/** What `--json` prints. */
export interface BenchReport {
  machine: Machine;
  rows: BenchRow[];
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  os: string;
  node: string;
  /** Where the databases of the benchmarks lay, and its kind of file system: a flush is only as real as that. */
  disk: string;
}

/** Exit codes: 0 measured, 2 usage refused. */
export async function run(args: string[]): Promise<number> {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean' } } as const;
  let parsed: ReturnType<
    typeof parseArgs<{ args: string[]; options: typeof options; allowPositionals: true }>
  >;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return refuse(String(error));
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const unknown = positionals.filter((name) => !measurements.some((one) => one.name === name));
  if (unknown.length > 0) return refuse(`there is no benchmark "${unknown[0]}"`);
  const rows: BenchRow[] = [];
  for (const { name, measure } of measurements) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    process.stderr.write(`${name} ...\n`);
    rows.push(...(await measure()));
  }
  const report = { machine: machine(), rows };
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report));
  return 0;
}

function refuse(reason: string): number {
  process.stderr.write(`meterline bench: ${reason}\n\n${USAGE}\n`);
  return 2;
}

/** Numbers of `statfs` for the file systems on which databases are met. */
const fileSystems: Record<number, string> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
  26985: 'nfs',
};

function machine(): Machine {
  const type = statfsSync(tmpdir()).type;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    disk: `${tmpdir()} (${fileSystems[type] ?? `file system ${type}`})`,
  };
}

/** The machine in one line, the rows as an aligned table, and what each of them means below it. */
export function formatReport({ machine: at, rows }: BenchReport): string {
  const { cpu, cores, memoryGiB, os, node, disk } = at;
  const head = ['', 'value', 'limit', 'ratio', 'unit', 'limit is'];
  const cells = rows.map(({ name, value, limit, ratio, unit, peer }) => [
    name,
    number(value),
    number(limit),
    number(ratio),
    unit,
    peer ?? 'stated below',
  ]);
  const widths = head.map((title, c) => Math.max(title.length, ...cells.map((row) => row[c]?.length ?? 0)));
  const isNumber = (c: number): boolean => c >= 1 && c <= 3;
  const text = (row: string[]): string =>
    row
      .map((cell, c) => (isNumber(c) ? cell.padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0)))
      .join('  ')
      .trimEnd();
  const notes = rows.map(({ name, note }) => `${name}: ${note}`);
  return [
    `${cores} x ${cpu}, ${memoryGiB} GiB, ${os}, Node ${node}, databases in ${disk}`,
    '',
    text(head),
    ...cells.map(text),
    '',
    ...notes,
    '',
  ].join('\n');
}

const number = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 4 });
