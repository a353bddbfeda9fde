/** Which meter models a gateway of this version knows, by their files' names: enough to refuse settings that name another. */
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../protocols/profiles/', import.meta.url));

export const shippedProfiles = (): ReadonlySet<string> =>
  new Set(
    readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => basename(file, '.yaml')),
  );
