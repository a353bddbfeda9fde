/**
 * One `Line` per serial port or socket: the only way to a meter. Requests queue, one in flight, each with its own deadline,
 * and nothing but a clean answer is taken. What else comes is a doubt, after which a unit is asked nothing until no late
 * reply of it can be under way. An RTU line is heard out; a reply there names its unit and has a checksum, so the other
 * units go on. On Modbus TCP a late reply is known by its transaction as long as its connection stays: there too the others
 * go on. Only where frames of that connection may be torn is it replaced, and then all of the line rests: nothing tells
 * the late tail of an answer from that of another. A line begins by hearing out what was asked before it. So no reply is
 * taken for another request's, as long as none comes later than the worst reply that the line is told to expect.
 */
import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from './deadline.ts';
import type { Alarm, Exchange, MeterUnit } from './exchange.ts';
import { LineAlarms, type UnitAlarms } from './line-alarms.ts';
import { LineFault, type LineFaultCode } from './line-fault.ts';
import { type LineOptions, openingRestMs, worstReplyMs } from './line-options.ts';
import { LineQueue, type Waiting } from './line-queue.ts';
import { HEARD_MS, hearSilence } from './line-silence.ts';
import { baudRateOf, discardUnread, linkName, openStream } from './line-stream.ts';
import { type AskOptions, newTurn, type Turn, type WholeAnswer } from './line-turn.ts';
import { doubtLeftOn, leaveDoubt } from './link-doubts.ts';
import type { Answer, UnitRequest } from './modbus-answer.ts';
import { ModbusRtu } from './modbus-rtu.ts';
import { ModbusTcp, TRANSACTIONS } from './modbus-tcp.ts';
import { repeatedUntil } from './repeated-answer.ts';
import { charactersMs, frameSilenceMs } from './rtu-wire.ts';
import { Turnarounds } from './turnarounds.ts';

export type { Alarm } from './exchange.ts';
export type { UnitAlarms } from './line-alarms.ts';
export { LineFault, type LineFaultCode } from './line-fault.ts';
export type { LineOptions } from './line-options.ts';
export type { Priority, Waiting } from './line-queue.ts';
export type { AskOptions } from './line-turn.ts';
export type { Answer, UnitRequest } from './modbus-answer.ts';

/** The silence after a doubt. */
const SILENCE_MS = 50;
/** A line that is never silent for so long is given up for the request that waits. */
const NOISE_LIMIT_MS = 10_000;
/** Where a converter's baud rate is not known, the silence before a request is that of 9600 baud. */
const CONVERTER_BAUD_RATE = 9600;
/** After so many worst replies without a byte a connection is replaced: its other end may have forgotten it. */
const LOST_AFTER_WORST_REPLIES = 4;
/** So long what came is yet to be heard, when the process stood still. */
const LAST_HEARING_MS = 10;

/** What it takes to ask meters: a line, or a way to one. */
export type LineUse = Pick<Line, 'ask' | 'read' | 'turnaroundMilliseconds'>;

export class Line {
  readonly #options: LineOptions;
  readonly #rtu: boolean;
  readonly #baudRate: number;
  readonly #frameSilenceMs: number;
  readonly #modbus: ModbusTcp | ModbusRtu;
  readonly #queue = new LineQueue<Turn>();
  readonly #alarms = new LineAlarms();
  readonly #deadline = new Deadline(() => this.#timedOut());
  #stream: Duplex | null = null;
  #isFresh = true;
  /** Who has the turn. */
  #turn: Turn | null = null;
  /** What is done before its request is sent. */
  #preparing: Promise<void> = Promise.resolve();
  /** Who was asked last. */
  #last: Exchange<unknown> | null = null;
  #restTimer: NodeJS.Timeout | undefined;
  /** Until then a late reply of the unit may be under way. Null: none ever was. */
  #lateUntil: Map<MeterUnit, number> | null = null;
  /** Until then one may be that names no unit: a torn one on Modbus TCP, or one to the line before this. */
  #restUntil: number;
  readonly #turnarounds = new Turnarounds();
  /** When the first of the requests was sent that nothing has come after; infinite: there is none. */
  #unheardSince = Number.POSITIVE_INFINITY;
  #lastByteAt = 0;
  #silentFrom = 0;
  #heardSilentAt = 0;
  /** When the last request was over: a meter's rest counts from there. */
  #restingSince = 0;
  #closed = false;

  constructor(options: LineOptions) {
    this.#options = options;
    const { link } = options;
    this.#rtu = link.kind !== 'tcp';
    this.#modbus = this.#rtu
      ? new ModbusRtu()
      : new ModbusTcp(options.firstTransaction ?? randomInt(TRANSACTIONS));
    this.#baudRate = baudRateOf(link) ?? CONVERTER_BAUD_RATE;
    this.#frameSilenceMs = frameSilenceMs(this.#baudRate);
    this.#restUntil = Math.max(doubtLeftOn(link), performance.now() + openingRestMs(options));
  }

  /** Milliseconds from the end of a request to the first byte of the unit's answer, as measured; null before that. */
  turnaroundMilliseconds(unit: MeterUnit): number | null {
    return this.#turnarounds.mean(unit);
  }

  /** The longest of them lately; null while too few are known. */
  slowestTurnaroundMilliseconds(unit: MeterUnit): number | null {
    return this.#turnarounds.slowest(unit);
  }

  /** What the line is busy with, and how much waits for it. */
  waiting(): Waiting {
    return { inFlight: this.#turn?.exchange.unit ?? null, ...this.#queue.counts() };
  }

  /** How often an echo, a duplicate or a second slave was heard, of the units where any was. */
  alarms(): UnitAlarms[] {
    return this.#alarms.list();
  }

  /**
   * Sends one request when its turn comes and the line is silent.
   * @throws LineFault when there is no clean answer
   */
  ask<T>(exchange: Exchange<T>, options: AskOptions = {}): Promise<T> {
    if (this.#closed) return Promise.reject(this.#fault('closed', exchange.unit, 'the line was closed'));
    return new Promise<T>((resolve, reject) => {
      this.#queue.add(newTurn(exchange, options, { resolve: resolve as Turn['resolve'], reject }));
      this.#next();
    });
  }

  /**
   * Asks for Modbus registers; see `ask`.
   * @throws RangeError when it is no read
   */
  read(request: UnitRequest, options?: AskOptions): Promise<Answer> {
    return this.ask(this.#modbus.exchange(request), options);
  }

  /** Ends the line: requests that wait or are in flight fail as `closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { exchange, reject } of this.#queue.drain())
      reject(this.#fault('closed', exchange.unit, 'the line was closed'));
    clearTimeout(this.#restTimer);
    this.#fail('closed', 'the line was closed');
    this.#disconnect();
    this.#deadline.stop();
    leaveDoubt(this.#options.link, Math.max(this.#restUntil, ...(this.#lateUntil?.values() ?? [])));
    await this.#preparing;
  }

  /** Serves whose turn it is; when all who wait rest, the first of them that no longer does. */
  #next(): void {
    if (this.#turn !== null || this.#queue.isEmpty) return;
    const now = performance.now();
    const turn = this.#queue.next(({ exchange }) => this.#restsUntil(exchange.unit) <= now);
    if (turn === null) {
      const until = Math.min(...[...this.#queue].map(({ exchange }) => this.#restsUntil(exchange.unit)));
      clearTimeout(this.#restTimer);
      this.#restTimer = setTimeout(() => this.#next(), Math.ceil(until - now));
      return;
    }
    this.#turn = turn;
    turn.options.onTurn?.(now);
    if (this.#stream !== null && this.#isReadyFor(turn, now)) this.#send(turn, this.#stream, now);
    else this.#preparing = this.#prepare(turn);
  }

  /** How long a unit is still left alone before its turn. RTU waits in its turn, for silence. */
  #restsUntil(unit: MeterUnit): number {
    if (this.#rtu || this.#closed) return 0;
    return Math.max(this.#restUntil, this.#lateUntil?.get(unit) ?? 0);
  }

  #isReadyFor({ exchange, options }: Turn, now: number): boolean {
    if (this.#restingSince + (options.pauseMilliseconds ?? 0) > now) return false;
    // What came after the last byte may not be heard yet: the process may have stood still.
    const isHeard = now - this.#heardSilentAt < HEARD_MS && this.#silentUntil(exchange) <= this.#lastByteAt;
    return !this.#rtu || isHeard;
  }

  /** Until when an RTU line must be silent for it: longer where a repeated answer to a request before would pass for its own. */
  #silentUntil(exchange: Exchange<unknown>): number {
    const repeated = repeatedUntil(this.#options.link, exchange.mistakableSince(), this.#lastByteAt);
    return Math.max(repeated, this.#lateUntil?.get(exchange.unit) ?? 0, this.#restUntil, this.#silentFrom);
  }

  async #prepare(turn: Turn): Promise<void> {
    const { exchange, options } = turn;
    try {
      const rest = this.#restingSince + (options.pauseMilliseconds ?? 0) - performance.now();
      if (rest > 0) await sleep(rest);
      if (this.#rtu) {
        await this.#hearOut(exchange);
        if (this.#stream === null) {
          await this.#connect(exchange.unit);
          // A converter may have kept what came for nobody.
          this.#silentFrom = performance.now() + SILENCE_MS;
          await this.#hearOut(exchange);
        }
      }
      while (this.#restsUntil(exchange.unit) > performance.now()) await sleep(SILENCE_MS);
      // A converter may have ended a connection on which nothing was asked for so long.
      const stream = this.#stream ?? (await this.#connect(exchange.unit));
      this.#send(turn, stream, performance.now());
    } catch (error) {
      this.#over(turn, performance.now());
      turn.reject(error);
      this.#next();
    }
  }

  /** Waits until a frame may begin. */
  async #hearOut(exchange: Exchange<unknown>): Promise<void> {
    const from = this.#silentUntil(exchange);
    const silence = {
      until: () => Math.max(from, this.#silentFrom, this.#lastByteAt + this.#frameSilenceMs),
      giveUpAt: Math.max(from, performance.now()) + NOISE_LIMIT_MS,
      isOver: () => this.#closed,
    };
    let isSilent = await hearSilence(silence);
    if (isSilent && this.#stream !== null) {
      await discardUnread(this.#stream);
      isSilent = await hearSilence(silence);
    }
    if (!isSilent) throw this.#fault('noise', exchange.unit, `not silent for ${NOISE_LIMIT_MS} ms`);
  }

  #send(turn: Turn, stream: Duplex, now: number): void {
    const frame = turn.exchange.start(this.#isFresh);
    this.#isFresh = false;
    this.#last = turn.exchange;
    turn.sentAt = now;
    turn.requestMs = charactersMs(frame.length, this.#baudRate);
    if (this.#unheardSince > now) this.#unheardSince = now;
    const timeoutMs = this.#timeoutMs(turn);
    const { firstByteMilliseconds = timeoutMs } = turn.options;
    this.#deadline.set(now, Math.min(turn.requestMs + firstByteMilliseconds, timeoutMs));
    stream.write(frame);
  }

  #timeoutMs({ options }: Turn): number {
    return options.timeoutMilliseconds ?? this.#options.timeoutMilliseconds;
  }

  #worstReplyMs(turn: Turn | null): number {
    return turn?.options.worstReplyMilliseconds ?? worstReplyMs(this.#options);
  }

  #receive(chunk: Uint8Array): void {
    const turn = this.#turn;
    const now = performance.now();
    this.#heard(turn, now);
    if (turn === null || turn.sentAt === null || turn.held !== null) {
      // That fails what is held, if anything is.
      this.#fail('not_alone', 'more came after the answer');
      this.#stray(chunk);
      return;
    }
    const taken = turn.exchange.take(chunk);
    if (taken.state === 'answer') {
      if (this.#rtu) void this.#hold(turn, taken);
      else this.#settle(turn, taken, now);
    } else if (taken.state === 'doubt') {
      if (taken.alarm !== undefined) this.#alarm(taken.alarm);
      this.#fail(taken.doubt, 'not a clean answer');
    }
  }

  #stray(chunk: Uint8Array): void {
    const stray = this.#last?.stray?.(chunk);
    if (stray?.alarm !== undefined) this.#alarm(stray.alarm);
    if (stray?.harmless !== true) this.#distrust(null, this.#rtu && this.#isFresh);
  }

  #alarm(alarm: Alarm): void {
    this.#alarms.add(alarm);
    this.#options.onAlarm?.(alarm);
  }

  #heard(turn: Turn | null, now: number): void {
    this.#unheardSince = Number.POSITIVE_INFINITY;
    this.#lastByteAt = now;
    if (turn === null || turn.sentAt === null || turn.firstByte === null) return;
    turn.firstByte = null;
    if (turn.options.firstByteMilliseconds !== undefined)
      this.#deadline.set(turn.sentAt, this.#timeoutMs(turn));
    const turnaroundMs = now - turn.sentAt - turn.requestMs;
    this.#turnarounds.note(turn.exchange.unit, Math.max(turnaroundMs, 0));
  }

  /** An RTU frame is over, and an answer alone, when silence has followed it: no longer than the next request waits anyway. */
  async #hold(turn: Turn, taken: WholeAnswer): Promise<void> {
    turn.held = taken;
    this.#deadline.clear();
    await hearSilence({
      until: () => this.#lastByteAt + this.#frameSilenceMs,
      giveUpAt: Number.POSITIVE_INFINITY,
      isOver: () => this.#turn !== turn,
    });
    if (this.#turn !== turn) return;
    this.#heardSilentAt = performance.now();
    this.#settle(turn, taken, this.#heardSilentAt);
  }

  #settle(turn: Turn, { answer, mayFollow }: WholeAnswer, now: number): void {
    this.#over(turn, now);
    if (mayFollow) this.#distrust(turn, !this.#rtu);
    turn.options.onAnswer?.(now);
    turn.resolve(answer);
    this.#next();
  }

  #over(turn: Turn, now: number): void {
    if (this.#turn !== turn) return;
    this.#turn = null;
    this.#restingSince = now;
    this.#deadline.clear();
  }

  #timedOut(): void {
    const turn = this.#turn;
    if (turn === null || turn.sentAt === null) return;
    const now = performance.now();
    const timeoutMs = this.#timeoutMs(turn);
    // What came while the process was busy is heard before a unit is given up early.
    if (turn.firstByte === 'awaited' && now - turn.sentAt < timeoutMs) {
      turn.firstByte = 'overdue';
      this.#deadline.set(now, LAST_HEARING_MS);
      return;
    }
    const isLost = now - this.#unheardSince > LOST_AFTER_WORST_REPLIES * this.#worstReplyMs(turn);
    const isKept = turn.exchange.giveUp?.() === true && !isLost;
    this.#fail('timeout', `no answer in ${Math.round(Math.min(now - turn.sentAt, timeoutMs))} ms`, isKept);
  }

  /** Fails the request in flight, if any, and puts the line in doubt. */
  #fail(code: LineFaultCode, detail: string, isKept = false): void {
    const turn = this.#turn;
    if (turn === null || turn.sentAt === null) return;
    this.#over(turn, performance.now());
    this.#distrust(turn, isKept);
    turn.reject(this.#fault(code, turn.exchange.unit, detail));
    this.#next();
  }

  /** What comes from now on may be late. `isKept`: it would be known for that. */
  #distrust(turn: Turn | null, isKept = false): void {
    const { kind } = this.#options.link;
    const now = performance.now();
    const lateUntil = now + this.#worstReplyMs(turn);
    this.#silentFrom = now + SILENCE_MS;
    if (turn !== null) {
      this.#lateUntil ??= new Map();
      this.#lateUntil.set(turn.exchange.unit, lateUntil);
    }
    if (isKept || kind === 'serial') return;
    if (kind === 'tcp') this.#restUntil = Math.max(this.#restUntil, lateUntil);
    this.#disconnect();
  }

  #disconnect(): void {
    const stream = this.#stream;
    this.#stream = null;
    stream?.destroy();
    if (stream !== null) this.#options.onDisconnect?.();
    // What is late is known for that on its own connection only.
    if (!this.#rtu) this.#restUntil = Math.max(this.#restUntil, ...(this.#lateUntil?.values() ?? []));
  }

  async #connect(unit: MeterUnit): Promise<Duplex> {
    if (this.#closed) throw this.#fault('closed', unit, 'the line was closed');
    let stream: Duplex | undefined;
    try {
      stream = await openStream(this.#options.link, this.#options.timeoutMilliseconds, (chunk) => {
        if (stream !== undefined && this.#stream === stream) this.#receive(chunk);
      });
    } catch (error) {
      throw this.#fault('unreachable', unit, error instanceof Error ? error.message : 'cannot open', error);
    }
    const opened = stream;
    for (const event of ['error', 'close']) opened.on(event, () => this.#ended(opened));
    this.#stream = opened;
    this.#isFresh = true;
    this.#unheardSince = Number.POSITIVE_INFINITY;
    if (!this.#closed) return opened;
    this.#disconnect();
    throw this.#fault('closed', unit, 'the line was closed');
  }

  #ended(stream: Duplex): void {
    if (this.#stream !== stream) return;
    this.#disconnect();
    const turn = this.#turn;
    // Nothing can follow it any more.
    if (turn !== null && turn.held !== null) this.#settle(turn, turn.held, performance.now());
    else this.#fail('closed', 'the connection ended');
  }

  #fault(code: LineFaultCode, unit: MeterUnit, detail: string, cause?: unknown): LineFault {
    return new LineFault(code, `unit ${unit} at ${linkName(this.#options.link)}: ${code}: ${detail}`, cause);
  }
}
