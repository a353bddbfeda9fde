/**
 * `meterline demo`: the seeded park, a whole month through the real line in driven time, billed and proved.
 * Exit codes: 0 all reconciles, 1 it does not, 2 usage, 3 operating fault.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Kill } from '../demo/drive-month.ts';
import type { DemoServer } from '../demo/installation.ts';
import { demoReport } from '../demo/report.ts';
import { type DemoOutcome, type Progress, ReadingsDifferError, runDemo } from '../demo/run-demo.ts';

const USAGE = `Usage: meterline demo [--json] [--seed N] [--data DIR] [--postgres USER@HOST:PORT/DATABASE] [--kill CHILD@FRACTION,...]

  --seed N       another month of the same park (default 1); the same seed gives the same charges
  --data DIR     keep configurations, databases, logs and statements there; it must not hold a run already
  --postgres S   the cloud on a server instead of a file; the database is there and empty, its password is in
                 METERLINE_POSTGRES_PASSWORD
  --json         one JSON document on standard output
  --kill LIST    fault injection: SIGKILL to edge or cloud when so much of the month has passed: edge@0.3,cloud@0.5`;

const period = '2026-09';

interface Options {
  seed: number;
  folder: string | null;
  postgres: DemoServer | undefined;
  json: boolean;
  kills: Kill[];
}

export async function run(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  if (typeof options === 'string') {
    console.error(`${USAGE}\n\nmeterline demo: ${options}`);
    return 2;
  }
  if (options.folder !== null && existsSync(join(options.folder, 'park.json'))) {
    console.error(`meterline demo: --data: ${options.folder} holds a run already`);
    return 2;
  }
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'meterline-demo-'));
  const progress = progressLine();
  try {
    const { seed, kills, postgres } = options;
    const outcome = await runDemo({ seed, period, folder, postgres, kills, onProgress: progress.show });
    progress.end();
    const ok = outcome.verdict.problems.length === 0;
    if (options.json) console.log(JSON.stringify(demoResult(outcome, seed)));
    else console.log(demoReport(outcome));
    if (options.json) for (const problem of outcome.verdict.problems) console.error(problem);
    if (ok && options.folder === null) rmSync(folder, { recursive: true, force: true });
    else console.error(`kept: ${folder}`);
    return ok ? 0 : 1;
  } catch (error) {
    progress.end();
    console.error(`meterline demo: ${error instanceof Error ? error.message : error}\nkept: ${folder}`);
    return error instanceof ReadingsDifferError ? 1 : 3;
  }
}

function readOptions(args: string[]): Options | 'help' | string {
  const options = {
    json: { type: 'boolean' },
    seed: { type: 'string' },
    data: { type: 'string' },
    postgres: { type: 'string' },
    kill: { type: 'string' },
    help: { type: 'boolean' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (values.help) return 'help';
  if (!/^\d{1,9}$/.test(values.seed ?? '1')) return `--seed: "${values.seed}" is not a whole number`;
  const server = /^(\w+)@([\w.-]+):(\d{1,5})\/(\w+)$/.exec(values.postgres ?? '');
  if (values.postgres !== undefined && server === null)
    return `--postgres: "${values.postgres}" is not USER@HOST:PORT/DATABASE`;
  const kills = (values.kill ?? '').split(',').filter((one) => one !== '');
  const wrong = kills.find((one) => !/^(edge|cloud)@(0(\.\d+)?|1)$/.test(one));
  if (wrong !== undefined) return `--kill: "${wrong}" is not edge@FRACTION or cloud@FRACTION`;
  return {
    seed: Number(values.seed ?? '1'),
    folder: values.data === undefined ? null : resolve(values.data),
    postgres: server === null ? undefined : serverOf(server),
    json: values.json ?? false,
    kills: kills.map((one) => {
      const [child, at] = one.split('@');
      return { child: child === 'edge' ? 'edge' : 'cloud', at: Number(at) };
    }),
  };
}

const serverOf = ([, user = '', host = '', port, database = '']: RegExpExecArray): DemoServer => ({
  ...{ host, database, user },
  port: Number(port),
});

/** The shape that scripts rely on. */
function demoResult({ generated, readings, month, verdict, seconds }: DemoOutcome, seed: number): object {
  return {
    ok: verdict.problems.length === 0,
    seconds: Math.round(seconds * 10) / 10,
    seed,
    period,
    meters: generated.park.meters.length,
    readings: readings.stored,
    lost: readings.lost,
    duplicated: readings.duplicated,
    utilities: verdict.utilities,
    charges: month.charges.length,
    ledgerTotal: verdict.ledgerTotal,
    statements: month.statements.length,
    statementsVerified: month.statementsVerified,
  };
}

const BAR = 32;
const EVERY_MS = 100;

/** One line on a terminal's standard error, rewritten in place; where that is no terminal, a line every tenth. */
function progressLine(): { show: (progress: Progress) => void; end: () => void } {
  const { stderr } = process;
  if (!stderr.isTTY) return tenths();
  const started = performance.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show({ stage, atMs, done }) {
      const now = performance.now();
      if (stage === 'metering' && now - shownAt < EVERY_MS) return;
      shownAt = now;
      const filled = Math.round(done * BAR);
      const bar = '#'.repeat(filled) + '.'.repeat(BAR - filled);
      const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO('Asia/Shanghai');
      const when = `${at.toPlainDate()} ${at.toPlainTime().toString({ smallestUnit: 'minute' })}`;
      stderr.write(`\r\x1b[K${when} [${bar}] ${stage} ${Math.round((now - started) / 1000)} s`);
    },
    end: () => void stderr.write('\r\x1b[K'),
  };
}

/** A line of standard error for each tenth of the month and each stage, as a log can keep it. */
function tenths(): ReturnType<typeof progressLine> {
  let shown = '';
  return {
    show({ stage, done }) {
      const line = `${stage} ${Math.floor(done * 10) * 10} %`;
      if (line !== shown) console.error(line);
      shown = line;
    },
    end: () => undefined,
  };
}
