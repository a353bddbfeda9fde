/**
 * `meterline enrol CODE`: the gateway's first certificate, and `edge.yaml` with it. Exit codes: 0 done, 1 the cloud refuses,
 * 2 usage, 3 the cloud is not reached or the disk fails.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { Document, parseDocument } from 'yaml';
import { z } from 'zod';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { KeyFileError } from '../../process/key-file.ts';
import { Id } from '../../protocols/reading.ts';
import { replaceFile } from '../buffer/replace-file.ts';
import type { UplinkTls } from '../delivery/uplink-tls.ts';
import { EnrolmentError, enrol, keep } from '../enrol.ts';

const USAGE = `Usage: meterline enrol CODE --cloud URL [--config edge.yaml] [--insecure]
       meterline enrol --create GATEWAY [--config cloud.yaml] [--json]      (at the cloud)

  CODE           from \`meterline enrol --create GATEWAY\` at the cloud, or from its API
  --cloud URL    of the cloud's API, https://
  --config FILE  the gateway's configuration: written if it is not there, completed if it is (default edge.yaml)
  --insecure     allow an http:// cloud on another machine`;

const form = { name: 'enrol', usage: USAGE };
const options = {
  cloud: { type: 'string' },
  config: { type: 'string', default: 'edge.yaml' },
  insecure: { type: 'boolean', default: false },
} as const;

const Known = z.looseObject({ gateway: Id.optional(), dataDir: z.string().min(1).default('./data') });

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options, words: true });
  if ('exitCode' in taken) return taken.exitCode;
  const { values, positionals } = taken;
  const [code, ...more] = positionals;
  if (code === undefined || more.length > 0) return refuseWords(form, 'one CODE is needed');
  if (values.cloud === undefined) return refuseWords(form, '--cloud is missing');
  if (URL.parse(values.cloud) === null) return refuse(`--cloud: "${values.cloud}" is no address`);
  const file = resolve(values.config);
  const document = existsSync(file) ? parseDocument(readFileSync(file, 'utf8')) : new Document({});
  const known = Known.safeParse(document.toJS() ?? {});
  if (document.errors.length > 0 || !known.success)
    return refuse(`${file}: correct it first: \`meterline edge --config ${values.config} --check-config\``);
  const { gateway, dataDir } = known.data;
  try {
    const { grant, key } = await enrol({ cloud: values.cloud, code, gateway, insecure: values.insecure });
    const folder = resolve(dirname(file), dataDir, 'certificates');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const own = join(folder, 'gateway.pem');
    const tls = { ca: join(folder, 'ca.pem'), cert: own, key: own, renewal: new URL(values.cloud).origin };
    keep(tls, grant, key);
    complete(document, {
      gateway: grant.gateway,
      dataDir,
      broker: grant.broker,
      tls: written(dirname(file), tls),
    });
    replaceFile(file, document.toString());
    console.log(`${grant.gateway} has its certificate; ${file} names ${grant.broker}`);
    return 0;
  } catch (error) {
    console.error(`meterline enrol: ${(error as Error).message}`);
    if (error instanceof EnrolmentError && error.code !== 'not_reached')
      return error.code === 'in_the_clear' ? 2 : 1;
    if (error instanceof KeyFileError) return 2;
    return 3;
  }
}

function refuse(message: string): number {
  console.error(message);
  return 2;
}

/** Paths from the folder of the file, so that both can move together. */
const written = (from: string, { ca, cert, key, renewal }: Record<keyof UplinkTls, string>): UplinkTls => {
  const path = (file: string): string => relative(from, file);
  return { ca: path(ca), cert: path(cert), key: path(key), renewal };
};

/** Its comments and everything else stay as they are. */
function complete(document: Document, facts: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(facts)) document.set(key, document.createNode(value));
  for (const key of ['username', 'password', 'insecure']) document.delete(key);
}
