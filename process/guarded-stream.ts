/** A socket behind a length guard: what the brokers of edge and cloud both hand to their MQTT library. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createLengthGuard, type LengthGuard, type LengthLimits } from '../protocols/mqtt/length-guard.ts';

/** A peer announced a packet that it may not send; its connection is closed. `code` is the guard's violation. */
export class LengthViolationError extends Error {
  override readonly name = 'LengthViolationError';
  readonly code: string;
  constructor(code: string) {
    super(`MQTT packet refused: ${code}`);
    this.code = code;
  }
}

/** A peer had too much; its connection is closed. */
export class AllowanceError extends Error {
  override readonly name = 'AllowanceError';
  readonly code = 'over_allowance';
  constructor() {
    super('the peer sends more than it may');
  }
}

/** Is told the bytes and packets that came. @returns ms to read nothing, or null: the connection ends */
export type Pace = (bytes: number, packets: number) => number | null;

/** Passes bytes both ways, with back-pressure, until the guard finds a violation: then it is destroyed with the socket. */
export class GuardedStream extends Duplex {
  readonly #socket: Socket;
  readonly #guard: LengthGuard;
  #pace: Pace | null = null;
  #pause: NodeJS.Timeout | undefined;

  constructor(socket: Socket, limits: LengthLimits) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#guard = createLengthGuard(limits);
    socket.on('data', (chunk) => this.#receive(chunk as Buffer));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** The peer is known, and from now on paced: it is read as fast as it may send, and its own socket fills. */
  admit(pace: Pace): void {
    this.#guard.admit();
    this.#pace = pace;
  }

  #receive(chunk: Buffer): void {
    const before = this.#guard.packets();
    const violation = this.#guard.feed(chunk);
    if (violation !== null) {
      this.destroy(new LengthViolationError(violation));
      return;
    }
    const pauseMs = this.#pace === null ? 0 : this.#pace(chunk.length, this.#guard.packets() - before);
    if (pauseMs === null) {
      this.destroy(new AllowanceError());
      return;
    }
    if (pauseMs > 0) this.#rest(pauseMs);
    if (!this.push(chunk) || pauseMs > 0) this.#socket.pause();
  }

  #rest(ms: number): void {
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#socket.resume();
    }, ms);
  }

  override _read(): void {
    if (this.#pause === undefined) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#pause);
    this.#socket.destroy();
    done(error);
  }
}
