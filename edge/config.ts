/** The gateway's configuration: `edge.yaml` for shape, the environment for secrets. The only reader of the environment here. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { HostPortText } from '../protocols/host-port.ts';
import type { Profile } from '../protocols/profile.ts';
import { Id } from '../protocols/reading.ts';
import { TimeZone } from '../protocols/time-zone.ts';
import type { GatewaySettings } from '../protocols/uplink.ts';
import { checkYaml } from '../protocols/yaml-document.ts';
import { gatewayKeyRefusal } from './commissioning/gateway-key.ts';
import { absoluteTls, goesInTheClear, tlsRefusals, UplinkTls } from './delivery/uplink-tls.ts';
import {
  type AskedProfile,
  isAsked,
  linkRefusal,
  timeoutRefusal,
  unitRefusal,
} from './drivers/asked-profile.ts';
import type { MeterUnit } from './line/exchange.ts';
import { Instantaneous, refuseRegisters } from './polling/instantaneous.ts';
import { PushMeter, refuseProfiles, refuseRepeatedSources } from './push/push-meter.ts';

const DAY_MS = 86_400_000;
const Port = z.int().min(0).max(65535);

const HostPort = HostPortText.transform((text) => {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
});

/** What is wrong with it is told, and logged: no secret may stand in it. */
const BrokerUrl = z.url({ protocol: /^mqtts?$/, error: 'not an mqtt:// or mqtts:// address' }).refine(
  (url) => {
    const parsed = URL.parse(url);
    return parsed === null || (parsed.username === '' && parsed.password === '');
  },
  {
    abort: true,
    error:
      'holds a user name or a password: give them as `username` and as `password` or METERLINE_UPLINK_PASSWORD',
  },
);

const BaudRate = z.int().min(300).max(921_600);
const Serial = z.strictObject({
  path: z.string().min(1),
  baudRate: BaudRate.default(9600),
  parity: z.enum(['none', 'even', 'odd']).default('none'),
});

const NO_UNIT =
  'not a unit id from 1 to 247, nor the 12 or 14 digits or 16 hex digits of an address in quotes';
const LAST_MODBUS_UNIT = 247;
/** A Modbus unit id or the number of a DLMS meter; or, in quotes, the digits printed on a DL/T 645 or CJ/T 188 meter (as a number they lose their zeros), or the secondary address of one on M-Bus. */
const BusUnit = z.union(
  [z.int().min(0).max(16_383), z.string().regex(/^(\d{12}|\d{14}|[0-9A-F]{16})$/, NO_UNIT)],
  NO_UNIT,
);

const SerialNumber = z.union([z.string().min(1).max(64), z.int().nonnegative().transform(String)]);

/**
 * One RS-485 line, at a serial port or behind a transparent converter, or one Modbus TCP socket, with the meters on it.
 * `link` is where it is reached.
 */
const Bus = z
  .strictObject({
    id: Id,
    tcp: HostPort.optional(),
    rtuOverTcp: HostPort.optional(),
    serial: Serial.optional(),
    /** Of the line behind a converter, where it is known: then requests are planned for it, and utilisation is told of it. */
    baudRate: BaudRate.optional(),
    timeoutMilliseconds: z.int().min(10).max(60_000).default(1000),
    /** The latest that a reply may come after its request: so long a line waits where one may be under way. Three timeouts if not given. */
    worstReplyMilliseconds: z.int().min(10).max(600_000).optional(),
    /** For the meters that say nothing of their own; nothing is read between the boundaries when neither does. */
    instantaneous: Instantaneous.optional(),
    meters: z
      .array(
        z.strictObject({
          meter: Id,
          profile: Id,
          unit: BusUnit,
          instantaneous: Instantaneous.optional(),
          /** As printed on the meter. Another one that answers is not taken for it; a new one here confirms an exchange. */
          serial: SerialNumber.optional(),
          /** Of a DLMS meter with low level security: it goes over the wire as it stands here. */
          password: z.string().min(1).max(64).optional(),
        }),
      )
      .min(1)
      .superRefine(refuseRepeats('unit')),
  })
  .transform(({ tcp, rtuOverTcp, serial, baudRate, ...bus }, context) => {
    const links = [
      tcp && { kind: 'tcp' as const, ...tcp },
      rtuOverTcp && {
        kind: 'rtu-over-tcp' as const,
        ...rtuOverTcp,
        ...(baudRate === undefined ? {} : { baudRate }),
      },
      serial && { kind: 'serial' as const, ...serial },
    ].filter((one) => one !== undefined);
    const [link] = links;
    if (baudRate !== undefined && rtuOverTcp === undefined) {
      const message = 'is for a bus with rtuOverTcp: a serial port has its own, Modbus TCP none';
      context.addIssue({ code: 'custom', path: ['baudRate'], message });
      return z.NEVER;
    }
    if (link !== undefined && links.length === 1) return { ...bus, link };
    context.addIssue({ code: 'custom', message: 'a bus has one of tcp, rtuOverTcp and serial' });
    return z.NEVER;
  });
export type Bus = z.infer<typeof Bus>;
export type BusMeter = Bus['meters'][number];
export type Link = Bus['link'];

/** A password is given as METERLINE_EDGE_PASSWORD or as its hash, from `meterline edge --hash-password`. */
const Http = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: Port,
  passwordHash: z
    .string()
    .regex(/^scrypt:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$/, 'not made by `meterline edge --hash-password`')
    .optional(),
});
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|::1)$/;
const LEAST_PASSWORD = 12;

const Edge = z
  .strictObject({
    gateway: Id,
    /** Relative to the folder of the configuration file. */
    dataDir: z.string().min(1),
    clock: z.enum(['system', 'driven']).default('system'),
    /** Of the meters' own clocks: with it clocks are measured, and outages healed from what meters kept. */
    timeZone: TimeZone.optional(),
    pollIntervalSeconds: z.int().min(1).max(86_400).default(900),
    broker: BrokerUrl,
    /** Where it is reached too: tried in turn when the one before is lost. */
    alternativeBrokers: z.array(BrokerUrl).max(8).optional(),
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    /** The gateway's certificate, for an `mqtts://` broker. */
    tls: UplinkTls.optional(),
    /** Readings and passwords may be read and changed on their way to a broker on another machine. */
    insecure: z.literal(true).optional(),
    pushBroker: z
      .strictObject({
        host: z.string().min(1),
        port: Port,
        /** What one packet may hold: 64 KiB carry some 700 records of a collector. */
        maxPacketBytes: z.int().min(4096).max(4_194_304).default(65_536),
      })
      .optional(),
    /** The gateway's own API and page, see `edge/http/README.md`; none when not there. */
    http: Http.optional(),
    /** Whether to read this file anew whenever it changes; on SIGHUP it is in any case. */
    reload: z.boolean().default(false),
    outbox: z
      .strictObject({
        maxBytes: z.int().min(65_536).default(1_073_741_824),
        maxAgeDays: z.int().min(1).max(3650).default(400),
      })
      .prefault({}),
    buses: z.array(Bus).default([]).superRefine(refuseRepeats('id')).superRefine(refuseSharedLines),
    pushMeters: z.array(PushMeter).default([]).superRefine(refuseRepeatedSources),
  })
  .superRefine(refuseClearUplink)
  .superRefine(({ buses, pushMeters, pushBroker }, context) => {
    const seen = new Set<string>();
    const note = (meter: string, path: PropertyKey[]): void => {
      if (seen.has(meter)) context.addIssue({ code: 'custom', path, message: `"${meter}" is listed twice` });
      seen.add(meter);
    };
    for (const [b, bus] of buses.entries())
      for (const [m, { meter }] of bus.meters.entries()) note(meter, ['buses', b, 'meters', m, 'meter']);
    for (const [m, { meter }] of pushMeters.entries()) note(meter, ['pushMeters', m, 'meter']);
    if (pushMeters.length > 0 && pushBroker === undefined)
      context.addIssue({ code: 'custom', path: ['pushMeters'], message: 'push meters need a pushBroker' });
  });

/** Who may ask the gateway's API: whoever knows the password; without one this machine alone. */
export type HttpConfig = z.infer<typeof Http> & { password?: string };

/** The checked configuration: paths absolute, defaults filled in. */
export type EdgeConfig = Omit<z.infer<typeof Edge>, 'outbox' | 'http'> & {
  http?: HttpConfig;
  outbox: { maxBytes: number; maxAgeMs: number };
};
export type CheckedConfig = { ok: true; config: EdgeConfig } | { ok: false; errors: string[] };

/**
 * Reads and checks the configuration. Errors are lines `file:line: key: message`.
 * @param profiles the known meter models, by id
 * @param settings of the cloud: they take the place of the file's, and are checked as it is
 */
export function readConfig(
  file: string,
  profiles: ReadonlyMap<string, Profile>,
  environment: NodeJS.ProcessEnv = process.env,
  settings: Omit<GatewaySettings, 'trialSeconds'> = {},
): CheckedConfig {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return {
      ok: false,
      errors: [`${file}:1: (document): ${error instanceof Error ? error.message : error}`],
    };
  }
  if (!isUtf8(bytes))
    return { ok: false, errors: [`${file}:${firstBadLine(bytes)}: (document): not UTF-8: save it as UTF-8`] };
  const httpPassword = edgePassword(environment);
  const folder = dirname(file);
  const schema = Edge.superRefine(refuseTlsFiles(folder))
    .superRefine(refuseOpenGatewayKey(folder))
    .superRefine(refuseUnknownProfiles(profiles))
    .superRefine(refuseOpenHttp(httpPassword));
  const merged = z.preprocess((document) => merge(document, settings), schema);
  const checked = checkYaml(merged, bytes.toString(), file);
  if (!checked.ok) return checked;
  const { outbox, http, tls, ...config } = checked.value;
  const password = environment.METERLINE_UPLINK_PASSWORD ?? config.password;
  return {
    ok: true,
    config: {
      ...config,
      ...(password === undefined ? {} : { password }),
      ...(http === undefined ? {} : { http: withPassword(http, httpPassword) }),
      ...(tls === undefined ? {} : { tls: absoluteTls(folder, tls) }),
      dataDir: resolve(folder, config.dataDir),
      outbox: { maxBytes: outbox.maxBytes, maxAgeMs: outbox.maxAgeDays * DAY_MS },
    },
  };
}

/** The first that is not UTF-8: no line end stands within a character of it. */
function firstBadLine(bytes: Buffer): number {
  let start = 0;
  for (let line = 1; ; line += 1) {
    const end = bytes.indexOf('\n', start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}

/** The password of the gateway's own API, for its server and for the commands that ask it. */
export const edgePassword = (environment: NodeJS.ProcessEnv = process.env): string | undefined =>
  environment.METERLINE_EDGE_PASSWORD || undefined;

/** What is no document is left as it is: it will be refused. */
const merge = (document: unknown, settings: object): unknown =>
  typeof document === 'object' && document !== null ? { ...document, ...settings } : document;

const withPassword = (http: HttpConfig, password: string | undefined): HttpConfig =>
  password === undefined ? http : { ...http, password };

interface ToBroker {
  broker: string;
  alternativeBrokers?: string[] | undefined;
  tls?: object | undefined;
  insecure?: true | undefined;
}

function refuseClearUplink(
  { broker, alternativeBrokers = [], tls, insecure }: ToBroker,
  context: z.RefinementCtx,
): void {
  const refuse = (key: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [key], message });
  const [scheme] = broker.split(':');
  for (const other of alternativeBrokers)
    if (other.split(':')[0] !== scheme)
      refuse('alternativeBrokers', `"${other}" is not reached by ${scheme}://, as the broker is`);
  const inTheClear = [broker, ...alternativeBrokers].find(goesInTheClear);
  if (insecure === undefined && inTheClear !== undefined)
    refuse(
      inTheClear === broker ? 'broker' : 'alternativeBrokers',
      `"${inTheClear}" is another machine, and what goes there in the clear can be read and changed on the way: use mqtts://, or allow it with \`insecure: true\``,
    );
  if (tls !== undefined && !broker.startsWith('mqtts:')) refuse('tls', 'goes with an mqtts:// broker only');
}

function refuseTlsFiles(folder: string) {
  return ({ tls }: z.infer<typeof Edge>, context: z.RefinementCtx): void => {
    const refusals = tls === undefined ? [] : tlsRefusals(absoluteTls(folder, tls));
    for (const [key, message] of refusals) context.addIssue({ code: 'custom', path: ['tls', key], message });
  };
}

function refuseOpenGatewayKey(folder: string) {
  return ({ dataDir }: z.infer<typeof Edge>, context: z.RefinementCtx): void => {
    const message = gatewayKeyRefusal(resolve(folder, dataDir));
    if (message !== null) context.addIssue({ code: 'custom', path: ['dataDir'], message });
  };
}

function refuseOpenHttp(password: string | undefined) {
  return ({ http }: z.infer<typeof Edge>, context: z.RefinementCtx): void => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: ['http', key], message });
    if (http === undefined) return;
    if (password !== undefined && password.length < LEAST_PASSWORD)
      refuse('host', `METERLINE_EDGE_PASSWORD has fewer than ${LEAST_PASSWORD} characters`);
    if (!LOOPBACK.test(http.host) && password === undefined && http.passwordHash === undefined)
      refuse(
        'host',
        `"${http.host}" is open beyond this machine: set METERLINE_EDGE_PASSWORD or passwordHash`,
      );
  };
}

function refuseUnknownProfiles(profiles: ReadonlyMap<string, Profile>) {
  return ({ buses, pushMeters }: z.infer<typeof Edge>, context: z.RefinementCtx): void => {
    // A bus that was refused has no link yet.
    if (context.issues.length > 0) return;
    const refuse = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    for (const [b, bus] of buses.entries())
      for (const [m, { profile: id, unit, password }] of bus.meters.entries()) {
        const path = ['buses', b, 'meters', m];
        const profile = profiles.get(id);
        if (!isAsked(profile)) {
          refuse([...path, 'profile'], `"${id}" is no profile of a meter that is asked`);
          continue;
        }
        if (password !== undefined && profile.protocol !== 'dlms')
          refuse([...path, 'password'], 'only DLMS meters have a password');
        const [wrongUnit, wrongLink] = [
          busUnitRefusal(profile, unit),
          linkRefusal(profile, bus.link) ?? timeoutRefusal(profile, bus),
        ];
        if (wrongUnit !== null) refuse([...path, 'unit'], wrongUnit);
        if (wrongLink !== null) refuse([...path, 'profile'], wrongLink);
      }
    const profileOf = (id: string): AskedProfile | null => {
      const profile = profiles.get(id);
      return isAsked(profile) ? profile : null;
    };
    for (const [b, bus] of buses.entries())
      refuseRegisters(bus, profileOf, (path, message) => refuse(['buses', b, ...path], message));
    refuseProfiles(pushMeters, profiles, (path, message) => refuse(['pushMeters', ...path], message));
  };
}

/** As `unitRefusal`, without the numbers that no Modbus meter on a bus has: 0 is everyone, 248 and above are reserved. */
function busUnitRefusal(profile: AskedProfile, unit: MeterUnit): string | null {
  const isReserved =
    profile.protocol === 'modbus' && typeof unit === 'number' && (unit === 0 || unit > LAST_MODBUS_UNIT);
  return isReserved ? NO_UNIT : unitRefusal(profile, unit);
}

/** Two rows of a list must not share the value of `key`. */
function refuseRepeats<K extends string>(key: K) {
  return (rows: Record<K, string | number>[], context: z.RefinementCtx): void => {
    const seen = new Set<string | number>();
    for (const [index, row] of rows.entries()) {
      if (seen.has(row[key]))
        context.addIssue({ code: 'custom', path: [index, key], message: `"${row[key]}" is listed twice` });
      seen.add(row[key]);
    }
  };
}

/** Two buses would talk at once on it. A Modbus TCP gateway may have several lines behind one address, told apart by unit. */
function refuseSharedLines(buses: Bus[], context: z.RefinementCtx): void {
  const seen = new Map<string, string>();
  for (const [index, { id, link }] of buses.entries()) {
    // A bus that was refused has no link yet.
    if (link === undefined || link.kind === 'tcp') continue;
    const key = link.kind === 'serial' ? 'serial' : 'rtuOverTcp';
    const line = link.kind === 'serial' ? link.path : `${link.host}:${link.port}`;
    const other = seen.get(`${key} ${line}`);
    const message = `"${line}" is the line of bus "${other}" already: list the meters of one line on one bus`;
    if (other !== undefined) context.addIssue({ code: 'custom', path: [index, key], message });
    seen.set(`${key} ${line}`, id);
  }
}
