/** A socket behind a length guard: what the brokers of edge and cloud both hand to their MQTT library. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createLengthGuard, type LengthGuard, type LengthLimits } from './protocols/mqtt/length-guard.ts';

/** A peer announced a packet that it may not send; its connection is closed. `code` is the guard's violation. */
export class LengthViolationError extends Error {
  override readonly name = 'LengthViolationError';
  readonly code: string;
  constructor(code: string) {
    super(`MQTT packet refused: ${code}`);
    this.code = code;
  }
}

/** Passes bytes both ways, with back-pressure, until the guard finds a violation: then it is destroyed with the socket. */
export class GuardedStream extends Duplex {
  readonly #socket: Socket;
  readonly #guard: LengthGuard;

  constructor(socket: Socket, limits: LengthLimits) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#guard = createLengthGuard(limits);
    socket.on('data', (chunk) => this.#receive(chunk as Buffer));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  #receive(chunk: Buffer): void {
    const violation = this.#guard.feed(chunk);
    if (violation !== null) this.destroy(new LengthViolationError(violation));
    else if (!this.push(chunk)) this.#socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
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
    this.#socket.destroy();
    done(error);
  }
}
