/** Opens the byte stream below a line: a socket or a serial port. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Link } from '../config.ts';
import type { SerialStream } from './serial-stream.ts';

export type { Link as LineLink } from '../config.ts';

/** `127.0.0.1:502` or `/dev/ttyUSB0`. */
export function linkName(link: Link): string {
  return link.kind === 'serial' ? link.path : `${link.host}:${link.port}`;
}

/** Of a serial line, also behind a converter where the configuration says it; null: not known, or there is none. */
export function baudRateOf(link: Link): number | null {
  return link.kind === 'tcp' ? null : (link.baudRate ?? null);
}

/** Gets what comes, in pieces of any length, each its own to keep. */
export type Receive = (chunk: Uint8Array) => void;

/** @throws Error of the system, or of the deadline */
export function openStream(link: Link, timeoutMilliseconds: number, receive: Receive): Promise<Duplex> {
  return link.kind === 'serial' ? openSerial(link, receive) : openSocket(link, timeoutMilliseconds, receive);
}

/** Longer than any answer; what is longer comes in pieces. All sockets read into one: each read is copied before the next. */
const READ_BYTES = 1024;
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

function openSocket(
  { host, port }: { host: string; port: number },
  timeoutMilliseconds: number,
  receive: Receive,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    // Past the machinery of streams, which costs more than all else that an answer costs.
    const onread = {
      buffer: readBuffer,
      callback(length: number): boolean {
        const chunk = Buffer.allocUnsafe(length);
        readBuffer.copy(chunk, 0, 0, length);
        receive(chunk);
        return true;
      },
    };
    const socket = connect({ host, port, noDelay: true, onread });
    const timer = setTimeout(
      () => socket.destroy(new Error(`no connection in ${timeoutMilliseconds} ms`)),
      timeoutMilliseconds,
    );
    const settled = (): void => clearTimeout(timer);
    socket.once('error', (error) => {
      settled();
      reject(error);
    });
    socket.once('connect', () => {
      settled();
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/**
 * Throws away what a serial port holds unread: a process that stood still may not have heard yet what came. A socket has
 * nothing of the kind.
 */
export async function discardUnread(stream: Duplex): Promise<void> {
  if (!isSerial(stream)) return;
  // A port that closes meanwhile says so itself.
  await new Promise<void>((resolve) => stream.flush(() => resolve()));
}

/** Told without the class: a gateway without a serial port never loads its library, which takes some megabytes. */
const isSerial = (stream: Duplex): stream is SerialStream => 'flush' in stream;

async function openSerial(
  { path, baudRate, parity }: Link & { kind: 'serial' },
  receive: Receive,
): Promise<Duplex> {
  const { SerialStream } = await import('./serial-stream.ts');
  return new Promise((resolve, reject) => {
    const port = new SerialStream({ path, baudRate, parity, autoOpen: false });
    port.open((error) => {
      // The library says "Error:" in its message too.
      if (error !== null) return reject(new Error(error.message.replace(/^Error: /, ''), { cause: error }));
      port.on('data', receive);
      resolve(port);
    });
  });
}
