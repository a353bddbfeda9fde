/** What is wrong with the gateway's part of an installation: its serial devices, its buses and each meter on them. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';

import type { PortReason } from '../../protocols/edge-api.ts';
import type { Finding } from '../../protocols/finding.ts';
import type { Profile } from '../../protocols/profile.ts';
import { lockFolder, OutboxError } from '../buffer/outbox-folder.ts';
import type { Bus, BusMeter, EdgeConfig, Link } from '../config.ts';
import { isAsked } from '../drivers/asked-profile.ts';
import type { MeterRead } from '../drivers/meter-driver.ts';
import { openDriver } from '../drivers/open-driver.ts';
import { Line, type LineFault, type LineUse } from '../line/line.ts';
import { linkName } from '../line/line-stream.ts';
import type { PolledBus } from '../poll.ts';
import type { Profiles } from '../profiles.ts';

/**
 * All buses at once, the meters of each one after the other.
 * @param running whether the gateway is at work: what one master alone may speak on is then left to it
 */
export async function examineEdge(
  { buses }: EdgeConfig,
  profiles: Profiles,
  { nowMs, running }: { nowMs: () => number; running: boolean },
): Promise<Finding[]> {
  const findings = await Promise.all(
    buses.map(async (bus) => {
      const device = bus.link.kind === 'serial' ? [examineSerial(bus.link.path)] : [];
      if (device.some(({ state }) => state === 'wrong')) return device;
      if (running && bus.link.kind !== 'tcp') return [...device, leftToGateway(bus)];
      return [...device, ...(await examineBus(bus, profiles, nowMs))];
    }),
  );
  return findings.flat();
}

const busName = ({ id, link }: Pick<Bus, 'id' | 'link'>): string => `bus ${id} at ${linkName(link)}`;

const leftToGateway = (bus: Bus): Finding => ({
  check: busName(bus),
  state: 'not_tried',
  detail: 'the gateway is running and polls it',
  next: 'ask the gateway: its own page (`http` in its configuration) and the staff pages say who answers there',
});

/** Whether a gateway is at work on this outbox: it holds it alone. */
export function gatewayRuns(outboxFolder: string): boolean {
  if (!existsSync(outboxFolder)) return false;
  try {
    lockFolder(outboxFolder)();
    return false;
  } catch (error) {
    if (error instanceof OutboxError) return true;
    throw error;
  }
}

const SERIAL_NAME = /^(tty(USB|ACM|AMA|S)\d+|cu\..*)$/;

/** The device is there, is one, and this user may use it. */
export function examineSerial(path: string): Finding {
  const check = `serial ${path}`;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    const others = (existsSync('/dev') ? readdirSync('/dev') : []).filter((name) => SERIAL_NAME.test(name));
    const there =
      others.length === 0 ? 'no other is there' : `there are ${others.map((o) => `/dev/${o}`).join(', ')}`;
    const next = 'plug the adapter in; a path below /dev/serial/by-id survives replugging';
    return { check, state: 'wrong', detail: `is not there; ${there}`, next };
  }
  if (!stat.isCharacterDevice())
    return { check, state: 'wrong', detail: 'is no device', next: 'name a device such as /dev/ttyUSB0' };
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return { check, state: 'ok', detail: 'is there, and this user may use it' };
  } catch {
    const next = 'add the user to the group of the device (dialout on Debian), and log in again';
    return { check, state: 'wrong', detail: 'this user may not use it', next };
  }
}

async function examineBus(bus: Bus, profiles: Profiles, nowMs: () => number): Promise<Finding[]> {
  const line = new Line(bus);
  try {
    return await examineMeters(line, bus, profiles, nowMs);
  } finally {
    await line.close();
  }
}

/** The bus, and each of its meters that does not answer as its model says. */
export async function examineMeters(
  line: LineUse,
  bus: Pick<PolledBus, 'id' | 'link' | 'meters'>,
  profiles: Profiles,
  nowMs: () => number,
): Promise<Finding[]> {
  const where = busName(bus);
  const wrong: Finding[] = [];
  let silent = 0;
  for (const meter of bus.meters) {
    const read = await readBilling(line, bus, meter, profiles, nowMs);
    if (read === null) continue;
    if (read.fault?.code === 'unreachable') {
      const { detail, next } = unreachable(read.fault, bus.link);
      return [{ check: where, state: 'wrong', detail, next }];
    }
    if (isSilent(read)) silent += 1;
    const told = tellRead(read, profiles.get(meter.profile)?.protocol);
    if (told.state !== 'ok') wrong.push({ check: `${where}, ${meter.meter} (unit ${meter.unit})`, ...told });
  }
  return [busFinding(where, bus.meters.length, silent, wrong.length), ...wrong];
}

/** "No path to the target" and "target did not respond": a converter's way to say that nobody is there. */
const NOBODY = new Set([10, 11]);
const isSilent = ({ fault, exception }: MeterRead): boolean =>
  fault?.code === 'timeout' || (exception !== null && NOBODY.has(exception));

/** One line for the bus, so that a good one takes no more. */
function busFinding(check: string, meters: number, silent: number, wrong: number): Finding {
  if (silent < meters || meters === 0)
    return {
      check,
      state: 'ok',
      detail: `answers, ${meters - wrong} of ${meters} meters as their models say`,
    };
  const next = 'when nobody answers: power, A and B, baud rate and parity, before single meters';
  return { check, state: 'wrong', detail: `opens, but none of ${meters} meters answers`, next };
}

async function readBilling(
  line: LineUse,
  { link }: Pick<Bus, 'link'>,
  { profile: id, unit }: BusMeter,
  profiles: Profiles,
  nowMs: () => number,
): Promise<MeterRead | null> {
  const profile = profiles.get(id);
  if (!isAsked(profile)) return null;
  const driver = openDriver(profile, { unit, link, wanted: ({ billing }) => billing });
  return driver.read(line, { nowMs, attempts: 2, pauses: true });
}

type Told = Pick<Finding, 'state' | 'detail' | 'next'>;

/** What a read of the billing registers says about the meter, and the next thing to try. */
export function tellRead(
  { values, fault, exception }: MeterRead,
  protocol: Profile['protocol'] = 'modbus',
): Told {
  if (fault !== null) return { state: 'wrong', ...tellFault(fault) };
  if (exception !== null) return { state: 'wrong', ...tellException(exception, protocol) };
  const empty = values.find(({ value }) => value === null);
  if (empty !== undefined) {
    const next = 'compare the model with the name plate: `meterline scan` says which models fit';
    return {
      state: 'wrong',
      detail: `${empty.register.obis} holds no value (${empty.code}: ${empty.raw})`,
      next,
    };
  }
  const shown = values.map(({ register, value }) => `${register.obis} ${value} ${register.unit}`);
  return { state: 'ok', detail: shown.join(', ') };
}

export function tellFault({ code, message }: LineFault): { detail: string; next: string } {
  switch (code) {
    case 'timeout':
      return {
        detail: 'no reply',
        next: 'check its power, its address, baud rate and parity, and whether A and B are swapped',
      };
    case 'closed':
      return {
        detail: 'the connection was closed on the request',
        next: 'some meters and converters serve one client alone: end the others, the running gateway as well',
      };
    case 'bad_crc':
    case 'bad_frame':
    case 'noise':
      return {
        detail: 'the reply is damaged (CRC or frame)',
        next: 'check baud rate and parity, termination (120 ohm at both ends) and shield, and two meters on one address',
      };
    case 'wrong_unit':
    case 'wrong_function':
    case 'wrong_byte_count':
    case 'wrong_transaction':
    case 'not_alone':
    case 'unsolicited':
      return {
        detail: `the reply is not to this request (${code})`,
        next: 'look for a second master on the bus, and for two meters on one address',
      };
    default:
      return { detail: message, next: 'see the message' };
  }
}

const PROTOCOLS: Partial<Record<Profile['protocol'], string>> = {
  dlt645: 'error byte of DL/T 645',
  cjt188: 'status of CJ/T 188',
  mbus: 'application error of M-Bus',
  dlms: 'result of DLMS',
};

export function tellException(
  exception: number,
  protocol: Profile['protocol'] = 'modbus',
): { detail: string; next: string } {
  if (protocol !== 'modbus')
    return {
      detail: `the meter refuses (${PROTOCOLS[protocol] ?? protocol} ${exception})`,
      next: `compare the model with the name plate${protocol === 'dlms' ? ', and see whether it asks for a password' : ''}`,
    };
  const told = `the meter refuses (exception ${exception}`;
  if (exception === 1)
    return {
      detail: `${told}: no such function)`,
      next: 'it is another model: `meterline scan` says which fit',
    };
  if (exception === 2 || exception === 3)
    return {
      detail: `${told}: no such register)`,
      next: 'it is another model or firmware: `meterline scan`, or `meterline detect-register` with its face',
    };
  if (NOBODY.has(exception))
    return {
      detail: `${told}: the converter finds nobody there)`,
      next: 'check the address, power and wiring',
    };
  return { detail: `${told})`, next: 'it is busy or defective: try again, then look at its display' };
}

export function unreachable(
  fault: LineFault,
  link: Link,
): { reason?: PortReason; detail: string; next: string } {
  const code = systemCode(fault.cause);
  if (link.kind === 'serial') {
    const held = /lock|busy|EBUSY/i.test(fault.message);
    if (held)
      return {
        reason: 'held',
        detail: 'the device is held',
        next: 'another process holds it: end that one (the running gateway?)',
      };
    const { state, detail, next = '' } = examineSerial(link.path);
    return state === 'wrong'
      ? { reason: existsSync(link.path) ? 'forbidden' : 'absent', detail: `${link.path} ${detail}`, next }
      : { detail: fault.message, next: 'see whether it takes this baud rate; plug the adapter in anew' };
  }
  const told: Record<string, [PortReason, string, string]> = {
    ECONNREFUSED: [
      'refused',
      'connection refused: nothing listens there',
      'check the port, and whether the converter is in TCP server mode',
    ],
    EHOSTUNREACH: ['no_route', 'no route', 'check the address, the cable and the network mask'],
    ENETUNREACH: ['no_route', 'no route', 'check the address, the cable and the network mask'],
    ENOTFOUND: ['unknown_name', 'its name is not known', 'take the IP address, or correct the DNS'],
    EAI_AGAIN: ['unknown_name', 'its name is not known', 'take the IP address, or correct the DNS'],
    ECONNRESET: ['reset', 'the connection was reset', 'it may serve one client alone: end the others'],
  };
  const [reason, detail, next] = told[code] ?? [
    undefined,
    'no connection',
    'ping the converter; check its power, and firewalls between',
  ];
  return { ...(reason === undefined ? {} : { reason }), detail, next };
}

const systemCode = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
