/** Where the service and its workers keep everything: a file of the data folder, or a server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readKeyFile } from '../process/key-file.ts';
import type { ClientTls, CloudConfig, CloudSecrets } from './config.ts';
import type { StorePlace } from './store/store.ts';

/** PEM texts of the files. @throws KeyFileError; Error of the system */
export const readTls = ({ ca, cert, key }: ClientTls): { ca: string; cert?: string; key?: string } => ({
  ca: readFileSync(ca, 'utf8'),
  ...(cert && { cert: readFileSync(cert, 'utf8') }),
  ...(key && { key: readKeyFile(key) }),
});

/** @throws KeyFileError; Error of the system */
export function storePlace(
  { dataDir, store }: Pick<CloudConfig, 'dataDir' | 'store'>,
  { postgresPassword }: Pick<CloudSecrets, 'postgresPassword'>,
): StorePlace {
  if (store === undefined) return { file: join(dataDir, 'meterline.db') };
  const { host, port, database, user, passwordFile, tls } = store.postgres;
  const password = passwordFile === undefined ? postgresPassword : readKeyFile(passwordFile).trim();
  return { postgres: { host, port, database, user, password, tls: tls && readTls(tls) } };
}
