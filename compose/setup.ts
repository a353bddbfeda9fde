/**
 * Writes the installation that docker-compose.yml runs, with freshly minted passwords. What is there already stays as it
 * is, so that it may run before every start. Exit codes: 0 done, 2 usage, 3 operating fault.
 */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { firstMonth, generatePark } from '../simulators/park/generate-park.ts';
import { readProfiles } from '../simulators/profiles.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type Address, installationFiles, mintSecrets, type Places, type Secrets } from './installation.ts';

const USAGE = `Usage: node compose/setup.ts --folder DIR [options]

  --folder DIR        gets a folder a service: cloud, edge, broker, influxdb, postgres; and secrets, for this program alone
  --listen HOST       what cloud, edge and broker listen on (default 127.0.0.1)
  --http PORT         the cloud's pages and API (default 8080)
  --push PORT         the edge's own broker, for meters that push (default 1884)
  --broker HOST:PORT  where edge and, at the next port, cloud meet (default 127.0.0.1:8883)
  --meters HOST:PORT  the first simulated bus; the others follow port by port (default 127.0.0.1:5020)
  --influx URL        an InfluxDB 2 to export readings to
  --postgres HOST:PORT  a PostgreSQL in the place of the cloud's own file; its database and user are "meterline"
  --owner UID:GID     whose the services' files are (default: the caller's)

A file that exists is kept: delete it to have it written anew. Passwords and certificates stay the same until secrets is deleted.`;

const options = {
  folder: { type: 'string' },
  listen: { type: 'string', default: '127.0.0.1' },
  http: { type: 'string', default: '8080' },
  push: { type: 'string', default: '1884' },
  broker: { type: 'string', default: '127.0.0.1:8883' },
  meters: { type: 'string', default: '127.0.0.1:5020' },
  influx: { type: 'string' },
  postgres: { type: 'string' },
  owner: { type: 'string' },
  help: { type: 'boolean' },
} as const;
type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

const Port = z
  .string()
  .regex(/^[1-9]\d{0,4}$/, 'not a port')
  .transform(Number)
  .refine((port) => port <= 65_535, 'not a port');
const HostPort = z
  .string()
  .regex(/^[A-Za-z0-9.-]+:\d+$/, 'not HOST:PORT')
  .transform((text): Record<keyof Address, string> => {
    const [host = '', port = ''] = text.split(':');
    return { host, port };
  })
  .pipe(z.object({ host: z.string(), port: Port }));
const Owner = z
  .string()
  .regex(/^\d{1,9}:\d{1,9}$/, 'not UID:GID')
  .transform((text) => {
    const [uid, gid] = text.split(':').map(Number);
    return { uid: uid ?? 0, gid: gid ?? 0 };
  });
type Owner = z.infer<typeof Owner>;
const Options = z.object({
  folder: z.string({ error: 'is missing' }).min(1),
  listen: z.string().min(1),
  http: Port,
  push: Port,
  broker: HostPort,
  meters: HostPort,
  influx: z.url({ protocol: /^https?$/ }).optional(),
  postgres: HostPort.optional(),
  owner: Owner.optional(),
});
type Options = z.infer<typeof Options>;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  let values: Values;
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const checked = Options.safeParse(values);
  if (!checked.success)
    return refuse(
      checked.error.issues.map(({ path, message }) => `--${String(path[0])}: ${message}`).join('\n'),
    );
  try {
    await writeInstallation(checked.data);
    return 0;
  } catch (error) {
    process.stderr.write(`setup: ${(error as Error).message}\n`);
    return 3;
  }
}

function refuse(reason: string): number {
  process.stderr.write(`setup: ${reason}\n\n${USAGE}\n`);
  return 2;
}

async function writeInstallation(chosen: Options): Promise<void> {
  const folder = resolve(chosen.folder);
  const owner = chosen.owner ?? null;
  const places: Places = {
    folder,
    listen: chosen.listen,
    httpPort: chosen.http,
    pushPort: chosen.push,
    broker: chosen.broker,
    meters: chosen.meters,
    influxUrl: chosen.influx ?? null,
    postgres: chosen.postgres ?? null,
    // Whose the files are may read them: the caller, where nobody else is named.
    brokerUser: owner === null ? userInfo().username : null,
  };
  const demo = generatePark({ seed: 1, period: firstMonth, profiles: readProfiles() });
  const secrets = join(folder, 'secrets');
  const passwords = keptSecrets(secrets);
  const certificates = await keptCertificates(secrets, places.broker.host, demo.wiring.gateway);
  const files = installationFiles(demo, places, passwords, certificates);
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    ownFolder(dirname(file), owner);
    const written = writeOnce(file, text, owner);
    process.stdout.write(`${file}: ${written ? 'written' : 'kept'}\n`);
  }
}

/** The passwords of this installation, minted at the first run. Only this program ever needs to read them. */
function keptSecrets(folder: string): Secrets {
  const file = join(folder, 'secrets.json');
  ownFolder(folder, null);
  const minted = mintSecrets();
  writeOnce(file, JSON.stringify(minted), null);
  const kept = JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
  const all = { ...minted, ...kept };
  // An installation of before, to which a service was added.
  if (Object.keys(all).length > Object.keys(kept).length) replace(file, JSON.stringify(all), null);
  return all;
}

/** For these names; when they change, all are to be made anew. */
async function keptCertificates(folder: string, brokerHost: string, gateway: string): Promise<Certificates> {
  const file = join(folder, 'certificates.json');
  if (!existsSync(file)) writeOnce(file, JSON.stringify(await makeCertificates(brokerHost, gateway)), null);
  return JSON.parse(readFileSync(file, 'utf8')) as Certificates;
}

function ownFolder(folder: string, owner: Owner | null): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
}

/** Whole or not at all: a file that is there is never half written. @returns false when it was there */
function writeOnce(file: string, text: string, owner: Owner | null): boolean {
  if (existsSync(file)) return false;
  replace(file, text, owner);
  return true;
}

function replace(file: string, text: string, owner: Owner | null): void {
  const draft = `${file}.draft`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  if (owner !== null) chownSync(draft, owner.uid, owner.gid);
  renameSync(draft, file);
}
