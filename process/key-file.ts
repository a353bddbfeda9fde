/** Private keys on the disk: readable by their owner only, and there as a whole or not at all. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** The file is not to be had, or others may read it; the message says which file, and what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  readonly code = 'key_file_unusable';
}

/** What is wrong with a key file, and the next step; null when it may be used. Windows has no such rights to look at. */
export function keyFileRefusal(file: string): string | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return `${file} does not exist`;
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
    return `${file} may be read by others: run \`chmod 600 ${file}\``;
  return null;
}

/** @throws KeyFileError */
export function readKeyFile(file: string): string {
  const refusal = keyFileRefusal(file);
  if (refusal !== null) throw new KeyFileError(refusal);
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KeyFileError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** Replaces the file at once, flushed, with rights for its owner alone. */
export const writeKeyFile = (file: string, pem: string): void => replaceFlushed(file, pem, 0o600);

/** Replaces a file that anyone may read, in the same way. */
export const writePublicFile = (file: string, text: string): void => replaceFlushed(file, text, 0o644);

function replaceFlushed(file: string, text: string, mode: number): void {
  const fresh = `${file}.${process.pid}.new`;
  const descriptor = openSync(fresh, 'w', mode);
  try {
    const bytes = Buffer.from(text);
    // One call may write less than all of it.
    for (let written = 0; written < bytes.length; )
      written += writeSync(descriptor, bytes, written, bytes.length - written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(fresh, file);
  flush(dirname(file));
}

/** The new name is on the disk only with its folder. */
function flush(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
