/** Reads and checks a park document without putting it in force. */
import { readFileSync } from 'node:fs';
import { Park } from '../protocols/park.ts';
import { checkYaml } from '../protocols/yaml-document.ts';
import { checkPark } from './check-park.ts';

export type ReadPark = { ok: true; park: Park } | { ok: false; problems: string[] };

export function readPark(file: string): ReadPark {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const [reason] = (error as Error).message.split(', ');
    return { ok: false, problems: [`park: ${file} cannot be read: ${reason}`] };
  }
  const checked = checkYaml(Park, text, file);
  if (!checked.ok) return { ok: false, problems: checked.errors };
  const problems = checkPark(checked.value).map((problem) => `${file}: ${problem}`);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, park: checked.value };
}
