/** What the outbox needs of a file system. Tests put one in its place that loses power, fills up and fails on demand. */
import {
  closeSync,
  copyFileSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';

export interface Disk {
  /** `a+` writes at the end, `r+` over what is there, `w` anew. */
  open(file: string, flags: 'a+' | 'r+' | 'w'): number;
  close(fd: number): void;
  /** @param at null: where the flags say. @returns how many bytes were taken, at least one */
  write(fd: number, bytes: Uint8Array, at: number | null): number;
  read(fd: number, bytes: Uint8Array, at: number): number;
  /** What was written and cut is on the disk when this returns. */
  flush(fd: number): void;
  cut(fd: number, size: number): void;
  readAll(file: string): Buffer;
  /** Null when there is none. */
  size(file: string): number | null;
  rename(from: string, to: string): void;
  remove(file: string): void;
  copy(from: string, to: string): void;
  list(folder: string): string[];
  makeFolder(folder: string): void;
  /** What was created, renamed and removed in it lasts when this returns. */
  flushFolder(folder: string): void;
  /** Of the whole disk. */
  capacity(folder: string): number;
}

export const systemDisk: Disk = {
  open: (file, flags) => openSync(file, flags, 0o600),
  close: closeSync,
  write: (fd, bytes, at) => writeSync(fd, bytes, 0, bytes.length, at),
  read: (fd, bytes, at) => readSync(fd, bytes, 0, bytes.length, at),
  flush: fdatasyncSync,
  cut: ftruncateSync,
  readAll: (file) => readFileSync(file),
  size: (file) => statSync(file, { throwIfNoEntry: false })?.size ?? null,
  rename: renameSync,
  remove: (file) => rmSync(file, { force: true }),
  copy: copyFileSync,
  list: (folder) => readdirSync(folder),
  makeFolder: (folder) => void mkdirSync(folder, { recursive: true, mode: 0o700 }),
  flushFolder(folder) {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  capacity(folder) {
    const { blocks, bsize } = statfsSync(folder);
    return blocks * bsize;
  },
};

/** The system may take a part only, as when a disk is about to be full. */
export function writeAll(disk: Disk, fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += disk.write(fd, bytes.subarray(written), null);
}
