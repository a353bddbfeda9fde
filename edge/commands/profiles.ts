/** `meterline profiles`: the shipped meter models. Exit codes: 0 listed, 2 usage, 3 a shipped file is damaged. */
import { parseArgs } from 'node:util';
import { profileJsonSchema } from '../../protocols/profile-schema.ts';
import { loadProfiles } from '../profiles.ts';

const USAGE = `Usage: meterline profiles [--json | --schema]

  --json     one JSON document
  --schema   the JSON Schema of a model's file`;

export async function run(args: string[]): Promise<number> {
  let json: boolean;
  try {
    const options = {
      json: { type: 'boolean' },
      schema: { type: 'boolean' },
      help: { type: 'boolean' },
    } as const;
    const { values } = parseArgs({ args, options });
    if (values.help || values.schema) {
      console.log(values.help ? USAGE : JSON.stringify(profileJsonSchema(), null, 2));
      return 0;
    }
    json = values.json === true;
  } catch (error) {
    console.error(`meterline profiles: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const loaded = loadProfiles();
  if (!loaded.ok) {
    for (const error of loaded.errors) console.error(error);
    return 3;
  }
  const profiles = [...loaded.profiles.values()];
  if (json) {
    const rows = profiles.map(({ id, make, model, protocol, utility }) => ({
      id,
      make,
      model,
      protocol,
      utility,
    }));
    console.log(JSON.stringify(rows));
    return 0;
  }
  for (const { id, make, model, protocol, utility, verify } of profiles) {
    const mark = verify === undefined ? '' : '  to be verified';
    console.log(`${id.padEnd(22)} ${`${make} ${model}`.padEnd(32)} ${protocol.padEnd(8)} ${utility}${mark}`);
  }
  return 0;
}
