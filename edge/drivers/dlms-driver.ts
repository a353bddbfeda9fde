/**
 * Reads a meter of DLMS/COSEM: an association for each read, and in it a request per register. What a value is counted in is
 * asked once, and again when another meter answers at this address.
 */
import type { CosemData } from '../../protocols/dlms/data.ts';
import { type CosemDateTime, parseDateTime } from '../../protocols/dlms/profile-buffer.ts';
import { decodeValue, parseScale, type Scale, unscaled } from '../../protocols/dlms/register-value.ts';
import type { DlmsProfile } from '../../protocols/profile.ts';
import { LineFault, type LineUse } from '../line/line.ts';
import { type LineLink, linkName } from '../line/line-stream.ts';
import { oneAtATime } from '../line/one-at-a-time.ts';
import { NO_SERIAL } from '../polling/meter-identity.ts';
import { DlmsSession } from './dlms-session.ts';
import { type DlmsAddresses, hdlcTransport, wrapperTransport } from './dlms-transport.ts';
import {
  askOptions,
  type DriveOptions,
  type IdentityRead,
  isWanted,
  type MeterDriver,
  type MeterRead,
  nothingRead,
  registerValue,
} from './meter-driver.ts';

type DlmsRegister = DlmsProfile['registers'][number];

/** What a register's value is counted in, and the bytes that say so. */
interface KnownScale {
  scale: Scale;
  bytes: Uint8Array;
}

const DATA = 1;
const VALUE = 2;
const SCALER_UNIT = 3;
const CLOCK = { classId: 8, obis: '0-0:1.0.0', attribute: VALUE };
const DEVICE_NAME = { classId: DATA, obis: '0-0:42.0.0', attribute: VALUE };
/** A reading keeps so many bytes at most of what it was decoded from. */
const MAX_RAW_BYTES = 256;

/** What it takes to reach a meter. */
export interface DlmsAccess {
  /** See `DlmsAddresses`. */
  unit: number;
  link: LineLink;
  /** For low level security; none for lowest. */
  password?: string | undefined;
}

export function dlmsDriver(
  profile: DlmsProfile,
  registers: readonly DlmsRegister[],
  access: DlmsAccess,
): MeterDriver {
  const reader = new DlmsReader(profile, access);
  const meter = nameOfMeter(access);
  return {
    async read(line, options) {
      const read = nothingRead();
      if (options.isCut?.() === true || !isWanted(registers, options)) return read;
      // A meter has one association with a client, whoever asks.
      return oneAtATime(meter, () => reader.read(line, registers, options, read));
    },
    identify: (line, options) => oneAtATime(meter, () => reader.identify(line, options)),
  };
}

/** What the meter's clock shows; null when it tells no time, or doubts it itself. */
export function readDlmsClock(
  profile: DlmsProfile,
  access: DlmsAccess,
  line: LineUse,
  { read = nothingRead(), ...options }: DriveOptions & { read?: MeterRead },
): Promise<CosemDateTime | null> {
  const reader = new DlmsReader(profile, access);
  return oneAtATime(nameOfMeter(access), () => reader.clock(line, options, read));
}

const nameOfMeter = ({ link, unit }: DlmsAccess): string => `${linkName(link)} ${unit}`;

class DlmsReader {
  readonly #addresses: DlmsAddresses;
  readonly #access: DlmsAccess;
  /** Of the meter that answered last, by register. */
  readonly #scales = new Map<string, KnownScale>();
  #deviceName: string | null = null;
  #sessions = 0;

  constructor({ client, logicalDevice, addressBytes }: DlmsProfile, access: DlmsAccess) {
    const { unit } = access;
    this.#addresses = { client, logicalDevice, addressBytes: addressBytes ?? (unit < 128 ? 2 : 4), unit };
    this.#access = access;
  }

  /** Asks for what is still missing in a new session when one fails. */
  async read(
    line: LineUse,
    registers: readonly DlmsRegister[],
    options: DriveOptions,
    read: MeterRead,
  ): Promise<MeterRead> {
    const missing = new Set(registers);
    await this.#inSession(line, options, read, async (session) => {
      await this.#recognise(session);
      await this.#readMissing(session, missing, options, read);
    });
    return read;
  }

  async identify(line: LineUse, options: DriveOptions): Promise<IdentityRead> {
    const read: IdentityRead = { ...nothingRead(), identity: null };
    await this.#inSession(line, options, read, async (session) => {
      await this.#recognise(session);
      read.identity = this.#deviceName ?? NO_SERIAL;
    });
    return read;
  }

  async clock(line: LineUse, options: DriveOptions, read: MeterRead): Promise<CosemDateTime | null> {
    let shown: CosemDateTime | null = null;
    await this.#inSession(line, options, read, async (session) => {
      const answer = await session.get(CLOCK);
      const bytes = answer.ok && 'bytes' in answer.data ? answer.data.bytes : new Uint8Array(0);
      shown = parseDateTime(bytes);
    });
    return shown;
  }

  /** Does `work` in an association, in a new one when it fails, `attempts` times at most. */
  async #inSession(
    line: LineUse,
    options: DriveOptions,
    read: MeterRead,
    work: (session: DlmsSession) => Promise<void>,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const session = this.#session(line, options, read);
      try {
        const association = await session.open(this.#access.password);
        if (association.state === 'open') await work(session);
        else {
          read.failures += 1;
          read.exception = association.diagnostic;
        }
      } catch (error) {
        if (!(error instanceof LineFault)) throw error;
        read.failures += 1;
        if (attempt < options.attempts && error.code !== 'unreachable') continue;
        read.fault = error;
        return;
      }
      // All is read: a meter that does not answer to this lets go of the association by itself.
      await session.close().catch(ignoreFault);
      return;
    }
  }

  #session(line: LineUse, options: DriveOptions, read: MeterRead): DlmsSession {
    const transport = this.#access.link.kind === 'tcp' ? wrapperTransport : hdlcTransport;
    const send: Parameters<typeof transport>[0] = (exchange) => {
      read.requests += 1;
      return line.ask(exchange, askOptions(options));
    };
    // A session asks a few dozen times: the next one begins at another number.
    this.#sessions += 1;
    return new DlmsSession(transport(send, this.#addresses), this.#sessions * 5);
  }

  async #readMissing(
    session: DlmsSession,
    missing: Set<DlmsRegister>,
    { nowMs, wanted, isCut }: DriveOptions,
    read: MeterRead,
  ): Promise<void> {
    for (const register of missing) {
      if (isCut?.() === true) return;
      if (wanted?.has(register.obis) === false) continue;
      const known = await this.#scaleOf(session, register);
      const { obis, class: classId } = register;
      const answer = known.ok ? await session.get({ classId, obis, attribute: VALUE }) : known;
      missing.delete(register);
      if (!known.ok || !answer.ok) {
        read.failures += 1;
        read.exception = answer.ok ? read.exception : answer.error;
        continue;
      }
      const decoded = decodeValue(answer.data, known.scale, register.unit);
      const raw = Uint8Array.of(...answer.bytes, ...known.bytes).subarray(0, MAX_RAW_BYTES);
      read.values.push(registerValue(register, decoded, raw, nowMs()));
    }
  }

  /** Forgets what is known of the meter when it is not surely the one that answered before. */
  async #recognise(session: DlmsSession): Promise<void> {
    const answer = await session.get(DEVICE_NAME);
    const name = answer.ok ? nameOf(answer.data) : null;
    if (name === null || name !== this.#deviceName) this.#scales.clear();
    this.#deviceName = name;
  }

  async #scaleOf(
    session: DlmsSession,
    { obis, class: classId, unit }: DlmsRegister,
  ): Promise<({ ok: true } & KnownScale) | { ok: false; error: number }> {
    if (classId === DATA) return { ok: true, scale: unscaled(unit), bytes: new Uint8Array(0) };
    const known = this.#scales.get(obis);
    if (known !== undefined) return { ok: true, ...known };
    const answer = await session.get({ classId, obis, attribute: SCALER_UNIT });
    if (!answer.ok) return answer;
    // What is no scaler is no unit of ours either: the value then has none.
    const scale = parseScale(answer.data) ?? { unit: null, power: 0 };
    this.#scales.set(obis, { scale, bytes: answer.bytes });
    return { ok: true, scale, bytes: answer.bytes };
  }
}

/** As it is printed, or in hex where it is no text. */
function nameOf(data: CosemData): string | null {
  if (data.type === 'text') return data.text === '' ? null : data.text;
  if (data.type !== 'octet-string' || data.bytes.length === 0) return null;
  const bytes = Buffer.from(data.bytes);
  const text = bytes.toString('latin1');
  return /^[\x21-\x7e]+$/.test(text) ? text : bytes.toString('hex');
}

function ignoreFault(error: unknown): void {
  if (!(error instanceof LineFault)) throw error;
}
