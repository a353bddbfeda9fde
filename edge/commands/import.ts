/**
 * `meterline import`: the park's own list of meters into the gateway's configuration and the park document.
 * Exit codes: 0 taken (or nothing to change), 2 usage, or the list refused, 3 a file cannot be read or written.
 */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { refuseWords, type TakenWords, takeWords } from '../../process/command-line.ts';
import { type ColumnMap, fieldNames, type ListField } from '../../protocols/meter-list/columns.ts';
import type { Difference } from '../../protocols/meter-list/difference.ts';
import type { ListProblem } from '../../protocols/meter-list/problem.ts';
import { columnLetters } from '../../protocols/meter-list/table.ts';
import { replaceFile } from '../buffer/replace-file.ts';
import { answerName, type ImportResult, importMeterList } from '../meter-list/import-meter-list.ts';
import { MOST_FILE_BYTES } from '../meter-list/list-refusal.ts';
import { parseMapping } from '../meter-list/remembered-columns.ts';
import { loadProfiles } from '../profiles.ts';

const USAGE = `Usage: meterline import FILE.xlsx|FILE.csv [--config edge.yaml] [--park park.yaml] [--dry-run]

  --config FILE          the gateway's configuration; default edge.yaml. The former one is kept as FILE.bak
  --park FILE            the park document that names, tree, places and multipliers go into as well; without it those columns
                         are told and left. A new meter of the park needs five more: 出厂编号 serial, 倍率 multiplier
                         (or PT, CT), 位数 digits, 每小时最大量 maxPerHour, 准确度等级 accuracyPercent
  --dry-run              print what would change, and change nothing
  --map "HEADING=FIELD"  what a heading that is not known holds (or "ignored"); remembered beside the configuration
  --default "FIELD=VALUE" what an empty cell of the field holds, such as digits=6
  --decimal-comma        1,5 is one and a half
  --remove               meters of the gateway that are not listed go; without it they stay
  --language zh-CN|en    of the reasons in the marked file; default zh-CN
  --json                 one JSON document

  用途 (serves) is 总表 branch, 分户 unit, 公摊 pool or 自用 landlord; left empty it follows from tree and room.
  Fields: ${fieldNames.join(', ')}.
  When something is wrong nothing is imported: the same file comes back as FILE.checked, its bad cells marked.`;

const options = {
  config: { type: 'string', default: 'edge.yaml' },
  park: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  map: { type: 'string', multiple: true },
  default: { type: 'string', multiple: true },
  'decimal-comma': { type: 'boolean', default: false },
  remove: { type: 'boolean', default: false },
  language: { type: 'string', default: 'zh-CN' },
  json: { type: 'boolean', default: false },
} as const;
const form = { name: 'import', usage: USAGE, options, words: true };

export async function run(args: string[]): Promise<number> {
  const parsed = parse(args);
  if (typeof parsed === 'number') return parsed;
  if (typeof parsed === 'string') return refuseWords(form, parsed);
  const { values, file, map, defaults, language } = parsed;
  const loaded = loadProfiles();
  if (!loaded.ok) return refuse(loaded.errors);
  const missing = [file, values.config, values.park].find((one) => one !== undefined && !existsSync(one));
  if (missing !== undefined) return refuse([`${missing}: there is no such file`]);
  if (statSync(file).size > MOST_FILE_BYTES)
    return refuse([`${file}: too_large: more than ${MOST_FILE_BYTES / 1_048_576} MB`]);
  let result: ImportResult;
  let answer: string | null = null;
  try {
    result = importMeterList({
      name: basename(file),
      bytes: readFileSync(file),
      configFile: values.config,
      parkFile: values.park ?? null,
      profiles: loaded.profiles,
      map,
      defaults,
      decimalComma: values['decimal-comma'],
      remove: values.remove,
      dryRun: values['dry-run'],
      language,
    });
    if (!result.ok && result.answer !== null) {
      answer = join(dirname(file), result.answer.name);
      replaceFile(answer, result.answer.bytes);
    }
    if (result.ok && !values['dry-run']) forgetAnswers(file);
  } catch (error) {
    console.error(`meterline import: ${error instanceof Error ? error.message : error}`);
    return 3;
  }
  if (values.json) console.log(JSON.stringify(report(result, answer)));
  else show(result, { file, answer, language, config: values.config, park: values.park ?? null });
  return result.ok ? 0 : 2;
}

/** What came back marked from an earlier try would only mislead; the list itself may be such a one, mended. */
function forgetAnswers(file: string): void {
  for (const kind of ['xlsx', 'csv'] as const) {
    const answer = join(dirname(file), answerName(basename(file), kind));
    if (resolve(answer) !== resolve(file)) rmSync(answer, { force: true });
  }
}

function refuse(lines: readonly string[]): number {
  for (const line of lines) console.error(`meterline import: ${line}`);
  return 2;
}

type Values = Exclude<TakenWords<typeof options>, { exitCode: number }>['values'];
interface Parsed {
  values: Values;
  file: string;
  map: ColumnMap;
  defaults: Partial<Record<ListField, string>>;
  language: 'zh-CN' | 'en';
}

/** The sentence that says what is wrong, or the exit code where that was told. */
function parse(args: string[]): Parsed | string | number {
  const taken = takeWords(args, form);
  if ('exitCode' in taken) return taken.exitCode;
  const { values, positionals } = taken;
  const [file = '', ...more] = positionals;
  if (file === '' || more.length > 0) return 'one FILE is needed';
  const { language } = values;
  if (language !== 'zh-CN' && language !== 'en') return '--language is not zh-CN or en';
  let map: ColumnMap = {};
  for (const text of values.map ?? []) {
    const mapping = parseMapping(text);
    if (mapping === null) return `--map "${text}" is not "HEADING=FIELD" with one of the fields below`;
    map = { ...map, ...mapping };
  }
  const defaults: Partial<Record<ListField, string>> = {};
  for (const text of values.default ?? []) {
    const [, field, value = ''] = /^(\w+)=(.+)$/.exec(text) ?? [];
    const known = fieldNames.find((one) => one === field);
    if (known === undefined) return `--default "${text}" is not "FIELD=VALUE" with one of the fields below`;
    defaults[known] = value.trim();
  }
  return { values, file, map, defaults, language };
}

const cellName = ({ row, column }: ListProblem): string | null =>
  column === null ? null : `${columnLetters(column)}${row}`;

/** `cell` as a spreadsheet names it. */
function report(result: ImportResult, answer: string | null): object {
  if (result.ok) return result;
  const { problems, code, detail } = result;
  return {
    ok: false,
    code,
    detail,
    answer,
    problems: problems.map(({ heading, ...rest }) => ({
      ...rest,
      column: heading,
      cell: cellName(rest as ListProblem),
    })),
  };
}

interface Shown {
  file: string;
  answer: string | null;
  language: 'zh-CN' | 'en';
  config: string;
  park: string | null;
}

const MOST_SHOWN = 50;

function show(result: ImportResult, { file, answer, language, config, park }: Shown): void {
  if (result.ok) {
    showDifference(config, result.edge);
    if (result.park !== null && park !== null) showDifference(park, result.park);
    for (const { row, heading, text, value } of result.figures.slice(0, MOST_SHOWN))
      console.log(`  row ${row}, ${heading}: "${text}" is taken as ${value}`);
    if (result.notTaken !== null) console.error(`meterline import: ${result.notTaken.message[language]}`);
    console.log(result.written ? 'Written.' : 'Nothing was written.');
    return;
  }
  for (const problem of result.problems.slice(0, MOST_SHOWN)) {
    const { row, heading, code, message } = problem;
    const place = [`row ${row}`, cellName(problem), heading].filter((one) => one !== null && one !== '');
    console.error(`${file}: ${place.join(', ')}: ${code}: ${message[language]}`);
  }
  if (result.problems.length > MOST_SHOWN)
    console.error(`${file}: and ${result.problems.length - MOST_SHOWN} more (--json lists them)`);
  console.error(`meterline import: ${result.code}: ${result.detail}`);
  if (answer !== null) console.error(`The same file with its bad cells marked: ${answer}`);
}

function showDifference(file: string, { added, changed, removed, unchanged, notListed }: Difference): void {
  const stay =
    notListed.length === 0 ? '' : `, ${notListed.length} not listed stay (--remove takes them out)`;
  console.log(
    `${file}: ${added.length} added, ${changed.length} changed, ${removed.length} removed, ${unchanged} unchanged${stay}`,
  );
  for (const meter of added) console.log(`  + ${meter}`);
  for (const { meter, changes } of changed)
    console.log(
      `  ~ ${meter}: ${changes.map(({ key, from, to }) => `${key} ${from ?? '(none)'} -> ${to ?? '(none)'}`).join(', ')}`,
    );
  for (const meter of removed) console.log(`  - ${meter}`);
}
