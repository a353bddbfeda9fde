/**
 * One `Line` per serial port or socket: the only way to a meter. Requests queue strictly, one in flight, each with
 * its own deadline. Anything but a clean answer is a doubt: a socket is then replaced, and an RTU line heard out until it
 * is silent; its unit is asked nothing until no late reply of it can be under way, while the others go on: a reply names
 * its unit. So no reply is ever taken for another request's.
 */
import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Link } from './config.ts';
import type { Doubt, Exchange, MeterUnit } from './exchange.ts';
import { LineQueue, type Priority, type Waiting } from './line-queue.ts';
import { discardUnread, linkName, openStream } from './line-stream.ts';
import { type Answer, ModbusDialogue, TRANSACTIONS, type UnitRequest } from './modbus-port.ts';
import { charactersMs, frameSilenceMs } from './rtu-wire.ts';

export type { Priority, Waiting } from './line-queue.ts';
export type { Answer, UnitRequest } from './modbus-port.ts';

export interface LineOptions {
  link: Link;
  /** Deadline of one request, and of opening the line. */
  timeoutMilliseconds: number;
  /** How late a reply may come at worst: so long a unit is left alone after a doubt. Three timeouts if not given. */
  worstReplyMilliseconds?: number;
  /** Of Modbus TCP; by chance if not given, so that a restarted gateway does not take what its predecessor asked for. */
  firstTransaction?: number;
}

/** `unreachable`: the port or socket would not open; the others: no clean answer to a request. */
export type LineFaultCode = 'unreachable' | 'timeout' | 'closed' | 'noise' | Doubt;

export class LineFault extends Error {
  readonly code: LineFaultCode;
  constructor(code: LineFaultCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LineFault';
    this.code = code;
  }
}

/** The silence after a doubt. */
const SILENCE_MS = 50;
/** A line that is never silent for so long is given up for the request that waits. */
const NOISE_LIMIT_MS = 10_000;
/** A converter's baud rate is not known: the silence before a request is that of 9600 baud. */
const CONVERTER_BAUD_RATE = 9600;
/** Timers are no finer: what is left of a wait after that is waited for turn by turn. */
const TIMER_MS = 1;
/** A wait that took so much longer says that the process stood still: it has yet to hear what came meanwhile. */
const STALL_MS = 10;
/** So often at most it listens for as long again before one request: a busy process still polls. */
const STALLS = 3;
/** Of the measured turnaround of a unit, how much the newest one counts. */
const NEWEST_SHARE = 0.25;
/** How fast the slowest turnaround of a unit is forgotten, an answer. */
const SLOWEST_KEPT = 0.999;
/** The slowest of so many answers says something of those to come. */
const TELLING_ANSWERS = 5;

/** From the end of a request to the first byte of its answer, in milliseconds. */
interface Turnaround {
  mean: number;
  slowest: number;
  answers: number;
}

export interface AskOptions {
  /** The rest that the meter needs before the request. */
  pauseMilliseconds?: number;
  /** `poll` if not given. */
  priority?: Priority;
  /** Of this request, in the place of the line's own. */
  timeoutMilliseconds?: number;
  worstReplyMilliseconds?: number;
  /** The request is given up when nothing has come so long after it was sent; not before its deadline if not given. */
  firstByteMilliseconds?: number;
  /** Called when the request has its turn. */
  onTurn?: () => void;
}

/** What it takes to ask meters: a line, or a way to one. */
export type LineUse = Pick<Line, 'ask' | 'read' | 'turnaroundMilliseconds'>;

interface Turn {
  exchange: Exchange<unknown>;
  priority: Priority;
  serve(): Promise<void>;
  reject(fault: LineFault): void;
}

interface InFlight {
  unit: MeterUnit;
  sentAt: number;
  /** How long the request is on the wire. */
  requestMs: number;
  /** How late an answer may come at worst. */
  worstReplyMs: number;
  /** Whether a byte of an answer has come. */
  answered: boolean;
  timer: NodeJS.Timeout;
  quietTimer: NodeJS.Timeout | undefined;
  take(chunk: Uint8Array): void;
  reject(fault: LineFault): void;
}

export class Line {
  readonly #options: LineOptions;
  readonly #rtu: boolean;
  readonly #baudRate: number;
  readonly #frameSilenceMs: number;
  readonly #modbus: ModbusDialogue;
  #stream: Duplex | null = null;
  #inFlight: InFlight | null = null;
  readonly #queue = new LineQueue<Turn>();
  #serving: Turn | null = null;
  #served: Promise<void> = Promise.resolve();
  #restTimer: NodeJS.Timeout | undefined;
  /** Until then a late reply of the unit may be under way. */
  readonly #lateUntil = new Map<MeterUnit, number>();
  readonly #turnarounds = new Map<MeterUnit, Turnaround>();
  #lastByteAt = 0;
  #silentFrom = 0;
  /** When the last request was over: a meter's rest counts from there. */
  #restingSince = 0;
  #closed = false;

  constructor(options: LineOptions) {
    this.#options = options;
    const { link } = options;
    this.#rtu = link.kind !== 'tcp';
    this.#modbus = new ModbusDialogue(
      this.#rtu ? 'rtu' : 'tcp',
      options.firstTransaction ?? randomInt(TRANSACTIONS),
    );
    this.#baudRate = link.kind === 'serial' ? link.baudRate : CONVERTER_BAUD_RATE;
    this.#frameSilenceMs = frameSilenceMs(this.#baudRate);
  }

  /** Milliseconds from the end of a request to the first byte of the unit's answer, as measured; null before that. */
  turnaroundMilliseconds(unit: MeterUnit): number | null {
    return this.#turnarounds.get(unit)?.mean ?? null;
  }

  /** The longest of them lately; null while too few are known. */
  slowestTurnaroundMilliseconds(unit: MeterUnit): number | null {
    const measured = this.#turnarounds.get(unit);
    return measured === undefined || measured.answers < TELLING_ANSWERS ? null : measured.slowest;
  }

  /** What the line is busy with, and how much waits for it. */
  waiting(): Waiting {
    return { inFlight: this.#serving?.exchange.unit ?? null, ...this.#queue.counts() };
  }

  /**
   * Sends one request when its turn comes and the line is silent.
   * @throws LineFault when there is no clean answer
   */
  ask<T>(exchange: Exchange<T>, options: AskOptions = {}): Promise<T> {
    const { priority = 'poll' } = options;
    if (this.#closed) return Promise.reject(this.#fault('closed', exchange.unit, 'the line was closed'));
    return new Promise((resolve, reject) => {
      const serve = async (): Promise<void> => {
        try {
          options.onTurn?.();
          resolve(await this.#exchange(exchange, options));
        } catch (error) {
          reject(error);
        }
      };
      this.#queue.add({ exchange, priority, serve, reject });
      this.#next();
    });
  }

  /** Asks for Modbus registers; see `ask`. */
  read(request: UnitRequest, options?: AskOptions): Promise<Answer> {
    return this.ask(this.#modbus.exchange(request), options);
  }

  /** Serves whose turn it is; when all who wait rest, the first of them that no longer does. */
  #next(): void {
    if (this.#serving !== null) return;
    clearTimeout(this.#restTimer);
    const turn = this.#queue.next(({ exchange }) => this.#restMs(exchange.unit) <= 0);
    if (turn !== null) {
      this.#serving = turn;
      this.#served = turn.serve().then(() => {
        this.#serving = null;
        this.#next();
      });
      return;
    }
    const rests = [...this.#queue].map(({ exchange }) => this.#restMs(exchange.unit));
    if (rests.length > 0) this.#restTimer = setTimeout(() => this.#next(), Math.ceil(Math.min(...rests)));
  }

  /** Ends the line: requests that wait or are in flight fail as `closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { exchange, reject } of this.#queue.drain())
      reject(this.#fault('closed', exchange.unit, 'the line was closed'));
    clearTimeout(this.#restTimer);
    this.#fail('closed', 'the line was closed');
    this.#disconnect();
    await this.#served;
  }

  /**
   * How long a unit on TCP is still left alone: a new socket alone does not keep the late tail of an answer away from the
   * head of the next, and no checksum tells. RTU waits in its turn, for silence.
   */
  #restMs(unit: MeterUnit): number {
    if (this.#rtu || this.#closed) return 0;
    return (this.#lateUntil.get(unit) ?? 0) - performance.now();
  }

  async #exchange<T>(exchange: Exchange<T>, options: AskOptions): Promise<T> {
    const { unit } = exchange;
    const { pauseMilliseconds = 0 } = options;
    const rest = this.#restingSince + pauseMilliseconds - performance.now();
    if (pauseMilliseconds > 0 && rest > 0) await sleep(rest);
    if (this.#rtu) await this.#silence(unit, exchange.mistakableSince());
    const stream = this.#stream ?? (await this.#connect(unit));
    return new Promise((resolve, reject) => {
      const milliseconds = options.timeoutMilliseconds ?? this.#options.timeoutMilliseconds;
      const worstReplyMs = options.worstReplyMilliseconds ?? this.#worstReplyMs;
      const timer = setTimeout(() => this.#fail('timeout', `no answer in ${milliseconds} ms`), milliseconds);
      const take = (chunk: Uint8Array): void => {
        const taken = exchange.take(chunk);
        if (taken.state === 'doubt') this.#fail(taken.doubt, 'not a clean answer');
        else if (taken.state === 'answer') {
          this.#settle(taken.mayFollow);
          resolve(taken.answer);
        }
      };
      const frame = exchange.start();
      const requestMs = charactersMs(frame.length, this.#baudRate);
      const sentAt = performance.now();
      const quietTimer = this.#awaitFirstByte(requestMs, options.firstByteMilliseconds);
      const answered = false;
      this.#inFlight = { unit, sentAt, requestMs, worstReplyMs, answered, timer, quietTimer, take, reject };
      stream.write(frame);
    });
  }

  /** In two steps: what came while the process was busy is heard before the unit is given up. */
  #awaitFirstByte(requestMs: number, milliseconds: number | undefined): NodeJS.Timeout | undefined {
    if (milliseconds === undefined) return undefined;
    const giveUp = (): void => this.#fail('timeout', `nothing came in ${Math.round(milliseconds)} ms`);
    const lastHearing = (): void => {
      if (this.#inFlight?.answered === false) this.#inFlight.quietTimer = setTimeout(giveUp, STALL_MS);
    };
    return setTimeout(lastHearing, requestMs + milliseconds);
  }

  #settle(mayFollow: boolean): void {
    const inFlight = this.#inFlight;
    if (inFlight === null) return;
    this.#inFlight = null;
    this.#restingSince = performance.now();
    clearTimeout(inFlight.timer);
    clearTimeout(inFlight.quietTimer);
    if (mayFollow) this.#distrust(inFlight);
  }

  /** Fails the request in flight, if any, and puts the line in doubt. */
  #fail(code: LineFaultCode, detail: string): void {
    const inFlight = this.#inFlight;
    this.#inFlight = null;
    if (inFlight !== null || code === 'unsolicited') this.#distrust(inFlight);
    if (inFlight === null) return;
    this.#restingSince = performance.now();
    clearTimeout(inFlight.timer);
    clearTimeout(inFlight.quietTimer);
    inFlight.reject(this.#fault(code, inFlight.unit, detail));
  }

  /** What comes from now on may be late: drop the socket; on RTU hear the line out; and leave the unit alone. */
  #distrust(asked: Pick<InFlight, 'unit' | 'worstReplyMs'> | null): void {
    if (this.#options.link.kind !== 'serial') this.#disconnect();
    const now = performance.now();
    this.#silentFrom = now + SILENCE_MS;
    if (asked !== null) this.#lateUntil.set(asked.unit, now + asked.worstReplyMs);
  }

  get #worstReplyMs(): number {
    return this.#options.worstReplyMilliseconds ?? 3 * this.#options.timeoutMilliseconds;
  }

  #disconnect(): void {
    this.#stream?.destroy();
    this.#stream = null;
  }

  /** Waits until a frame may begin; longer where a repeated answer to the request before would pass for its own. */
  async #silence(unit: MeterUnit, mistakableSince: number | null): Promise<void> {
    const repeatedUntil = mistakableSince === null ? 0 : mistakableSince + SILENCE_MS;
    const lateUntil = Math.max(this.#lateUntil.get(unit) ?? 0, repeatedUntil);
    const giveUpAt = Math.max(lateUntil, performance.now()) + NOISE_LIMIT_MS;
    let stalls = 0;
    for (let listened = false, discarded = false; !this.#closed; ) {
      const now = performance.now();
      const left = Math.max(lateUntil, this.#silentFrom, this.#lastByteAt + this.#frameSilenceMs) - now;
      if (left <= 0 && listened) {
        if (discarded || this.#stream === null) return;
        await discardUnread(this.#stream);
      }
      discarded = left <= 0 && listened;
      if (now > giveUpAt) throw this.#fault('noise', unit, `not silent for ${NOISE_LIMIT_MS} ms`);
      // Bytes that came while this process was busy are read before the line is called silent.
      const waitMs = left <= TIMER_MS ? 0 : Math.min(left - TIMER_MS, SILENCE_MS);
      await (waitMs === 0 ? nextTurn() : sleep(waitMs));
      const stalled = performance.now() - now - waitMs > STALL_MS;
      if (stalled && stalls++ < STALLS)
        this.#silentFrom = Math.max(this.#silentFrom, performance.now() + STALL_MS);
      listened = left <= 0;
    }
  }

  async #connect(unit: MeterUnit): Promise<Duplex> {
    if (this.#closed) throw this.#fault('closed', unit, 'the line was closed');
    let stream: Duplex;
    try {
      stream = await openStream(this.#options.link, this.#options.timeoutMilliseconds);
    } catch (error) {
      const detail = error instanceof Error ? error.message : 'cannot open';
      throw this.#fault('unreachable', unit, detail, error);
    }
    stream.on('data', (chunk: Uint8Array) => this.#receive(stream, chunk));
    stream.on('error', () => this.#ended(stream));
    stream.on('close', () => this.#ended(stream));
    this.#stream = stream;
    if (!this.#closed) return stream;
    this.#disconnect();
    throw this.#fault('closed', unit, 'the line was closed');
  }

  #ended(stream: Duplex): void {
    if (this.#stream !== stream) return;
    this.#stream = null;
    this.#fail('closed', 'the connection ended');
    stream.destroy();
  }

  #receive(stream: Duplex, chunk: Uint8Array): void {
    if (this.#stream !== stream) return;
    this.#heard();
    if (this.#inFlight === null) this.#fail('unsolicited', 'nothing was asked');
    else this.#inFlight.take(chunk);
  }

  #heard(): void {
    this.#lastByteAt = performance.now();
    const inFlight = this.#inFlight;
    if (inFlight === null || inFlight.answered) return;
    inFlight.answered = true;
    clearTimeout(inFlight.quietTimer);
    const { unit } = inFlight;
    const newest = Math.max(this.#lastByteAt - inFlight.sentAt - inFlight.requestMs, 0);
    const { mean, slowest, answers } = this.#turnarounds.get(unit) ?? {
      mean: newest,
      slowest: 0,
      answers: 0,
    };
    this.#turnarounds.set(unit, {
      mean: mean + NEWEST_SHARE * (newest - mean),
      slowest: Math.max(newest, slowest * SLOWEST_KEPT),
      answers: answers + 1,
    });
  }

  #fault(code: LineFaultCode, unit: MeterUnit, detail: string, cause?: unknown): LineFault {
    return new LineFault(code, `unit ${unit} at ${linkName(this.#options.link)}: ${code}: ${detail}`, cause);
  }
}
