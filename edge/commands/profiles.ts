/** `meterline profiles`: the shipped meter models. Exit codes: 0 listed, 2 usage, 3 a shipped file is damaged. */
import { parseArgs } from 'node:util';
import { loadProfiles } from '../profiles.ts';

const USAGE = 'Usage: meterline profiles [--json]';

export async function run(args: string[]): Promise<number> {
  let json: boolean;
  try {
    const { values } = parseArgs({ args, options: { json: { type: 'boolean' }, help: { type: 'boolean' } } });
    if (values.help) {
      console.log(USAGE);
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
  const rows = [...loaded.profiles.values()].map(({ id, make, model, protocol, utility }) => ({
    id,
    make,
    model,
    protocol,
    utility,
  }));
  if (json) console.log(JSON.stringify(rows));
  else
    for (const { id, make, model, protocol, utility } of rows)
      console.log(`${id.padEnd(20)} ${`${make} ${model}`.padEnd(28)} ${protocol.padEnd(8)} ${utility}`);
  return 0;
}
