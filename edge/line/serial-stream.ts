/** A serial port as a stream of bytes. */
import { EventEmitter } from 'node:events';
import { readSync, writeSync } from 'node:fs';
import { SerialPort } from 'serialport';

/** Longer than any answer; what is longer comes in pieces. */
const READ_BYTES = 1024;
/** Nothing to read, or no room to write, just now. */
const NOT_NOW = new Set<unknown>(['EAGAIN', 'EWOULDBLOCK', 'EINTR']);

/** What serialport holds below a port where there are file descriptors. */
interface Descriptor {
  fd: number;
  poller: EventEmitter;
}

/**
 * serialport opens the port, sets its rate and closes it, and says when there is something to read. It would read and write
 * on other threads: two hops and back an answer, which a fast line has no time for. A frame is small and the port does
 * not block, so it is read and written here at once. Elsewhere than on Unix all is left to serialport.
 */
export class SerialStream extends SerialPort {
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);

  override _read(size: number): void {
    const descriptor = this.#descriptor();
    if (descriptor === null) super._read(size);
    // Its events come outside of any turn of the event loop, where promises that are resolved would wait for the next one.
    else descriptor.poller.once('readable', () => setImmediate(() => this.#readNow(size)));
  }

  override _write(data: Buffer, encoding: BufferEncoding, callback: (error: Error | null) => void): void {
    const descriptor = this.#descriptor();
    let written = 0;
    try {
      if (descriptor !== null) written = writeSync(descriptor.fd, data);
    } catch {
      // No room just now, or gone: serialport waits, or tells.
    }
    if (written === data.length) callback(null);
    else super._write(data.subarray(written), encoding, callback);
  }

  /** serialport knows only `close`: merely destroyed, as any stream is, the port would stay open and the process alive. */
  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (this.isOpen) this.close(() => callback(error));
    else callback(error);
  }

  #readNow(size: number): void {
    const descriptor = this.#descriptor();
    if (descriptor === null) return;
    try {
      const length = readSync(descriptor.fd, this.#buffer);
      if (length === 0) throw new Error('the port was hung up');
      this.push(Buffer.from(this.#buffer.subarray(0, length)));
    } catch (error) {
      if (isNotNow(error)) this._read(size);
      else this.close(undefined, error instanceof Error ? error : null);
    }
  }

  #descriptor(): Descriptor | null {
    const { port } = this;
    if (!this.isOpen || port === undefined || !('poller' in port) || !('fd' in port)) return null;
    const { fd, poller } = port;
    return typeof fd === 'number' && poller instanceof EventEmitter ? { fd, poller } : null;
  }
}

const isNotNow = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && NOT_NOW.has(error.code);
