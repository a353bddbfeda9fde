/** `meterline profiles`: the shipped meter models. Exit codes: 0 listed, 2 usage, 3 a shipped file is damaged. */
import { takeWords } from '../../process/command-line.ts';
import type { Profile } from '../../protocols/profile.ts';
import { profileJsonSchema } from '../../protocols/profile-schema.ts';
import { loadProfiles } from '../profiles.ts';

const USAGE = `Usage: meterline profiles [--json | --schema]

  --json     one JSON document
  --schema   the JSON Schema of a model's file`;

const form = {
  name: 'profiles',
  usage: USAGE,
  options: { json: { type: 'boolean' }, schema: { type: 'boolean' } },
} as const;

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, form);
  if ('exitCode' in taken) return taken.exitCode;
  const { json, schema } = taken.values;
  if (schema) {
    console.log(JSON.stringify(profileJsonSchema(), null, 2));
    return 0;
  }
  const loaded = loadProfiles();
  if (!loaded.ok) {
    for (const error of loaded.errors) console.error(error);
    return 3;
  }
  const profiles = [...loaded.profiles.values()];
  if (json)
    console.log(
      JSON.stringify(
        profiles.map(({ id, make, model, protocol, utility }) => ({ id, make, model, protocol, utility })),
      ),
    );
  else for (const line of table(profiles)) console.log(line);
  return 0;
}

/** As wide as what stands in it. */
function table(profiles: readonly Profile[]): string[] {
  const rows = profiles.map(({ id, make, model, protocol, utility, verify }) => [
    id,
    `${make} ${model}`,
    protocol,
    utility,
    verify === undefined ? '' : 'to be verified',
  ]);
  const all = [['profile', 'make and model', 'protocol', 'utility', ''], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
