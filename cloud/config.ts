/** The cloud process's configuration: YAML for shape, the environment for secrets. The only reader of the environment here. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { Id } from '../protocols/reading.ts';
import { checkYaml } from '../protocols/yaml-document.ts';

const Port = z.int().min(0).max(65535);
const Address = z.strictObject({ host: z.string().min(1), port: Port });

export const CloudConfig = z.strictObject({
  /** Database, keys and secrets. Relative to the configuration file. */
  dataDir: z.string().min(1),
  clock: z.enum(['system', 'driven']).default('system'),
  /** The park document to import at start, if it is new. Relative to the configuration file. */
  park: z.string().min(1),
  http: Address,
  broker: z.union([
    z.strictObject({
      embedded: Address,
      gateways: z.array(z.strictObject({ gateway: Id, password: z.string().min(12) })).min(1),
    }),
    z.strictObject({
      url: z.string().regex(/^mqtts?:\/\//),
      username: z.string().optional(),
      password: z.string().optional(),
    }),
  ]),
  intervalMinutes: z.literal([5, 10, 15, 30, 60]).default(15),
  influx: z
    .strictObject({
      url: z.url(),
      /** Write path for servers that do not speak `/api/v2/write`: `/write?db=meterline&precision=ms`. */
      path: z.string().optional(),
      org: z.string().default(''),
      bucket: z.string().default('meterline'),
      token: z.string().default(''),
    })
    .optional(),
});
export type CloudConfig = z.infer<typeof CloudConfig>;

/** What may only come from the environment. */
export interface CloudSecrets {
  /** `METERLINE_ADMIN_KEY`: an API key with every scope, for services that are set up with the process. */
  adminKey: string | null;
  /** `METERLINE_OPERATOR_PASSWORD`: the operator's password, instead of the one that is minted at first start. */
  operatorPassword: string | null;
}

export type LoadedConfig =
  | { ok: true; config: CloudConfig; secrets: CloudSecrets }
  | { ok: false; problems: string[] };

const loopback = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/;
const minimumKeyLength = 20;

/** Reads and checks the file; paths in the result are absolute. */
export function loadConfig(file: string): LoadedConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { ok: false, problems: [`${file}: ${(error as Error).message}`] };
  }
  const parsed = checkYaml(CloudConfig, text, file);
  if (!parsed.ok) return { ok: false, problems: parsed.errors };
  const config = parsed.value;
  const secrets = readSecrets();
  const problems: string[] = [];
  if (secrets.adminKey !== null && secrets.adminKey.length < minimumKeyLength)
    problems.push(`METERLINE_ADMIN_KEY has fewer than ${minimumKeyLength} characters`);
  if (!loopback.test(config.http.host) && secrets.operatorPassword === null)
    problems.push(
      `${file}: http.host: "${config.http.host}" is open beyond this machine: set METERLINE_OPERATOR_PASSWORD first`,
    );
  if (problems.length > 0) return { ok: false, problems };
  const here = dirname(resolve(file));
  return {
    ok: true,
    config: { ...config, dataDir: resolve(here, config.dataDir), park: resolve(here, config.park) },
    secrets,
  };
}

function readSecrets(): CloudSecrets {
  return {
    adminKey: process.env.METERLINE_ADMIN_KEY ?? null,
    operatorPassword: process.env.METERLINE_OPERATOR_PASSWORD ?? null,
  };
}
