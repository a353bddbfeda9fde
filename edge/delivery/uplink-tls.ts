/** How the gateway's uplink is protected: the files of its certificate, and what may go in the clear. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { keyFileRefusal, readKeyFile } from '../../process/key-file.ts';

/** Files, relative to the folder of the configuration. Certificate and key may stand in one. */
export const UplinkTls = z.strictObject({
  /** Who signed the broker's certificate; the system's own authorities when not there. */
  ca: z.string().min(1).optional(),
  cert: z.string().min(1),
  key: z.string().min(1),
  /** The cloud's address, from which the certificate is renewed in time; nobody renews it when not there. */
  renewal: z.url({ protocol: /^https?$/, error: 'not an https:// address' }).optional(),
});
export type UplinkTls = z.infer<typeof UplinkTls>;

export const absoluteTls = (folder: string, tls: UplinkTls): UplinkTls => ({
  ...tls,
  cert: resolve(folder, tls.cert),
  key: resolve(folder, tls.key),
  ...(tls.ca === undefined ? {} : { ca: resolve(folder, tls.ca) }),
});

/** Why the files cannot be used, by key. */
export function tlsRefusals(tls: UplinkTls): [keyof UplinkTls, string][] {
  const refusals: [keyof UplinkTls, string][] = [];
  const openKey = keyFileRefusal(tls.key);
  if (openKey !== null) refusals.push(['key', openKey]);
  for (const name of ['ca', 'cert'] as const) {
    const file = tls[name];
    if (file === undefined) continue;
    try {
      readFileSync(file);
    } catch (error) {
      refusals.push([name, (error as Error).message]);
    }
  }
  return refusals;
}

/** What a connection is made with: read for each, so that a renewed certificate needs no restart. @throws KeyFileError */
export const readTls = ({ ca, cert, key }: UplinkTls): { ca?: string; cert: string; key: string } => ({
  cert: readFileSync(cert, 'utf8'),
  key: readKeyFile(key),
  ...(ca === undefined ? {} : { ca: readFileSync(ca, 'utf8') }),
});

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/** Whether what is sent there can be read and changed on the way. */
export const goesInTheClear = (url: string): boolean => {
  const parsed = URL.parse(url);
  return parsed !== null && /^(mqtt|http):$/.test(parsed.protocol) && !LOOPBACK.test(parsed.hostname);
};
