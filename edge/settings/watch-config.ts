/** Tells when the configuration is to be read anew: on SIGHUP, and when its file changes if it asks for that. */
import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Editors write a file in several steps. */
const SETTLE_MS = 200;

/** @param onChange called once for changes that come together @returns ends it */
export function watchConfig(file: string, { files }: { files: boolean }, onChange: () => void): () => void {
  process.on('SIGHUP', onChange);
  let settling: NodeJS.Timeout | undefined;
  // The folder: a file that is replaced is another one.
  const watcher = files
    ? watch(dirname(file), (_, name) => {
        if (name !== basename(file)) return;
        clearTimeout(settling);
        settling = setTimeout(onChange, SETTLE_MS);
      })
    : null;
  return () => {
    process.off('SIGHUP', onChange);
    clearTimeout(settling);
    watcher?.close();
  };
}
