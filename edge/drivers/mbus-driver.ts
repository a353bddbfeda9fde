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
  isWanted,
  type MeterDriver,
  type MeterRead,
  nothingRead,
  registerValue,
  welcome,
} from './meter-driver.ts';

type MbusRegister = MbusProfile['registers'][number];
type MbusTelegram = Extract<MbusAnswer, { records: unknown }>;

/** No meter has more to tell: one that never ends is cut short. */
const MOST_TELEGRAMS = 32;
/** So many old ones are known again; their number in the header repeats after 256. */
const TELEGRAMS_KEPT = 64;
/** Half of that: what seems to be further ahead is behind. */
const MOST_AHEAD = 127;
/** After so many sessions with the same number a meter counts nothing. */
const STANDS_STILL = 2;

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
      if (options.isCut?.() === true || !isWanted(registers, options)) return read;
      const session = { left: new Set(welcome(registers, options)), read };
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
  const isBegun = await begin(meter, line, options, read);
  const answer = isBegun ? await next(meter, line, options, read, 'baseline') : null;
  if (answer !== null) read.identity = answer.header?.id ?? NO_SERIAL;
  return read;
}

interface Session {
  /** Registers that are not found yet. */
  left: Set<MbusRegister>;
  read: MeterRead;
}

async function readSession(
  meter: MbusMeter,
  line: LineUse,
  options: DriveOptions,
  { left, read }: Session,
): Promise<void> {
  const isWanting = (): boolean => options.isCut?.() !== true && isWanted([...left], options);
  if (!(await begin(meter, line, options, read))) return;
  let first: MbusTelegram | null = null;
  if (meter.isOwed) {
    // What was asked for in vain before may come now: then it shows from where on the meter counts, and nothing else.
    first = await next(meter, line, options, read, 'baseline');
    if (first === null) return;
    if (!meter.isSure) first = null;
    if (first === null && !(await begin(meter, line, options, read))) return;
  }
  const records: MbusRecord[] = [];
  for (let telegrams = 0; telegrams < MOST_TELEGRAMS && isWanting(); telegrams += 1) {
    const answer: MbusTelegram | null = first ?? (await next(meter, line, options, read, telegrams));
    first = null;
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

/** How many telegrams came before in this session; `baseline`: none, and what comes gives a value only if it is sure. */
type Place = number | 'baseline';

/** @returns null for none: `read` says why */
async function next(
  meter: MbusMeter,
  line: LineUse,
  options: DriveOptions,
  read: MeterRead,
  place: Place,
): Promise<MbusTelegram | null> {
  const ask = () => line.ask(meter.request(place), askOptions(options));
  const answer = await askRepeatedly(ask, options.attempts, read);
  if (answer === null) return null;
  meter.heard(answer, place);
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

/**
 * What is known of a meter from one session to the next. Its access number counts its telegrams: one of an earlier session
 * is behind the last that was taken. Ahead of it may be only what was asked for since and never came: after that, one
 * telegram is taken for its number alone, unless that is as far ahead as telegrams were asked for. A meter that counts
 * nothing tells the same again when it is at rest.
 */
class MbusMeter {
  readonly unit: MeterUnit;
  readonly #address: number;
  /** Secondary address: given, or of the first that answered on a primary one. */
  #secondary: string | null;
  /** Whose access number is known. */
  #counted: string | null = null;
  #last: { at: number; accessNumber: number | null } | null = null;
  /** Whether a telegram was asked for and not taken; and whether one was, until the first that gives values again. */
  #isOwed = false;
  #isConfirming = false;
  /** Telegrams of this session, and the last ones of those before it. */
  #current: Uint8Array[] = [];
  #before: Uint8Array[] = [];
  /** Whether its access number was seen to count, and in how many sessions in a row it stood still. */
  #isCounting = false;
  #stands = 0;
  /** Whether it counts each telegram that is asked for here and no others, and how many were since the last that came. */
  #countsByOne = false;
  #asked = 0;
  #askedPlace: Place | null = null;
  #isSure = false;

  constructor(unit: MeterUnit) {
    this.unit = unit;
    this.#address = typeof unit === 'number' ? unit : SELECTED;
    this.#secondary = typeof unit === 'number' ? null : unit;
  }

  get isOwed(): boolean {
    return this.#isOwed;
  }

  /** Whether the telegram that came last is surely the answer to the last request, though others were in vain before. */
  get isSure(): boolean {
    return this.#isSure;
  }

  startSession(): void {
    this.#before = [...this.#before, ...this.#current].slice(-TELEGRAMS_KEPT);
    this.#current = [];
    this.#askedPlace = null;
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
  request(place: Place) {
    const asked = { address: this.#address, fcb: place === 'baseline' || place % 2 === 0 };
    if (place === 'baseline') this.#isConfirming = this.#isOwed;
    // A request that is repeated gets the same telegram.
    if (place !== this.#askedPlace) this.#asked += 1;
    this.#askedPlace = place;
    this.#isOwed = true;
    return requestedData(
      this.unit,
      asked,
      () => this.#last?.at ?? null,
      (answer) => this.#judge(answer, place),
    );
  }

  heard(answer: MbusAnswer, place: Place): void {
    const accessNumber = accessNumberOf(answer);
    const secondary = ('header' in answer ? answer.header?.secondary : undefined) ?? null;
    const ahead = aheadOf(this.#last?.accessNumber ?? null, accessNumber);
    this.#isSure = this.#countsByOne && ahead === this.#asked;
    if (this.#asked === 1) this.#countsByOne = ahead === 1;
    this.#asked = 0;
    if (secondary !== null && secondary !== this.#counted) {
      this.#counted = secondary;
      this.#isCounting = false;
      this.#stands = 0;
    } else if (this.#last !== null && accessNumber !== this.#last.accessNumber) this.#isCounting = true;
    else if (this.#current.length === 0) this.#stands += 1;
    this.#last = { at: performance.now(), accessNumber };
    this.#isOwed = false;
    if (place !== 'baseline' || this.#isSure) this.#isConfirming = false;
    this.#current.push(answer.bytes);
    this.#secondary ??= secondary;
  }

  #judge(answer: MbusAnswer, place: Place): Doubt | null {
    // A selected meter gives whatever primary address it has.
    if (this.#address !== SELECTED && answer.address !== this.#address) return 'wrong_unit';
    if ('applicationError' in answer) return null;
    if (this.#secondary !== null && answer.header?.secondary !== this.#secondary) return 'wrong_unit';
    // Where no number counts the answers, a meter at rest tells the same again in its next session.
    const known = this.#isCounting ? [...this.#before, ...this.#current] : this.#current;
    if (known.some((bytes) => Buffer.compare(bytes, answer.bytes) === 0)) return 'wrong_item';
    return place !== 'baseline' && this.#isOld(answer, place) ? 'wrong_item' : null;
  }

  /** By its access number: behind the last, or as the first of a session equal to it. */
  #isOld(answer: MbusAnswer, place: number): boolean {
    const ahead = aheadOf(this.#last?.accessNumber ?? null, accessNumberOf(answer));
    if (ahead === null) return false;
    if (ahead > MOST_AHEAD) return this.#isCounting || this.#isConfirming;
    if (ahead > 0 || place > 0) return false;
    if (this.#isCounting) return true;
    // A number that stands still is an old one, or that of a meter that counts nothing: it has to show that first.
    if (!this.#isConfirming || this.#stands >= STANDS_STILL) return false;
    this.#stands += 1;
    return true;
  }
}

const accessNumberOf = (answer: MbusAnswer): number | null =>
  'header' in answer ? (answer.header?.accessNumber ?? null) : null;

/** How often it was counted from one to the other; null where one is not known. */
const aheadOf = (from: number | null, to: number | null): number | null =>
  from === null || to === null ? null : (to - from) & 0xff;
