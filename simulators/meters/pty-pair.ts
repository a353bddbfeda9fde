/** Pairs of pseudo terminals: a serial line without a cable. One end is ours, the other a device file to open. */
import { closeSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';

export interface PtyPair {
  /** The device file of the other end, such as `/dev/pts/3`. */
  readonly path: string;
  onData(listener: (chunk: Uint8Array) => void): void;
  /** Bytes that nobody takes are dropped, as on a wire. */
  write(bytes: Uint8Array): void;
  close(): void;
}

interface NativePty {
  open(columns: number, rows: number): { master: number; slave: number; pty: string };
}

/** Null where this platform has no pseudo terminals for us. */
export function openPtyPair(): PtyPair | null {
  const native = loadNative();
  if (native === null) return null;
  // Its end of the pair stays open here, so that the line is there whoever opens and closes the device file.
  const { master, slave, pty: path } = native.open(80, 24);
  const reader = new ReadStream(master);
  reader.on('error', () => reader.destroy());
  return {
    path,
    onData: (listener) => void reader.on('data', listener),
    write(bytes) {
      try {
        writeSync(master, bytes);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
    },
    close() {
      reader.destroy();
      closeSync(slave);
    },
  };
}

/** The native half of node-pty: its own wrapper decodes bytes as text and reads from both ends. */
function loadNative(): NativePty | null {
  if (process.platform === 'win32') return null;
  const near = createRequire(createRequire(import.meta.url).resolve('@lydell/node-pty'));
  try {
    return near(`@lydell/node-pty-${process.platform}-${process.arch}/pty.node`) as NativePty;
  } catch {
    return null;
  }
}
