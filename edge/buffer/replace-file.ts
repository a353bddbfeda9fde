/** A file is the old one or the new one, whole, whatever happens in between. */
import { closeSync, copyFileSync, existsSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemDisk, writeAll } from './disk.ts';

export interface Replacement {
  /** Puts the new file in place; the former one stays beside it as `FILE.bak`. */
  commit(): void;
  /** Forgets the new file. */
  discard(): void;
  /** The new file until then. */
  file: string;
}

/** Writes the new content beside the file, with its rights, and flushes it: so it can be checked before it takes effect. */
export function prepareReplacement(file: string, content: string | Uint8Array): Replacement {
  const fresh = `${file}.new`;
  const mode = existsSync(file) ? statSync(file).mode & 0o777 : 0o666;
  const descriptor = openSync(fresh, 'w', mode);
  try {
    writeAll(systemDisk, descriptor, Buffer.from(content as Uint8Array));
    systemDisk.flush(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return {
    file: fresh,
    commit() {
      if (existsSync(file)) copyFileSync(file, `${file}.bak`);
      renameSync(fresh, file);
      systemDisk.flushFolder(dirname(file));
    },
    discard: () => unlinkSync(fresh),
  };
}

export const replaceFile = (file: string, content: string | Uint8Array): void =>
  prepareReplacement(file, content).commit();
