/**
 * A disk in memory that loses power. What was written is seen at once, and outlives the process; a power cut keeps what was
 * flushed, and of the rest any part, torn anywhere. It fills up and fails when it is told to.
 */
import { basename, dirname } from 'node:path';
import type { Disk } from '../edge/buffer/disk.ts';
import type { Random } from '../simulators/random.ts';

/** Grows as a file does: what is added costs no copy of what is there. */
class File {
  size = 0;
  #room = Buffer.alloc(0);
  #flushedSize = 0;
  /** What was flushed, where it was written over since; null where `#room` still begins with it. */
  #flushed: Buffer | null = null;

  /** What reads see. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.size);
  }

  /** What a power cut leaves for sure. */
  get flushed(): Buffer {
    return this.#flushed ?? this.#room.subarray(0, this.#flushedSize);
  }

  write(bytes: Uint8Array, start: number): void {
    const end = start + bytes.length;
    if (start < this.#flushedSize) this.#keepFlushed();
    if (end > this.#room.length) {
      const room = Buffer.alloc(Math.max(end, 2 * this.#room.length, SMALLEST_FILE));
      this.#room.copy(room, 0, 0, Math.max(this.size, this.#flushed === null ? this.#flushedSize : 0));
      this.#room = room;
    }
    this.#room.set(bytes, start);
    this.size = Math.max(this.size, end);
  }

  /** Longer than it is: nothing changes. */
  cut(size: number): void {
    this.size = Math.min(this.size, size);
  }

  flush(): void {
    this.#flushed = null;
    this.#flushedSize = this.size;
  }

  /** What a power cut has left. */
  replace(bytes: Buffer): void {
    this.#room = Buffer.from(bytes);
    this.size = bytes.length;
    this.flush();
  }

  #keepFlushed(): void {
    this.#flushed ??= Buffer.from(this.#room.subarray(0, this.#flushedSize));
  }
}

const SMALLEST_FILE = 1024;

class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: string;
  constructor(code: string) {
    super(`${code}: simulated`);
    this.code = code;
  }
}

export class MemoryDisk implements Disk {
  /** All files together may take so many bytes. */
  room = Number.POSITIVE_INFINITY;
  /** How many flushes go well before one fails. */
  goodFlushes = Number.POSITIVE_INFINITY;
  readonly #random: Random;
  readonly #capacity: number;
  /** By path, as the process sees them, and as a power cut leaves them for sure. */
  #names = new Map<string, File>();
  #flushedNames = new Map<string, File>();
  readonly #open = new Map<number, File>();
  #nextFd = 3;

  constructor(random: Random, capacity: number) {
    this.#random = random;
    this.#capacity = capacity;
  }

  /** The process ended: its descriptors are gone, all that it wrote is there. */
  kill(): void {
    this.#open.clear();
  }

  powerCut(): void {
    this.kill();
    // Changes of names reach the disk in their order, up to somewhere; each folder here is one.
    if (this.#random.between(0, 1) === 0) this.#names = new Map(this.#flushedNames);
    this.#flushedNames = new Map(this.#names);
    for (const file of this.#names.values()) file.replace(this.#surviving(file));
  }

  open(path: string, flags: 'a+' | 'r+' | 'w'): number {
    let file = this.#names.get(path);
    if (file === undefined && flags === 'r+') throw new DiskError('ENOENT');
    if (file === undefined) {
      file = new File();
      this.#names.set(path, file);
    }
    if (flags === 'w') file.cut(0);
    this.#open.set(this.#nextFd, file);
    return this.#nextFd++;
  }

  close(fd: number): void {
    this.#open.delete(fd);
  }

  write(fd: number, bytes: Uint8Array, at: number | null): number {
    const file = this.#opened(fd);
    const start = at ?? file.size;
    const grows = Math.max(0, start + bytes.length - file.size);
    const left = this.room - this.#used();
    const taken =
      grows === 0 ? bytes.length : Math.min(bytes.length, bytes.length - grows + Math.max(0, left));
    if (taken <= 0) throw new DiskError('ENOSPC');
    file.write(bytes.subarray(0, taken), start);
    return taken;
  }

  read(fd: number, bytes: Uint8Array, at: number): number {
    const found = this.#opened(fd).bytes.subarray(at, at + bytes.length);
    bytes.set(found);
    return found.length;
  }

  flush(fd: number): void {
    const file = this.#opened(fd);
    this.goodFlushes -= 1;
    if (this.goodFlushes < 0) throw new DiskError('EIO');
    file.flush();
  }

  cut(fd: number, size: number): void {
    this.#opened(fd).cut(size);
  }

  readAll(path: string): Buffer {
    const file = this.#names.get(path);
    if (file === undefined) throw new DiskError('ENOENT');
    return Buffer.from(file.bytes);
  }

  size(path: string): number | null {
    return this.#names.get(path)?.size ?? null;
  }

  rename(from: string, to: string): void {
    const file = this.#names.get(from);
    if (file === undefined) throw new DiskError('ENOENT');
    this.#names.delete(from);
    this.#names.set(to, file);
  }

  remove(path: string): void {
    this.#names.delete(path);
  }

  copy(from: string, to: string): void {
    const fd = this.open(to, 'w');
    const bytes = this.readAll(from);
    for (let at = 0; at < bytes.length; ) at += this.write(fd, bytes.subarray(at), null);
    this.close(fd);
  }

  list(folder: string): string[] {
    return [...this.#names.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path));
  }

  makeFolder(): void {
    // Folders are there as soon as a file is in them.
  }

  flushFolder(folder: string): void {
    for (const path of this.#flushedNames.keys())
      if (dirname(path) === folder && !this.#names.has(path)) this.#flushedNames.delete(path);
    for (const [path, file] of this.#names) if (dirname(path) === folder) this.#flushedNames.set(path, file);
  }

  capacity(): number {
    return this.#capacity;
  }

  #opened(fd: number): File {
    const opened = this.#open.get(fd);
    if (opened === undefined) throw new DiskError('EBADF');
    return opened;
  }

  #used(): number {
    let used = 0;
    for (const { size } of this.#names.values()) used += size;
    return used;
  }

  /** What was flushed, and behind it any part of what was added since; bytes written over may be either. */
  #surviving({ bytes, flushed }: File): Buffer {
    if (bytes.equals(flushed)) return bytes;
    const length = this.#random.between(
      Math.min(bytes.length, flushed.length),
      Math.max(bytes.length, flushed.length),
    );
    const source = bytes.length >= flushed.length ? bytes : flushed;
    const survivor = Buffer.from(source.subarray(0, length));
    const older = source === bytes ? flushed : bytes;
    if (this.#random.between(0, 1) === 0) older.copy(survivor, 0, 0, Math.min(older.length, length));
    return survivor;
  }
}
