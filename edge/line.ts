/**
 * One `Line` per serial port or socket: the only way to a Modbus meter. Requests queue strictly, one in flight, each with
 * its own deadline. Anything but a clean answer is a doubt: a socket is then replaced, and an RTU line heard out until it
 * is silent; its unit is asked nothing until no late reply of it can be under way, while the others go on: a reply names
 * its unit. So no reply is ever taken for another request's.
 */
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import modbusSerial from 'modbus-serial';
import type { ReadRequest } from '../protocols/modbus/pdu.ts';
import { type LineLink, linkName, openStream } from './line-stream.ts';
import { type Doubt, rtuFraming, StrictPort, tcpFraming } from './modbus-port.ts';
import { charactersMs, frameSilenceMs, REQUEST_CHARACTERS } from './rtu-wire.ts';

const { default: ModbusClient } = modbusSerial;
type ModbusClient = InstanceType<typeof ModbusClient>;

export interface LineOptions {
  link: LineLink;
  /** Deadline of one request, and of opening the line. */
  timeoutMilliseconds: number;
  /** How late a reply may come at worst: so long an RTU unit is left alone after a doubt. Three timeouts if not given. */
  worstReplyMilliseconds?: number;
}

export interface UnitRequest extends ReadRequest {
  unit: number;
}

/** Register bytes as on the wire, or the meter's own refusal. */
export type Answer = { ok: true; data: Uint8Array } | { ok: false; exception: number };

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
/** "Acknowledge" and "busy": the real answer may follow unasked. */
const MAY_FOLLOW = new Set([5, 6]);
/** A converter's baud rate is not known: the silence before a request is that of 9600 baud. */
const CONVERTER_BAUD_RATE = 9600;
/** Timers are no finer: what is left of a wait after that is waited for turn by turn. */
const TIMER_MS = 1;
/** Of the measured turnaround of a unit, how much the newest one counts. */
const NEWEST_SHARE = 0.25;

interface Connection {
  stream: Duplex;
  port: StrictPort;
  client: ModbusClient;
}

interface InFlight {
  request: UnitRequest;
  sentAt: number;
  /** Whether a byte of an answer has come. */
  answered: boolean;
  timer: NodeJS.Timeout;
  resolve(answer: Answer): void;
  reject(fault: LineFault): void;
}

export class Line {
  readonly #options: LineOptions;
  readonly #rtu: boolean;
  readonly #frameSilenceMs: number;
  /** How long a request is on the wire. */
  readonly #requestMs: number;
  #connection: Connection | null = null;
  #inFlight: InFlight | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #transaction = 0;
  readonly #previous = new Map<number, UnitRequest>();
  /** Until then a late reply of the unit may be under way. */
  readonly #lateUntil = new Map<number, number>();
  readonly #turnarounds = new Map<number, number>();
  #lastByteAt = 0;
  #silentFrom = 0;
  /** When the last request was over: a meter's rest counts from there. */
  #restingSince = 0;
  #closed = false;

  constructor(options: LineOptions) {
    this.#options = options;
    const { link } = options;
    this.#rtu = link.kind !== 'tcp';
    const baudRate = link.kind === 'serial' ? link.baudRate : CONVERTER_BAUD_RATE;
    this.#frameSilenceMs = frameSilenceMs(baudRate);
    this.#requestMs = charactersMs(REQUEST_CHARACTERS, baudRate);
  }

  /** Milliseconds from the end of a request to the first byte of the unit's answer, as measured; null before that. */
  turnaroundMilliseconds(unit: number): number | null {
    return this.#turnarounds.get(unit) ?? null;
  }

  /**
   * Sends one read when its turn comes and the line is silent; `pauseMilliseconds` is the rest the meter needs before it.
   * @throws LineFault when there is no clean answer
   */
  read(request: UnitRequest, pauseMilliseconds = 0): Promise<Answer> {
    const turn = this.#tail.then(() => this.#exchange(request, pauseMilliseconds));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the line: requests that wait or are in flight fail as `closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#fail('closed', 'the line was closed');
    this.#disconnect();
    await this.#tail;
  }

  async #exchange(request: UnitRequest, pauseMilliseconds: number): Promise<Answer> {
    const rest = this.#restingSince + pauseMilliseconds - performance.now();
    if (pauseMilliseconds > 0 && rest > 0) await sleep(rest);
    if (this.#rtu) await this.#silence(request);
    const connection = this.#connection ?? (await this.#connect(request));
    this.#previous.set(request.unit, request);
    return new Promise((resolve, reject) => {
      const milliseconds = this.#options.timeoutMilliseconds;
      const timer = setTimeout(() => this.#fail('timeout', `no answer in ${milliseconds} ms`), milliseconds);
      this.#inFlight = { request, sentAt: performance.now(), answered: false, timer, resolve, reject };
      this.#send(connection.client, request);
    });
  }

  #send(client: ModbusClient, { unit, functionCode, address, count }: UnitRequest): void {
    const done = (error: (Error & { modbusCode?: number }) | null, result?: { buffer: Uint8Array }): void => {
      if (error === null && result !== undefined) this.#settle({ ok: true, data: result.buffer });
      else if (error?.modbusCode !== undefined) this.#settle({ ok: false, exception: error.modbusCode });
      else this.#fail('bad_frame', error?.message ?? 'no result', error);
    };
    if (functionCode === 3) client.writeFC3(unit, address, count, done);
    else client.writeFC4(unit, address, count, done);
  }

  #settle(answer: Answer): void {
    const inFlight = this.#inFlight;
    if (inFlight === null) return;
    this.#inFlight = null;
    this.#restingSince = performance.now();
    clearTimeout(inFlight.timer);
    if (!answer.ok && MAY_FOLLOW.has(answer.exception)) this.#distrust(inFlight.request);
    inFlight.resolve(answer);
  }

  /** Fails the request in flight, if any, and puts the line in doubt. */
  #fail(code: LineFaultCode, detail: string, cause?: unknown): void {
    const inFlight = this.#inFlight;
    this.#inFlight = null;
    this.#connection?.port.abandon();
    if (inFlight !== null || code === 'unsolicited') this.#distrust(inFlight?.request);
    if (inFlight === null) return;
    this.#restingSince = performance.now();
    clearTimeout(inFlight.timer);
    inFlight.reject(this.#fault(code, inFlight.request, detail, cause));
  }

  /** What comes from now on may be late: drop the socket; on RTU hear the line out, and leave the unit alone. */
  #distrust(request?: UnitRequest): void {
    if (this.#options.link.kind !== 'serial') this.#disconnect();
    const now = performance.now();
    this.#silentFrom = now + SILENCE_MS;
    if (request === undefined) return;
    const worstMs = this.#options.worstReplyMilliseconds ?? 3 * this.#options.timeoutMilliseconds;
    this.#lateUntil.set(request.unit, now + worstMs);
  }

  #disconnect(): void {
    this.#connection?.stream.destroy();
    this.#connection = null;
  }

  /**
   * Waits until a frame may begin. RTU replies name no register, so a request that differs only in its address from the
   * unit's one before waits longer: a repeated reply to that one would pass for its own.
   */
  async #silence(request: UnitRequest): Promise<void> {
    const previous = this.#previous.get(request.unit);
    const twin =
      previous !== undefined &&
      previous.functionCode === request.functionCode &&
      previous.count === request.count &&
      previous.address !== request.address;
    const silenceMs = twin ? Math.max(SILENCE_MS, this.#frameSilenceMs) : this.#frameSilenceMs;
    const lateUntil = this.#lateUntil.get(request.unit) ?? 0;
    const giveUpAt = Math.max(lateUntil, performance.now()) + NOISE_LIMIT_MS;
    for (let listened = false; !this.#closed; ) {
      const now = performance.now();
      const left = Math.max(lateUntil, this.#silentFrom, this.#lastByteAt + silenceMs) - now;
      if (left <= 0 && listened) return;
      if (now > giveUpAt) throw this.#fault('noise', request, `not silent for ${NOISE_LIMIT_MS} ms`);
      // Bytes that came while this process was busy are read before the line is called silent.
      if (left <= TIMER_MS) await nextTurn();
      else await sleep(Math.min(left - TIMER_MS, SILENCE_MS));
      listened = left <= 0;
    }
  }

  async #connect(request: UnitRequest): Promise<Connection> {
    if (this.#closed) throw this.#fault('closed', request, 'the line was closed');
    let stream: Duplex;
    try {
      stream = await openStream(this.#options.link, this.#options.timeoutMilliseconds);
    } catch (error) {
      throw this.#fault(
        'unreachable',
        request,
        error instanceof Error ? error.message : 'cannot open',
        error,
      );
    }
    const framing = this.#rtu ? rtuFraming() : tcpFraming(() => this.#nextTransaction());
    if (this.#rtu) stream.on('data', () => this.#heard());
    const port = new StrictPort(stream, framing, (doubt) => this.#fail(doubt, 'not a clean answer'));
    const client = new ModbusClient(port);
    client.open();
    const connection = { stream, port, client };
    // The raw stream tells of its end whatever the library makes of it.
    stream.on('error', () => this.#ended(connection));
    stream.on('close', () => this.#ended(connection));
    this.#connection = connection;
    if (this.#closed) this.#disconnect();
    return connection;
  }

  #ended(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#fail('closed', 'the connection ended');
    connection.stream.destroy();
  }

  #heard(): void {
    this.#lastByteAt = performance.now();
    const inFlight = this.#inFlight;
    if (inFlight === null || inFlight.answered) return;
    inFlight.answered = true;
    const { unit } = inFlight.request;
    const newest = Math.max(this.#lastByteAt - inFlight.sentAt - this.#requestMs, 0);
    const before = this.#turnarounds.get(unit) ?? newest;
    this.#turnarounds.set(unit, before + NEWEST_SHARE * (newest - before));
  }

  #nextTransaction(): number {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    return this.#transaction;
  }

  #fault(code: LineFaultCode, { unit }: UnitRequest, detail: string, cause?: unknown): LineFault {
    return new LineFault(code, `unit ${unit} at ${linkName(this.#options.link)}: ${code}: ${detail}`, cause);
  }
}
