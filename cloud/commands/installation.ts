/** Where a command finds the service's store and keys: a data directory, or the service's configuration. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../config.ts';
import type { StorePlace } from '../store/store.ts';
import { storePlace } from '../store-place.ts';

export type Installation =
  | { ok: true; dataDir: string; place: StorePlace }
  | { ok: false; problems: string[] };

/** One of the two is given. */
export function findInstallation({
  data,
  config,
}: {
  data?: string | undefined;
  config?: string | undefined;
}): Installation {
  return config === undefined ? installationAt(data ?? '') : installationOf(config);
}

function installationAt(dataDir: string): Installation {
  const file = join(dataDir, 'meterline.db');
  return existsSync(file)
    ? { ok: true, dataDir, place: { file } }
    : { ok: false, problems: [`${file}: there is no store`] };
}

function installationOf(configFile: string): Installation {
  const loaded = loadConfig(configFile);
  if (!loaded.ok) return loaded;
  try {
    const place = storePlace(loaded.config, loaded.secrets);
    return { ok: true, dataDir: loaded.config.dataDir, place };
  } catch (error) {
    return { ok: false, problems: [`${configFile}: store: ${(error as Error).message}`] };
  }
}
