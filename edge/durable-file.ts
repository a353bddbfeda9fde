/** Small files that are there after a power cut: as they were, or as they were to become. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { z } from 'zod';

/** A file's name lasts only when its folder is flushed as well. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Replaces the file by the value as JSON and its checksum, at once or not at all. @throws Error of the system */
export function writeDurably(file: string, value: unknown): void {
  const json = JSON.stringify(value);
  const fresh = `${file}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    writeSync(fd, `${json}\n${crc32(json)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, file);
  syncFolder(dirname(file));
}

/** Adds to the end of a file. @throws Error of the system */
export function appendDurably(file: string, text: string): void {
  const fd = openSync(file, 'a', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** @returns null when there is none, or none that is whole */
export function readDurable<T>(file: string, schema: z.ZodType<T>): T | null {
  try {
    const [json = '', checksum] = readFileSync(file, 'utf8').split('\n');
    if (checksum !== String(crc32(json))) return null;
    const parsed = schema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
