/**
 * Reads a meter on M-Bus: a session of reset (or selection) and requests for data, telegram after telegram until all wanted
 * registers are found or the meter has no more to say. A telegram counts only when its header names the meter that is
 * meant: the one selected, or on a primary address the one that was identified there, or else answered first. Sessions on a
 * line do not mix: a selection would end the one before.
 */
import { SELECTED } from '../../protocols/mbus/address.ts';
import type { MbusCommand } from '../../protocols/mbus/link.ts';
import type { MbusRecord } from '../../protocols/mbus/records.ts';
import { readRegister } from '../../protocols/mbus/register.ts';
import type { MbusProfile } from '../../protocols/profile.ts';
import type { Doubt, MeterUnit } from '../line/exchange.ts';
import type { LineUse } from '../line/line.ts';
import { type LineLink, linkName } from '../line/line-stream.ts';
import { oneAtATime } from '../line/one-at-a-time.ts';
import { NO_SERIAL } from '../polling/meter-identity.ts';
import { acknowledged, type MbusAnswer, requestedData } from './mbus-exchange.ts';
import {
  askOptions,
  askRepeatedly,
  type DriveOptions,
  type IdentityRead,
  type MeterDriver,
  type MeterRead,
  nothingRead,
  registerValue,
} from './meter-driver.ts';

type MbusRegister = MbusProfile['registers'][number];
type MbusTelegram = Extract<MbusAnswer, { records: unknown }>;

/** No meter has more to tell: one that never ends is cut short. */
const MOST_TELEGRAMS = 32;
/** So many old ones are known again; their number in the header repeats after 256. */
const TELEGRAMS_KEPT = 64;

/** @param unit the primary address, 0 to 250, or the 16 hex digits of the secondary one */
export function mbusDriver(
  registers: readonly MbusRegister[],
  { unit, link }: { unit: MeterUnit; link: LineLink },
): MeterDriver {
  const meter = new MbusMeter(unit);
  const sessions = linkName(link);
  const driver: MeterDriver = {
    async read(line, options) {
      const read = nothingRead();
      const { wanted = () => true, alongside = () => false } = options;
      if (!registers.some(({ obis }) => wanted(obis))) return read;
      const welcome = registers.filter(({ obis }) => wanted(obis) || alongside(obis));
      const session = { left: new Set(welcome), wanted, read };
      await oneAtATime(sessions, () => readSession(meter, line, options, session));
      return read;
    },
  };
  // A secondary address names the meter.
  if (typeof unit === 'string') return driver;
  return {
    ...driver,
    identify: (line, options) => oneAtATime(sessions, () => identify(meter, line, options)),
  };
}

/** The number in the header, as it is printed on the meter; whoever answers now is the one whose telegrams count. */
async function identify(meter: MbusMeter, line: LineUse, options: DriveOptions): Promise<IdentityRead> {
  const read: IdentityRead = { ...nothingRead(), identity: null };
  meter.forget();
  const answer = (await begin(meter, line, options, read)) ? await next(meter, line, options, read, 0) : null;
  if (answer !== null) read.identity = answer.header?.id ?? NO_SERIAL;
  return read;
}

interface Session {
  /** Registers that are not found yet. */
  left: Set<MbusRegister>;
  wanted(obis: string): boolean;
  read: MeterRead;
}

async function readSession(
  meter: MbusMeter,
  line: LineUse,
  options: DriveOptions,
  { left, wanted, read }: Session,
): Promise<void> {
  const isWanting = (): boolean => [...left].some(({ obis }) => wanted(obis));
  if (!(await begin(meter, line, options, read))) return;
  const records: MbusRecord[] = [];
  for (let telegrams = 0; telegrams < MOST_TELEGRAMS && isWanting(); telegrams += 1) {
    const answer = await next(meter, line, options, read, telegrams);
    if (answer === null) return;
    records.push(...answer.records);
    take(records, left, read, options.nowMs());
    if (!answer.more) break;
  }
  // What the meter lacks, or tells twice and differently.
  if (isWanting()) read.failures += 1;
}

/** Resets the meter, or selects it. */
async function begin(
  meter: MbusMeter,
  line: LineUse,
  options: DriveOptions,
  read: MeterRead,
): Promise<boolean> {
  meter.startSession();
  const ask = () => line.ask(acknowledged(meter.unit, meter.begin()), askOptions(options));
  return (await askRepeatedly(ask, options.attempts, read)) !== null;
}

/** @param telegrams how many came before in this session @returns null for none: `read` says why */
async function next(
  meter: MbusMeter,
  line: LineUse,
  options: DriveOptions,
  read: MeterRead,
  telegrams: number,
): Promise<MbusTelegram | null> {
  const ask = () => line.ask(meter.request(telegrams), askOptions(options));
  const answer = await askRepeatedly(ask, options.attempts, read);
  if (answer === null) return null;
  meter.heard(answer);
  if ('records' in answer) return answer;
  read.failures += 1;
  read.exception = answer.applicationError;
  return null;
}

function take(
  records: readonly MbusRecord[],
  left: Set<MbusRegister>,
  read: MeterRead,
  readAtMs: number,
): void {
  for (const register of left) {
    const found = readRegister(register, records);
    if (found === null) continue;
    left.delete(register);
    read.values.push(registerValue(register, found.decoded, found.bytes, readAtMs));
  }
}

/** What is known of a meter from one session to the next. */
class MbusMeter {
  readonly unit: MeterUnit;
  readonly #address: number;
  /** Secondary address: given, or of the first that answered on a primary one. */
  #secondary: string | null;
  #last: { at: number; accessNumber: number | null } | null = null;
  /** Telegrams of this session, and the last ones of those before it. */
  #current: Uint8Array[] = [];
  #before: Uint8Array[] = [];
  /** Whether its access number was seen to count. */
  #isCounting = false;

  constructor(unit: MeterUnit) {
    this.unit = unit;
    this.#address = typeof unit === 'number' ? unit : SELECTED;
    this.#secondary = typeof unit === 'number' ? null : unit;
  }

  startSession(): void {
    this.#before = [...this.#before, ...this.#current].slice(-TELEGRAMS_KEPT);
    this.#current = [];
  }

  /** Whoever answers next is the one that is meant. */
  forget(): void {
    this.#secondary = typeof this.unit === 'string' ? this.unit : null;
  }

  begin(): MbusCommand {
    return typeof this.unit === 'string'
      ? { kind: 'select', pattern: this.unit }
      : { kind: 'reset', address: this.#address };
  }

  /** The frame count bit begins with 1 after a reset and changes from telegram to telegram, not from try to try. */
  request(telegrams: number) {
    const asked = { address: this.#address, fcb: telegrams % 2 === 0 };
    return requestedData(
      this.unit,
      asked,
      () => this.#last?.at ?? null,
      (answer) => this.#judge(answer),
    );
  }

  heard(answer: MbusAnswer): void {
    const accessNumber = accessNumberOf(answer);
    if (this.#last !== null && accessNumber !== this.#last.accessNumber) this.#isCounting = true;
    this.#last = { at: performance.now(), accessNumber };
    this.#current.push(answer.bytes);
    if ('header' in answer) this.#secondary ??= answer.header?.secondary ?? null;
  }

  #judge(answer: MbusAnswer): Doubt | null {
    // A selected meter gives whatever primary address it has.
    if (this.#address !== SELECTED && answer.address !== this.#address) return 'wrong_unit';
    if ('applicationError' in answer) return null;
    if (this.#secondary !== null && answer.header?.secondary !== this.#secondary) return 'wrong_unit';
    // Where no number counts the answers, a meter at rest tells the same again in its next session.
    const known = this.#isCounting ? [...this.#before, ...this.#current] : this.#current;
    return known.some((bytes) => Buffer.compare(bytes, answer.bytes) === 0) ? 'wrong_item' : null;
  }
}

const accessNumberOf = (answer: MbusAnswer): number | null =>
  'header' in answer ? (answer.header?.accessNumber ?? null) : null;
