/** `meterline enrol --create GATEWAY`: a one-time code for a gateway. Exit codes: 0 done, 2 usage or configuration refused, 3 fault. */
import { takeWords } from '../../process/command-line.ts';
import { Id } from '../../protocols/reading.ts';
import { AuthorityError } from '../certificates/authority.ts';
import { createCode } from '../certificates/enrolment.ts';
import { loadConfig } from '../config.ts';

const USAGE = `Usage: meterline enrol --create GATEWAY [--config cloud.yaml] [--json]

  --create GATEWAY  a code with which this gateway gets its certificate: good once, for an hour
  --config FILE     the service's configuration, which names the authority under \`enrolment\` (default cloud.yaml)`;

const options = {
  create: { type: 'string' },
  config: { type: 'string', default: 'cloud.yaml' },
  json: { type: 'boolean', default: false },
} as const;

const form = { name: 'enrol', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  const gateway = Id.safeParse(values.create);
  if (!gateway.success) return refuse(`--create: "${values.create}" is no name for a gateway`);
  const loaded = loadConfig(values.config);
  if (!loaded.ok) return refuse(loaded.problems.join('\n'));
  const { enrolment } = loaded.config;
  if (enrolment === undefined)
    return refuse(`${values.config}: enrolment: names no authority yet: see \`meterline ca\``);
  try {
    const { code, expiresAtMs } = createCode(enrolment.authority, gateway.data, Date.now());
    const expiresAt = Temporal.Instant.fromEpochMilliseconds(expiresAtMs).toString();
    if (values.json) console.log(JSON.stringify({ gateway: gateway.data, code, expiresAt }));
    else
      console.log(
        `${code}\n\nAt the gateway, until ${expiresAt}: meterline enrol ${code} --cloud https://...`,
      );
    return 0;
  } catch (error) {
    console.error(`meterline enrol: ${(error as Error).message}`);
    return error instanceof AuthorityError ? 2 : 3;
  }
}

function refuse(message: string): number {
  console.error(message);
  return 2;
}
