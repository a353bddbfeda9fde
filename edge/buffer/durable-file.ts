/** Small files that are there after a power cut: as they were, or as they were to become. */
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { z } from 'zod';
import { type Disk, systemDisk, writeAll } from './disk.ts';

/** Replaces the file by the value as JSON and its checksum, at once or not at all. @throws Error of the system */
export function writeDurably(file: string, value: unknown, disk: Disk = systemDisk): void {
  const json = JSON.stringify(value);
  const fresh = `${file}.new`;
  writeFlushed(disk, disk.open(fresh, 'w'), `${json}\n${crc32(json)}\n`);
  disk.rename(fresh, file);
  disk.flushFolder(dirname(file));
}

/** Adds to the end of a file. @throws Error of the system */
export function appendDurably(file: string, text: string, disk: Disk = systemDisk): void {
  writeFlushed(disk, disk.open(file, 'a+'), text);
  disk.flushFolder(dirname(file));
}

/** @returns null when there is none, or none that is whole */
export function readDurable<T>(file: string, schema: z.ZodType<T>, disk: Disk = systemDisk): T | null {
  try {
    const [json = '', checksum] = disk.readAll(file).toString().split('\n');
    if (checksum !== String(crc32(json))) return null;
    const parsed = schema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function writeFlushed(disk: Disk, fd: number, text: string): void {
  try {
    writeAll(disk, fd, Buffer.from(text));
    disk.flush(fd);
  } finally {
    disk.close(fd);
  }
}
