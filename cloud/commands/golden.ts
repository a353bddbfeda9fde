/** `meterline golden`: cases with known answers against the pure cores. Exit codes: 0 all right, 1 not, 2 usage or bad file. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { GoldenCase, type GoldenResult, runCase } from '../billing/golden/run-case.ts';

const USAGE = `Usage: meterline golden DIR [--json]

  DIR      folder whose *.json files are arrays of cases
  --json   one JSON document on stdout`;

/** A file of the folder is no array of cases. */
class CaseFileError extends Error {
  override readonly name = 'CaseFileError';
}

const form = { name: 'golden', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const options = { json: { type: 'boolean' } } as const;
  const taken = takeWords(args, { ...form, options, words: true });
  if ('exitCode' in taken) return taken.exitCode;
  const { values, positionals } = taken;
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0) return refuseWords(form, 'one folder is needed');
  let results: GoldenResult[];
  try {
    results = readCases(folder).map(runCase);
  } catch (error) {
    return refuse((error as Error).message);
  }
  const unsupported = results.filter((result) => result.unsupported).length;
  const passed = results.filter(({ ok }) => ok).length;
  const failed = results.length - passed - unsupported;
  if (values.json) {
    const cases = results.map(({ id, kind, ok, got, expected }) => ({ id, kind, ok, got, expected }));
    console.log(JSON.stringify({ passed, failed, unsupported, cases }));
  } else {
    for (const line of results.flatMap(describe)) console.log(line);
    console.log(`${passed} passed, ${failed} failed, ${unsupported} unsupported`);
  }
  return failed + unsupported === 0 && results.length > 0 ? 0 : 1;
}

function refuse(...lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

function readCases(folder: string): GoldenCase[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort();
  return files.flatMap((name) => {
    const file = join(folder, name);
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      throw new CaseFileError(`${file}: ${(error as Error).message}`);
    }
    const cases = GoldenCase.array().safeParse(content);
    if (!cases.success) throw new CaseFileError(`${file}: ${z.prettifyError(cases.error)}`);
    return cases.data;
  });
}

function describe({ id, kind, ok, unsupported, got, expected }: GoldenResult): string[] {
  if (ok) return [`ok           ${kind} ${id}`];
  if (unsupported) return [`unsupported  ${kind} ${id}`];
  return [
    `FAILED       ${kind} ${id}`,
    `  expected ${JSON.stringify(expected)}`,
    `  got      ${JSON.stringify(got)}`,
  ];
}
