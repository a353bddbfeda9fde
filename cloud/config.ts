/** The cloud process's configuration: YAML for shape, the environment for secrets. The only reader of the environment here. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { keyFileRefusal } from '../process/key-file.ts';
import { Id } from '../protocols/reading.ts';
import { checkYaml } from '../protocols/yaml-document.ts';

const loopback = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/;
const Port = z.int().min(0).max(65535);
const Address = z.strictObject({ host: z.string().min(1), port: Port });
/** Readings and passwords may be read and changed on their way from and to other machines. */
const insecure = z.literal(true).optional();
const File = z.string().min(1);

/** Gateways come with passwords to a broker in the clear, and with certificates of `clientCa` to one with TLS. */
const EmbeddedBroker = z
  .strictObject({
    embedded: Address.extend({
      tls: z.strictObject({ cert: File, key: File, clientCa: File, revoked: File.optional() }).optional(),
      insecure,
    }),
    gateways: z.array(z.strictObject({ gateway: Id, password: z.string().min(12) })).default([]),
  })
  .superRefine(({ embedded: { host, tls, insecure: allowed }, gateways }, context) => {
    const refuse = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (tls === undefined && gateways.length === 0)
      refuse(['gateways'], 'without tls, no gateway can connect');
    if (tls !== undefined && gateways.length > 0)
      refuse(['gateways'], 'with tls, gateways have certificates in the place of passwords');
    if (tls === undefined && allowed === undefined && !loopback.test(host))
      refuse(
        ['embedded', 'host'],
        `"${host}" is open beyond this machine, in the clear: add tls, or allow it with \`insecure: true\``,
      );
  });
const ClientTls = z.strictObject({ ca: File, cert: File.optional(), key: File.optional() });
export type ClientTls = z.infer<typeof ClientTls>;
const OtherBroker = z
  .strictObject({
    url: z.string().regex(/^mqtts?:\/\//),
    username: z.string().optional(),
    password: z.string().optional(),
    /** The service's own certificate too, where the broker asks for one. */
    tls: ClientTls.optional(),
    insecure,
  })
  .superRefine(({ url, tls, insecure: allowed }, context) => {
    const parsed = URL.parse(url);
    const clear = parsed?.protocol === 'mqtt:';
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (clear && allowed === undefined && !loopback.test(parsed.hostname.replace(/^\[|\]$/g, '')))
      refuse(
        'url',
        `"${url}" is another machine, in the clear: use mqtts://, or allow it with \`insecure: true\``,
      );
    if (clear && tls !== undefined) refuse('tls', 'goes with an mqtts:// broker only');
    if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined))
      refuse('tls', 'cert and key go together');
  });

/** A server of its own in the place of the file, for more than one machine. */
const Postgres = z
  .strictObject({
    /** A name, an address, or the folder of a socket. */
    host: z.string().min(1),
    port: Port.default(5432),
    database: z.string().min(1).default('meterline'),
    user: z.string().min(1).default('meterline'),
    /** In the place of METERLINE_POSTGRES_PASSWORD: a file that nobody else may read. */
    passwordFile: File.optional(),
    /** The server has to prove its name; a certificate of our own where it asks for one. */
    tls: ClientTls.optional(),
    insecure,
  })
  .superRefine(({ host, tls, insecure: allowed }, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (tls === undefined && allowed === undefined && !host.startsWith('/') && !loopback.test(host))
      refuse(
        'host',
        `"${host}" is another machine, in the clear: add tls, or allow it with \`insecure: true\``,
      );
    if (tls !== undefined && host.startsWith('/')) refuse('tls', 'goes with a server over the network only');
    if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined))
      refuse('tls', 'cert and key go together');
  });
export type PostgresConfig = z.infer<typeof Postgres>;

export const CloudConfig = z.strictObject({
  /** Database, keys and secrets. Relative to the configuration file. */
  dataDir: z.string().min(1),
  clock: z.enum(['system', 'driven']).default('system'),
  /** The park document to import at start, if it is new. Relative to the configuration file. */
  park: z.string().min(1),
  /** Without it, a file in `dataDir`. */
  store: z.strictObject({ postgres: Postgres }).optional(),
  http: Address,
  broker: z.union([EmbeddedBroker, OtherBroker]),
  /** An authority made with `meterline ca init`, from which gateways are given their certificates. */
  enrolment: z
    .strictObject({
      /** The authority's folder. */
      authority: File,
      /** Where gateways find the broker. */
      broker: z.string().regex(/^mqtts:\/\//, 'not an mqtts:// address'),
    })
    .optional(),
  /** Where everybody else finds the pages: statements' QR codes and links begin with it. */
  publicUrl: z
    .string()
    .regex(/^https?:\/\/[^/?#]+$/, 'not an address such as "https://bills.example", without a path')
    .optional(),
  webhooks: z
    .strictObject({
      /** For development: webhooks to http, to this machine and to its networks. */
      allowPrivate: z.boolean().default(false),
    })
    .prefault({}),
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
  /** `METERLINE_POSTGRES_PASSWORD`: of the store's user, unless there is a file for it. */
  postgresPassword: string | null;
}

export type LoadedConfig =
  | { ok: true; config: CloudConfig; secrets: CloudSecrets }
  | { ok: false; problems: string[] };
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
  const absolute = withAbsolutePaths(dirname(resolve(file)), config);
  const tls = 'embedded' in absolute.broker ? absolute.broker.embedded.tls : absolute.broker.tls;
  const openKey = tls?.key === undefined ? null : keyFileRefusal(tls.key);
  if (openKey !== null) problems.push(`${file}: broker: tls.key: ${openKey}`);
  const postgres = absolute.store?.postgres;
  for (const [key, path] of [
    ['tls.key', postgres?.tls?.key],
    ['passwordFile', postgres?.passwordFile],
  ] as const) {
    const refusal = path === undefined ? null : keyFileRefusal(path);
    if (refusal !== null) problems.push(`${file}: store: postgres: ${key}: ${refusal}`);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config: absolute, secrets };
}

function withAbsolutePaths(here: string, config: CloudConfig): CloudConfig {
  const at = <T extends Record<string, string | undefined>>(files: T): T =>
    Object.fromEntries(
      Object.entries(files).map(([name, file]) => [
        name,
        file === undefined ? undefined : resolve(here, file),
      ]),
    ) as T;
  const { broker, enrolment, store } = config;
  return {
    ...config,
    ...at({ dataDir: config.dataDir, park: config.park }),
    broker:
      'embedded' in broker
        ? {
            ...broker,
            embedded: { ...broker.embedded, ...(broker.embedded.tls && { tls: at(broker.embedded.tls) }) },
          }
        : { ...broker, ...(broker.tls && { tls: at(broker.tls) }) },
    ...(store && {
      store: {
        postgres: {
          ...store.postgres,
          ...(store.postgres.passwordFile && at({ passwordFile: store.postgres.passwordFile })),
          ...(store.postgres.tls && { tls: at(store.postgres.tls) }),
        },
      },
    }),
    ...(enrolment && { enrolment: { ...enrolment, ...at({ authority: enrolment.authority }) } }),
  };
}

function readSecrets(): CloudSecrets {
  return {
    adminKey: process.env.METERLINE_ADMIN_KEY ?? null,
    operatorPassword: process.env.METERLINE_OPERATOR_PASSWORD ?? null,
    postgresPassword: process.env.METERLINE_POSTGRES_PASSWORD ?? null,
  };
}
