/**
 * `npm run evaluate -- DATA [--json] [--part tune|hold]`: detectors and estimation against injected faults on real data and
 * on synthetic meters. Exit codes: 0 measured, 2 usage refused.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type EvaluationRow, evaluate } from './evaluate.ts';

const USAGE = `Usage: npm run evaluate -- DATA [--json] [--seed N]

  DATA     folder with water-registers/, water-bulk/, factory-electricity/ and leak-shapes/; what is absent is skipped
  --json   one JSON document on stdout
  --seed   of the injectors (default 1)`;

function main(args: string[]): number {
  const options = { json: { type: 'boolean' }, seed: { type: 'string' }, help: { type: 'boolean' } } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    return 2;
  }
  const { values, positionals } = parsed;
  const [folder] = positionals;
  if (values.help || folder === undefined) {
    process.stdout.write(`${USAGE}\n`);
    return values.help ? 0 : 2;
  }
  const seed = Number(values.seed ?? 1);
  if (!Number.isInteger(seed)) {
    process.stderr.write(`--seed is a whole number\n\n${USAGE}\n`);
    return 2;
  }
  const skipped = existsSync(folder) ? null : `${folder} does not exist: only synthetic meters are evaluated`;
  if (skipped !== null) process.stderr.write(`skipped: ${skipped}\n`);
  const rows = evaluate(folder, seed, (text) => process.stderr.write(`${text}\n`));
  process.stdout.write(values.json ? `${JSON.stringify({ seed, rows }, null, 2)}\n` : table(rows));
  return 0;
}

function table(rows: readonly EvaluationRow[]): string {
  const head = ['task', 'part', 'ours', 'baseline', 'target', 'reached'];
  const cells = rows.map(({ task, part, ours, baseline, target, reached }) => [
    task,
    part,
    ours,
    baseline,
    target,
    reached === null ? '' : reached ? 'yes' : 'no',
  ]);
  const widths = head.map((title, c) => Math.max(title.length, ...cells.map((row) => row[c]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, c) => cell.padEnd(widths[c] ?? 0))
      .join('  ')
      .trimEnd();
  return `${[line(head), ...cells.map(line)].join('\n')}\n`;
}

process.exitCode = main(process.argv.slice(2));
